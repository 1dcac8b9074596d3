"""A finished dub as the tests see it, and what holds for every one: measured on the two files, not by the report."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from octavia_command import Octavia

from octavia_dag.resources.artifacts import Artifact, ArtifactStore
from octavia_dag.resources.media import Media
from octavia_dag.resources.mux import packet_md5
from octavia_dag.resources.probe import probe_video
from octavia_dag.resources.sound import programme_loudness
from octavia_dag.resources.videos import records
from octavia_dag.schema import Document, Measure, QaReport

LENGTH_S = 0.022
PEAK_DBTP = -1.0


D = TypeVar("D", bound=Document)


@dataclass(frozen=True)
class Dub:
    """One finished dub: what the command said, the files it handed over, the artifacts behind them."""

    octavia: Octavia
    source: Path
    deliverable: Path
    said: dict[str, Any]

    @property
    def store(self) -> ArtifactStore:
        home = self.octavia.home
        return ArtifactStore(root=str(home / "store"), scratch=str(home / "scratch"))

    def artifact(self, name: str, language: str | None = None) -> Artifact:
        found = self.store.current(name, records(self.store)[0].id, language)
        assert found is not None, name
        return found

    def read(self, name: str, kind: type[D], language: str | None = None) -> D:
        return self.artifact(name, language).read(kind)

    @property
    def report(self) -> QaReport:
        return self.read("qa_report", QaReport, "pt-BR")

    def measure(self, name: str) -> Measure:
        return next(one for one in self.report.measures if one.name == name)


DubVideo = Callable[[Path], Dub]


def check(media: Media, source_path: Path, dub_path: Path) -> None:
    """Picture identical, length kept, dub default and tagged, original kept, decoded peak kept."""
    source, dub = probe_video(media, source_path, "", None), probe_video(media, dub_path, "", 0)
    assert packet_md5(media, source_path, "v:0") == packet_md5(media, dub_path, "v:0")
    assert abs(source.seconds - dub.seconds) <= LENGTH_S
    assert dub.audio[0].default
    assert dub.audio[0].language == "por"
    assert len(dub.audio) == len(source.audio) + 1
    assert not any(track.default for track in dub.audio[1:])
    _, original = programme_loudness(media, source_path, source.track or 0)
    _, peak = programme_loudness(media, dub_path, 0)
    assert peak is not None
    assert original is not None
    assert peak <= max(PEAK_DBTP, original) + 0.1
