"""A finished dub that is spoiled on purpose: what was published is replaced, and the report measures what is there.

A spoil stands in for its artifact under a key and a data version of its own, as a step that made it so would have left
it. The steps below it run for real, and so do the report and its checks.
"""

import secrets
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import Any

import dagster as dg
import ffmpeg
import numpy as np
import soundfile
from finished import Dub
from numpy.typing import NDArray

from octavia_dag.assets import checks, delivery, qa
from octavia_dag.definitions import workshop
from octavia_dag.environment import read
from octavia_dag.partitions import VIDEOS, dub_key
from octavia_dag.resources.artifacts import Artifact, data_version, stored_files
from octavia_dag.resources.media import Media
from octavia_dag.resources.sound import read_blocks
from octavia_dag.resources.videos import records
from octavia_dag.schema import Document, DubbedChunks, DuckedMix, FinalMux, QaReport, Stems

LANGUAGE = "pt-BR"
BELOW = {
    "dubbed_chunks": (delivery.synced_speech, delivery.ducked_mix, delivery.final_mux),
    "final_mux": (),
}
Sound = NDArray[np.float64]
Change = Callable[[Path], Document | None]


@dataclass(frozen=True)
class Judged:
    """What the report and the checks say of a spoiled dub."""

    report: QaReport
    checks: dict[str, dg.AssetCheckEvaluation]

    @property
    def broken(self) -> set[str]:
        return {one.name for one in self.report.measures if not one.ok}


@dataclass(frozen=True)
class Sounds:
    """What the deliverable was made of: the dub's speech as mixed, the ducked bed, the original voice."""

    speech: Sound
    bed: Sound
    voice: Sound
    rate: int


class Bench:
    """Spoils one dub after the other, and puts back what was there."""

    def __init__(self, dub: Dub, media: Media) -> None:
        self.dub, self.media = dub, media
        self.video = records(dub.store)[0].id
        self.tools = workshop(read(dub.octavia.home))

    @contextmanager
    def spoiled(self, name: str, change: Change) -> Generator[Judged]:
        """What is judged where the artifact `name` is what `change` makes of its folder (and of its document)."""
        kept = [found for one in ("dubbed_chunks", "synced_speech", "ducked_mix", "final_mux", "qa_report")
                if (found := self.dub.store.current(one, self.video, LANGUAGE))]  # fmt: skip
        self._replace(self.dub.artifact(name, LANGUAGE), change)
        try:
            yield self._judge([*BELOW[name], qa.qa_report])
        finally:
            for one in kept:
                self.dub.store.point(one)

    def sounds(self) -> Sounds:
        mixed, stems = self.dub.artifact("ducked_mix", LANGUAGE), self.dub.artifact("stems")
        told, apart = mixed.read(DuckedMix), stems.read(Stems)
        assert told.final_audio_native_music is not None
        assert told.ducked_bed is not None
        assert apart.clean_vocals is not None
        files = (mixed.file(told.final_audio_native_music), mixed.file(told.ducked_bed), stems.file(apart.clean_vocals))
        whole, bed, voice = (np.concatenate(list(read_blocks(path))).astype(np.float64) for path in files)
        return Sounds(whole - bed, bed, voice, told.rate)

    def remuxed(
        self,
        folder: Path,
        sound: Sound | None,
        *,
        picture: str = "copy",
        asked: Mapping[str, Any] | None = None,
        **output: Any,
    ) -> None:
        """Puts the deliverable in `folder` together again, with another first sound or its picture coded anew; `asked`
        are options of what is read.
        """
        path = folder / self.dub.artifact("final_mux", LANGUAGE).read(FinalMux).video
        before, wav = folder / "before.mp4", folder / "sound.wav"
        path.rename(before)
        file = ffmpeg.input(str(before), **(asked or {}))
        first, coding = file["a:0"], {"c:a:0": "copy"}
        if sound is not None:
            soundfile.write(wav, sound, self.sounds().rate, subtype="FLOAT")
            first, coding = ffmpeg.input(str(wav)).audio, {"c:a:0": "aac", "b:a:0": "192k"}
        tags = {"metadata:s:a:0": "language=por", "disposition:a:0": "default", "disposition:a:1": "-default"}
        streams = [file["v"], first, file["a:1"], file["s"]]
        told = {"c:v": picture, "c:a:1": "copy", "c:s": "copy", **coding, **tags, **output}
        self.media.run(ffmpeg.output(*streams, str(path), **told), "Spoiling a dub")
        before.unlink()
        wav.unlink(missing_ok=True)

    def _replace(self, artifact: Artifact, change: Change) -> None:
        with self.dub.store.workspace() as folder:
            for name in artifact.manifest.files:
                copyfile(artifact.file(name), folder / name)
            kind = {"dubbed_chunks": DubbedChunks, "final_mux": FinalMux}[artifact.manifest.asset]
            document = change(folder) or artifact.read(kind)
            files = stored_files(folder)
            new = {"key": secrets.token_hex(32), "files": files, "data_version": data_version(document, files)}
            self.dub.store.point(self.dub.store.publish(folder, document, artifact.manifest.model_copy(update=new)))

    def _judge(self, steps: Sequence[dg.AssetsDefinition]) -> Judged:
        with dg.DagsterInstance.ephemeral() as instance:
            instance.add_dynamic_partitions(VIDEOS.name or "", [self.video])
            done = dg.materialize(
                [*steps, checks.promises],
                instance=instance,
                partition_key=dub_key(self.video, LANGUAGE),
                resources={"workshop": self.tools},
                selection=dg.AssetSelection.assets(*steps) | dg.AssetSelection.checks(checks.promises),
            )
        report = self.dub.artifact("qa_report", LANGUAGE).read(QaReport)
        return Judged(report, {one.check_name: one for one in done.get_asset_check_evaluations()})
