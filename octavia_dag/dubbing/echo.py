"""Finds the original voice in a dub at another time than its own: a blink late or early, by an edit or a delay.

How much of it a dub holds is fitted as it lies; a voice that is off by a hundredth of a second would count as none of
it. So what is left of the dub without its makeup is compared with the voice at every lag up to half a second. At 2 kHz:
a voice has most of its power below 1 kHz, and an hour is seven million numbers. What does not resemble the voice at any
lag counts for nothing, however loud it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from octavia_dag.dubbing.figures import Makeup

Samples = NDArray[np.float32]
_RATE_HZ = 2000
_FARTHEST_S = 0.5
_CHUNK = 1 << 14
# Two voices that speak at the same time resemble each other by less at their best lag.
_LIKENESS = 0.3
_SILENT = 1e-8


@dataclass
class _Thin:
    """A sound as one channel at about 2 kHz: the mean of so many frames, block by block."""

    step: int
    parts: list[Samples] = field(default_factory=list[Samples])
    rest: Samples = field(default_factory=lambda: np.zeros((0, 1), np.float32))

    def add(self, block: Samples) -> None:
        channels = block.shape[1]
        if len(self.rest):
            lead = self.step - len(self.rest)
            self.rest = np.concatenate([self.rest, block[:lead]])
            block = block[lead:]
            if len(self.rest) < self.step:
                return
            self.parts.append(np.array([self.rest.mean()], np.float32))
        whole = len(block) // self.step * self.step
        width = self.step * channels
        self.parts.append(block[:whole].reshape(-1, width) @ np.full(width, 1.0 / width, np.float32))
        self.rest = block[whole:].copy()

    @property
    def sound(self) -> Samples:
        return np.concatenate(self.parts) if self.parts else np.zeros(0, np.float32)


class EchoMeter:
    """How much of the original voice is in a sound at the lag at which most of it is."""

    def __init__(self, rate_hz: int) -> None:
        self._step = max(1, round(rate_hz / _RATE_HZ))
        self._lags = round(_FARTHEST_S * rate_hz / self._step)
        self._thin = [_Thin(self._step) for _ in range(4)]

    def add(self, sound: Samples, speech: Samples, bed: Samples, voice: Samples) -> None:
        """The next block of all four, same shape."""
        for thin, block in zip(self._thin, (sound, speech, bed, voice), strict=True):
            thin.add(block)

    def gain(self, makeup: Makeup) -> float | None:
        """As a gain, beside what `makeup` has found at the voice's own time; None where the voice is silent."""
        sound, speech, bed, voice = (thin.sound for thin in self._thin)
        known = zip((makeup.speech, makeup.bed, makeup.voice), (speech, bed, voice), strict=True)
        left = sound - sum((np.float32(gain) * part for gain, part in known if gain), start=np.float32(0))
        power, of_voice = float(np.vdot(left, left)), float(np.vdot(voice, voice))
        if makeup.voice is None or of_voice <= _SILENT * len(voice):
            return None
        largest = float(np.max(np.abs(_correlations(left, voice, self._lags))))
        if largest < _LIKENESS * float(np.sqrt(power * of_voice)) or not power:
            return 0.0
        return round(largest / of_voice, 4)


def _correlations(left: Samples, voice: Samples, lags: int) -> NDArray[np.float64]:
    """Sums of products of two sounds, the second `lags` earlier to `lags` later, a chunk at a time."""
    around = np.pad(left, (lags, lags + _CHUNK))
    size = 1 << (_CHUNK + 2 * lags - 1).bit_length()
    total = np.zeros(2 * lags + 1)
    for start in range(0, len(voice), _CHUNK):
        pieces: Sequence[Samples] = (around[start : start + _CHUNK + 2 * lags], voice[start : start + _CHUNK])
        first, second = (np.fft.rfft(one, size) for one in pieces)
        total += np.fft.irfft(first * np.conj(second), size)[: 2 * lags + 1]
    return total
