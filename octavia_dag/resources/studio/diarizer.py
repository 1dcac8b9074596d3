"""Who speaks when, by pyannote.audio 4: its segmentation and embeddings, with spectral clustering or its own.

The exclusive diarization, which gives every moment to one person, makes the turns, since a line has one speaker. Where
two speak at once is told beside it. Edges are those of the regions (dubbing/exclusive.py): the chunks' voice activity
decides what is speech, pyannote who says it. Nothing is loaded that does not lie in the verified folder, and nothing is
told to pyannote's makers.
"""

import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from pydantic import Field

from octavia_dag.dubbing.exclusive import filled, shared
from octavia_dag.dubbing.speakers import overlaps
from octavia_dag.errors import EngineError, ModelError
from octavia_dag.resources.engines import Diarizer, EngineInfo, Licence, Samples
from octavia_dag.resources.stopwatch import busy
from octavia_dag.resources.studio.device import CPU
from octavia_dag.resources.studio.engine import StudioEngine
from octavia_dag.resources.studio.residency import NoRoomError, drop_idle, free_cache
from octavia_dag.resources.studio.speaker_clustering import spectral_clustering
from octavia_dag.schema import Span, Turn

COMMUNITY = "pyannote/speaker-diarization-community-1"
RATE_HZ = 16000
_METHOD = "spectral-1"  # another number where equal weights would give other turns
_CONFIG = "config.yaml"
_PARTS = ("segmentation", "embedding", "plda")
# What the models hear before the first region and behind the last.
_CONTEXT_S = 5.0
_NEEDS_GIB = 3.0


class PyannoteDiarizer(StudioEngine, Diarizer):
    """Knows no language. `weights` that are a folder are taken to be a copy of the default ones.

    `clustering` is "spectral", or "vbx": the pipeline's own. Two pieces of speech are one voice to the spectral one
    where the cosine of their embeddings is `alike` or more. `batch` chunks of 10 s are heard at once.
    """

    weights: str = f"{COMMUNITY}@3533c8cf8e369892e6b79ff1bf80f7b0286a54ee"
    clustering: Literal["spectral", "vbx"] = "spectral"
    alike: float = Field(default=0.5, gt=0.0, lt=1.0)
    batch: int = Field(default=32, ge=1)

    def info(self) -> EngineInfo:
        """The weights, and how they are clustered."""
        how = f"{_METHOD} {self.alike:g}" if self.clustering == "spectral" else "vbx"
        return EngineInfo(name="pyannote", revision=f"{self.weights_revision()} {how}", licence="CC-BY-4.0")

    def licences(self, language: str | None = None) -> tuple[Licence, ...]:
        """Weights and code; the weights are gated, and whoever uses them must name their makers."""
        return (self.of_weights(Licence(part=COMMUNITY, name="CC-BY-4.0")), Licence(part="pyannote.audio", name="MIT"))

    def diarize(self, sound: Samples, regions: Sequence[Span], *, minimum: int, maximum: int) -> list[Turn]:
        """Turns that fill `regions`, one person at a time; none where the regions hold no sound at all."""
        return self.diarize_with_overlaps(sound, regions, minimum=minimum, maximum=maximum)[0]

    @property
    def alongside(self) -> bool:
        """On a GPU; on a CPU it would take from the other what it gains."""
        return self.home != CPU

    def diarize_with_overlaps(
        self, sound: Samples, regions: Sequence[Span], *, minimum: int, maximum: int
    ) -> tuple[list[Turn], list[Span]]:
        """The turns of `diarize`, and where inside the regions two or more were heard at once."""
        if not 1 <= minimum <= maximum:
            raise EngineError(f"Between {minimum} and {maximum} speakers were asked for; give 1 <= minimum <= maximum.")
        heard = sorted((region for region in regions if np.any(_cut(sound, region))), key=lambda one: one.start)
        if not heard:
            return [], []
        start = max(0.0, heard[0].start - _CONTEXT_S)
        piece = _cut(sound, Span(start=start, end=heard[-1].end + _CONTEXT_S))
        told = [Span(start=region.start - start, end=region.end - start) for region in heard]
        with busy("engine", "pyannote"):
            output = self._heard(piece, told, minimum, maximum)
        turns = filled(_turns(output.exclusive_speaker_diarization, start), heard)
        return turns, shared(overlaps(_turns(output.speaker_diarization, start)), heard)

    def _heard(self, sound: Samples, regions: list[Span], minimum: int, maximum: int) -> Any:
        """What the pipeline makes of a sound, with half the batch wherever memory gives out."""
        import torch

        waveform = torch.from_numpy(np.array(sound, np.float32)[np.newaxis])
        full: BaseException | None = None
        roomless = ""
        for home, size in self._attempts():
            if home == roomless:
                continue
            file = {"waveform": waveform, "sample_rate": RATE_HZ, "uri": "sound", "regions": regions}
            try:
                with self.resident(f"{self.clustering} {self.alike:g}", _NEEDS_GIB, self._load, home) as pipeline:
                    pipeline.segmentation_batch_size = pipeline.embedding_batch_size = size
                    return pipeline(file, min_speakers=minimum, max_speakers=maximum)
            except NoRoomError:  # of the pipeline itself: fewer chunks at once would not help
                if home == CPU or not self.cpu_fallback:
                    raise
                roomless = home
            except MemoryError as error:
                full = error
                free_cache()
                if size == 1:
                    drop_idle()
        raise EngineError(
            f"Diarizing {len(sound) / RATE_HZ:.0f} s of sound: memory of the device gave out even with one chunk at a "
            "time; use a larger card, or set diarization.options.cpu_fallback."
        ) from full

    def _attempts(self) -> Iterator[tuple[str, int]]:
        """Where to compute, and how many chunks at once."""
        fallback = (CPU,) if self.cpu_fallback and self.home != CPU else ()
        for home in (self.home, *fallback):
            size = self.batch
            while size:
                yield home, size
                size //= 2
            yield home, 1  # once more without what was idle

    def _load(self, device: str) -> Any:
        folder = self.folder()
        _refuse_other_weights(folder)
        os.environ["PYANNOTE_METRICS_ENABLED"] = "0"
        import torch

        with warnings.catch_warnings():
            # A page of warning where torchcodec finds no ffmpeg it knows; sound is given in memory, so it is not asked.
            warnings.simplefilter("ignore")
            from pyannote.audio import Pipeline

        try:
            pipeline: Any = Pipeline.from_pretrained(str(folder))
        except FileNotFoundError as error:
            raise ModelError(
                f"Loading the diarization pipeline of {folder}: it has no {error.filename or error}; fetch the whole "
                "repository, and seal it again."
            ) from error
        if pipeline is None:
            raise ModelError(
                f"Loading the diarization pipeline of {folder}: pyannote refused it, as it does where a part is gated; "
                f"accept the terms of {COMMUNITY} on the hub, set HF_TOKEN, and fetch it again."
            )
        if self.clustering == "spectral":
            pipeline.clustering = spectral_clustering(self.alike)
        return pipeline.to(torch.device(device))


def _refuse_other_weights(folder: Path) -> None:
    """A ModelError where the pipeline is of another kind, or would fetch weights that nobody checked."""
    path = folder / _CONFIG
    try:
        pipeline = yaml.safe_load(path.read_text(encoding="utf-8"))["pipeline"]
        kind, parts = str(pipeline["name"]), {part: str(pipeline["params"][part]) for part in _PARTS}
    except FileNotFoundError as error:
        raise ModelError(
            f"The weights in {folder} have no {_CONFIG}, so they are no pipeline; use {COMMUNITY}, or a copy of it."
        ) from error
    except (yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ModelError(
            f"{path} does not name the {', '.join(_PARTS)} of a diarization pipeline; use {COMMUNITY}, or a copy of it."
        ) from error
    if not kind.endswith(".SpeakerDiarization"):
        raise ModelError(
            f"{path} describes {kind}, and diarization needs SpeakerDiarization; use {COMMUNITY}, or a copy of it."
        )
    for part, named in parts.items():
        if not named.startswith("$model/"):
            raise ModelError(
                f"{path} takes its {part} from {named}, which nobody verified; put it into the folder, and name it "
                f"$model/{part}."
            )


def _cut(sound: Samples, span: Span) -> Samples:
    return sound[round(span.start * RATE_HZ) : round(span.end * RATE_HZ)]


def _turns(annotation: Any, start: float) -> list[Turn]:
    tracks = annotation.itertracks(yield_label=True)
    return [Turn(start=start + one.start, end=start + one.end, speaker=str(label)) for one, _, label in tracks]
