"""People whose voices are tones, and the two networks of a diarization pipeline as they would hear them.

Only what a trained network would say is made up: who sounds in each frame, and a vector for each voice. Both depend on
the sound alone, the networks are loaded as any are, and everything around them is pyannote's own. Local speakers come
in another order in every chunk, as they do from a real network. Vectors of one voice have a cosine of about 0.7, those
of two of about 0.15.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octavia_dag.resources.engines import Samples

RATE_HZ = 16000
PEOPLE = "ABCDEF"
Said = tuple[str, float, float]

_WINDOW = 160  # 10 ms, in which tones at multiples of 100 Hz are orthogonal
_LEVEL = 0.05
_LOCAL = 3
_POWERSET: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))
_SIZE = 256


def spoken(plan: Sequence[Said], seconds: float) -> Samples:
    """A sound of `seconds` in which each person of `plan` sounds from the one moment to the other."""
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    sound = np.random.default_rng(1).normal(0.0, _LEVEL / 100, len(times))
    for person, start, end in plan:
        tone = _LEVEL * np.sin(2 * np.pi * _hz(person) * times)
        sound += np.where((times >= start) & (times < end), tone, 0.0)
    return sound.astype(np.float32)


@dataclass
class Ear:
    """In the place of the two networks; `batches` are the sizes it was given, `gives_out` the size it fails at."""

    gives_out: int = 1000
    fails: int = 1000
    batches: list[int] = field(default_factory=list[int])

    def put_in(self, monkeypatch: Any) -> None:
        """Takes the place of both networks' forward pass."""
        from pyannote.audio.models.embedding.wespeaker import BaseWeSpeakerResNet
        from pyannote.audio.models.segmentation import PyanNet

        def segment(model: Any, sound: Any) -> Any:
            return self.segmented(sound, model.num_frames(sound.shape[-1]))

        def embed(_: Any, sound: Any, weights: Any = None) -> Any:
            return self.embedded(sound, weights)

        monkeypatch.setattr(PyanNet, "forward", segment)
        monkeypatch.setattr(BaseWeSpeakerResNet, "forward", embed)

    def segmented(self, sound: Any, frames: int) -> Any:
        """Log probabilities (chunks, frames, 7) of who speaks in each frame."""
        import torch

        self._weigh(len(sound))
        said = np.full((len(sound), frames, len(_POWERSET)), -20.0, np.float32)
        for number, heard in enumerate(_sounding(sound.numpy()[:, 0])):
            at = np.minimum(np.arange(frames) * heard.shape[0] // frames, heard.shape[0] - 1)
            order = np.random.default_rng(int(heard.sum())).permutation(len(PEOPLE))
            local = [person for person in order if heard[:, person].any()][:_LOCAL]
            for frame, moment in enumerate(at):
                who = tuple(place for place, person in enumerate(local) if heard[moment, person])[:2]
                said[number, frame, _POWERSET.index(who)] = 0.0
        return torch.from_numpy(said)

    def embedded(self, sound: Any, weights: Any) -> Any:
        """A vector for each sound (batch, 256), of the voices that sound where `weights` (batch, frames) are."""
        import torch

        self._weigh(len(sound))
        out: list[NDArray[np.float32]] = []
        for heard, mask in zip(_sounding(sound.numpy()[:, 0]), weights.numpy(), strict=True):
            at = np.arange(len(heard)) * len(mask) // len(heard)
            seconds = (heard * mask[at][:, np.newaxis]).sum(axis=0)
            scatter = np.random.default_rng(int(1000 * seconds.sum()) + int(heard.sum())).standard_normal(_SIZE)
            voice = seconds @ _VOICES / max(seconds.sum(), 1.0)
            out.append((voice + 0.65 * scatter / np.linalg.norm(scatter)).astype(np.float32))
        return torch.from_numpy(np.stack(out))

    def _weigh(self, batch: int) -> None:
        import torch

        self.batches.append(batch)
        if batch >= self.gives_out and self.fails:
            self.fails -= 1
            raise torch.OutOfMemoryError("CUDA out of memory")


def _hz(person: str) -> int:
    return 400 + 300 * PEOPLE.index(person)


def _voices() -> NDArray[np.float64]:
    own, common = np.random.default_rng(2).standard_normal((len(PEOPLE), _SIZE)), np.ones(_SIZE) / np.sqrt(_SIZE)
    own -= np.outer(own @ common, common)
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    return np.sqrt(0.8) * own + np.sqrt(0.2) * common


_VOICES = _voices()
_TONES = np.exp(-2j * np.pi * np.outer(np.arange(_WINDOW) / RATE_HZ, [_hz(person) for person in PEOPLE]))


def _sounding(sound: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Who sounds in each 10 ms, shape (batch, windows, people)."""
    windows = sound[:, : sound.shape[1] // _WINDOW * _WINDOW].reshape(len(sound), -1, _WINDOW)
    return np.abs(windows @ _TONES) * 2 / _WINDOW > _LEVEL / 2
