"""A series: videos whose speakers are put in place as if they had been analysed, and cast by the real step.

Everything but voice_profiles and casting is a stand-in document under the key that its step would have come to, so that
a plan finds all of it as it should be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import yaml
from octavia_fakes import ENGINES, FakeCloner

from octavia_dag import environment as surroundings
from octavia_dag.assets.given import given, sources_of
from octavia_dag.assets.giving import Asked
from octavia_dag.assets.judging import Judge
from octavia_dag.assets.step import engines_of, settings_for
from octavia_dag.assets.voices import casting, voice_profiles
from octavia_dag.definitions import workshop
from octavia_dag.dubbing.speakers import speaker_map_of
from octavia_dag.graph import GRAPH
from octavia_dag.keys import recipe
from octavia_dag.partitions import dub_key
from octavia_dag.resources.artifacts import Artifact, Manifest, data_version, stored_files
from octavia_dag.resources.engines import EngineInfo, Samples
from octavia_dag.resources.sound import write_flac
from octavia_dag.resources.videos import VideoRecord, save
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import Casting, Document, Role, Stems, Transcript, Turn, Verdict

RATE_HZ = 16000
LANGUAGE = "pt-BR"
PAUSE_S = 0.5
_STEPS = {"voice_profiles": voice_profiles, "casting": casting}
_BELOW = [name for name, node in GRAPH.items() if node.granularity == "dub" and name != "casting"]


def voice(hz: float, seconds: float = 5.0, *, take: int = 0) -> Samples:
    """Somebody who hums at `hz`, a little otherwise in each take; the fake cloner hears a woman above 1000 Hz."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    noise = np.random.default_rng([round(hz), take]).standard_normal(len(t))
    return (0.3 * np.sin(2 * np.pi * hz * t) + 0.005 * noise).astype(np.float32)


class OtherCloner(FakeCloner):
    """Another engine, whose embeddings point elsewhere."""

    def info(self) -> EngineInfo:
        return super().info().model_copy(update={"name": "OtherCloner"})

    def embed(self, sound: Samples) -> Samples:
        return np.roll(super().embed(sound), 7)


@dataclass
class Series:
    """One installation; `settings` are the catalogue's, over fakes for every role."""

    root: Path
    models_dir: str | None = None
    settings: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def __post_init__(self) -> None:
        environment = surroundings.read(self.root)
        self.tools: Workshop = workshop(environment)
        if self.models_dir is not None:
            engines = self.tools.engines.model_copy(update={"models_dir": self.models_dir})
            self.tools = self.tools.model_copy(update={"engines": engines})
        self.set()

    def set(self, **layer: Mapping[str, Any]) -> None:
        """Makes `layer` the catalogue's settings."""
        names = {*ENGINES, *self.settings, *layer}
        told = {n: {**ENGINES.get(n, {}), **self.settings.get(n, {}), **layer.get(n, {})} for n in names}
        Path(self.tools.store.root).mkdir(parents=True, exist_ok=True)
        (Path(self.tools.store.root) / "settings.yaml").write_text(yaml.safe_dump(told))

    def add(self, name: str, speakers: Sequence[Samples], *, languages: tuple[str, ...] = (LANGUAGE,)) -> str:
        """A video in which these voices speak once each, in turn, as A, B and so on."""
        video = f"{name}-{abs(hash(name)) % 16**8:08x}"
        save(self.tools.store, VideoRecord(id=video, name=name, path="", sha256=name, size=0, requested=languages))
        self.hear(video, speakers)
        return video

    def hear(self, video: str, speakers: Sequence[Samples], turns: Sequence[Turn] | None = None) -> None:
        """The same for a video that is there; `turns` say who speaks when, where it is not each in turn."""
        pause = np.zeros(round(PAUSE_S * RATE_HZ), np.float32)
        sound = np.concatenate([part for one in speakers for part in (one, pause)])
        found, at = list[Turn](), 0.0
        for letter, one in zip("ABCDEFGHIJ", speakers, strict=False):
            found.append(Turn(speaker=letter, start=at, end=at + len(one) / RATE_HZ))
            at += len(one) / RATE_HZ + PAUSE_S
        self._put("source_video", video, None, Verdict(ok=True))
        stems = Stems(rate=RATE_HZ, channels=1, frames=len(sound), clean_vocals="vocals.flac", bgm_full=None)
        self._put("stems", video, None, stems, sound)
        self._put("chunks", video, None, Verdict(ok=True))
        self._put("speaker_map", video, None, speaker_map_of(turns if turns is not None else found))
        self._put("transcript", video, None, Transcript(language="en", lines=()))
        self._run("voice_profiles", video)

    def cast(self, video: str, language: str = LANGUAGE) -> dict[str, Role]:
        """Casts a video, and returns who speaks how."""
        self._run("casting", dub_key(video, language))
        return {role.speaker: role for role in self.casting(video, language).read(Casting).roles}

    def casting(self, video: str, language: str = LANGUAGE) -> Artifact:
        """The current casting."""
        found = self.tools.store.current("casting", video, language)
        assert found is not None
        return found

    def finish(self, video: str, language: str = LANGUAGE) -> None:
        """Everything below a casting, as if it had been made."""
        for name in _BELOW:
            self._put(name, video, language, Verdict(ok=True))

    def stale(self, video: str) -> list[tuple[str, str | None, str]]:
        """What a plan would not leave as it is."""
        items = Judge(self.tools).plan(video).items
        return [(one.asset, one.language, one.state) for one in items if one.state != "current"]

    def _run(self, name: str, partition: str) -> None:
        _STEPS[name](dg.build_asset_context(partition_key=partition), workshop=self.tools)

    def _put(
        self, name: str, video: str, language: str | None, document: Document, sound: Samples | None = None
    ) -> None:
        store, node = self.tools.store, GRAPH[name]
        settings = settings_for(self.tools, video, language)
        above = {n: store.pointer(n, video, language if GRAPH[n].granularity == "dub" else None) for n in node.inputs}
        inputs = {n: one.data_version for n, one in above.items() if one} or {"file": video.rpartition("-")[0]}
        asked = Asked(self.tools, settings, video, language)
        sources = sources_of(asked, name)
        extras = given(asked, name, inputs, sources, None)
        engines = engines_of(self.tools, settings, node)
        wanted = recipe(node, language, inputs=inputs, settings=settings, engines=engines, extras=extras)
        with store.workspace() as folder:
            if sound is not None:
                write_flac(folder / "vocals.flac", [sound], RATE_HZ, 1)
            files = stored_files(folder)
            told = {field: getattr(wanted, field) for field in ("asset", "key", "code_version", "inputs", "settings")}
            told |= {"engines": wanted.engines, "extras": wanted.extras, "video": video, "language": language}
            told |= {"data_version": data_version(document, files), "files": files}
            manifest = Manifest(**told, seconds=1.0, busy_seconds=1.0, counts={})
            store.point(store.publish(folder, document, manifest), sources)
