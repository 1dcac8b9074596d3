"""The packaged sample dubbed with fakes again and again: artifacts made, documents, level of the deliverable."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import ffmpeg
import numpy as np
import yaml
from octavia_command import Octavia
from octavia_fakes import ENGINES

from octavia_dag.resources.artifacts import Artifact, ArtifactStore, Manifest
from octavia_dag.resources.media import Media
from octavia_dag.resources.videos import records
from octavia_dag.schema import Document, Measure, QaReport, SpeakerMap

D = TypeVar("D", bound=Document)
LANGUAGE = "pt-BR"


@dataclass(frozen=True)
class Switched:
    """One video of one installation, dubbed again and again with other settings."""

    octavia: Octavia
    video: Path
    folder: Path

    def dub(self, change: dict[str, dict[str, Any]]) -> None:
        settings = self.folder / "settings.yaml"
        merged = {name: {**ENGINES.get(name, {}), **change.get(name, {})} for name in {*ENGINES, *change}}
        settings.write_text(yaml.safe_dump(merged))
        done = self.octavia("dub", self.video, "--to", LANGUAGE, "--out", self.folder / "out", "--settings", settings)
        assert done.returncode == 0, done.stderr

    @property
    def store(self) -> ArtifactStore:
        return ArtifactStore(root=str(self.octavia.home / "store"), scratch=str(self.octavia.home / "scratch"))

    @property
    def id(self) -> str:
        return records(self.store)[0].id

    @property
    def deliverable(self) -> Path:
        return self.folder / "out" / f"{self.video.stem}.{LANGUAGE}{self.video.suffix}"

    def artifact(self, name: str) -> Artifact:
        found = self.store.current(name, self.id, LANGUAGE)
        assert found is not None, name
        return found

    def read(self, name: str, kind: type[D]) -> D:
        return self.artifact(name).read(kind)

    @property
    def main(self) -> str:
        """Who talks the most."""
        people = self.store.current("speaker_map", self.id, None)
        assert people is not None
        return max(people.read(SpeakerMap).speakers, key=lambda one: one.talk_seconds).id

    def measure(self, name: str) -> Measure:
        return next(one for one in self.read("qa_report", QaReport).measures if one.name == name)

    def made(self) -> dict[str, set[str]]:
        """Content keys of every artifact, by asset."""
        found: dict[str, set[str]] = {}
        for path in (self.octavia.home / "store").rglob("manifest.json"):
            manifest = Manifest.model_validate_json(path.read_text())
            found.setdefault(manifest.asset, set()).add(manifest.key)
        return found

    def level_dbfs(self, media: Media, start: float, end: float) -> float:
        """Level of the dub's own track in a stretch of the deliverable, decoded."""
        sound = ffmpeg.input(str(self.deliverable))["a:0"].filter("atrim", start=start, end=end)
        raw = b"".join(media.read(ffmpeg.output(sound, "pipe:", format="f32le"), "Decoding the dub"))
        return 10 * float(np.log10(max(np.mean(np.frombuffer(raw, np.float32).astype(np.float64) ** 2), 1e-12)))
