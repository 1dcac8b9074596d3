"""Loudness of sound in memory, by ITU-R BS.1770-4.

What is shorter than one gating block (0.4 s), or silent, has no loudness: None, never a number that something could be
matched to. Loudness over spans is that of the spans joined, so that pauses do not count as quiet speech.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octavia_dag.schema import Span

BLOCK_S = 0.4
HOP_S = 0.1
_OFFSET_LU = -0.691  # BS.1770-4, equation 2
_SILENCE_LUFS = -120.0
_FILTERS_HZ = 48_000.0
_SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
_HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
_LFE = 3  # position of the low-frequency channel in 5.1 and 7.1, which the measure leaves out


def integrated_lufs(samples: NDArray[np.float32], rate: int) -> float | None:
    """Integrated loudness of (frames,) or (frames, channels) up to 7.1, in LUFS; None when silent or under 0.4 s."""
    import pyloudnorm

    if len(samples) < BLOCK_S * rate or not np.any(samples):
        return None
    measured = float(pyloudnorm.Meter(rate).integrated_loudness(_weighable(samples)))
    return measured if np.isfinite(measured) else None


def gated_over(samples: NDArray[np.float32], rate: int, spans: Sequence[Span]) -> float | None:
    """Integrated loudness of `samples` over `spans` joined, in LUFS; None when there is too little of it."""
    parts = [samples[round(max(0.0, span.start) * rate) : round(max(0.0, span.end) * rate)] for span in spans]
    return integrated_lufs(np.concatenate(parts), rate) if parts else None


class MomentaryMeter:
    """Loudness of the last 0.4 s at every 0.1 s (BS.1770-4, EBU Tech 3341), of a mono sound in blocks.

    Weighted by frequency, where a filter is a product: in 0.1 s its run-in is too short to matter.
    """

    def __init__(self, rate: int) -> None:
        self._hop = round(HOP_S * rate)
        hertz = np.arange(self._hop // 2 + 1, dtype=np.float64) * rate / self._hop
        # Twice, since half of the spectrum stands for both; by Parseval the mean square is this over hop squared.
        self._weights = 2.0 * _k_weighting(hertz) / self._hop**2
        self._rest = np.zeros(0, np.float32)
        self._powers: list[NDArray[np.float64]] = []

    def add(self, block: NDArray[np.float32]) -> None:
        """The next block, shape (frames,)."""
        sound = np.concatenate([self._rest, block])
        count = len(sound) // self._hop
        whole, self._rest = sound[: count * self._hop], sound[count * self._hop :]
        spectra = np.fft.rfft(whole.reshape(count, self._hop), axis=1)
        self._powers.append(np.asarray((spectra.real**2 + spectra.imag**2) @ self._weights, np.float64))

    def momentary_lufs(self) -> NDArray[np.float64]:
        """Shape (blocks,); the first value belongs to 0.1 s, and those of less than 0.4 s to silence."""
        hops = np.concatenate([*self._powers, np.zeros(0)])
        width = round(BLOCK_S / HOP_S)
        if len(hops) < width:
            return np.full(len(hops), _SILENCE_LUFS)
        means = np.convolve(hops, np.full(width, 1.0 / width), "valid")
        levels = np.maximum(_OFFSET_LU + 10.0 * np.log10(np.maximum(means, 1e-15)), _SILENCE_LUFS)
        return np.concatenate([np.full(width - 1, _SILENCE_LUFS), levels])


def _k_weighting(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """The power that BS.1770-4's two filters (tables 1 and 2, at 48 kHz) leave of each frequency."""
    z = np.exp(-2j * np.pi * np.minimum(hertz, _FILTERS_HZ / 2) / _FILTERS_HZ)
    response = np.ones_like(z)
    for above, below in (_SHELF, _HIGH_PASS):
        response *= np.polyval(above[::-1], z) / np.polyval(below[::-1], z)
    return np.asarray(np.abs(response) ** 2, np.float64)


def _weighable(samples: NDArray[np.float32]) -> NDArray[Any]:
    """The channels that count, in the order L R C Ls Rs that carries the weights 1 1 1 1.41 1.41.

    7.1 is folded to 5.1 first, back and side at equal power.
    """
    if samples.ndim == 1 or samples.shape[1] <= _LFE:
        return samples
    fold = samples
    if samples.shape[1] == 8:
        fold = np.concatenate([samples[:, :4], (samples[:, 4:6] + samples[:, 6:8]) * np.sqrt(0.5)], axis=1)
    return np.delete(fold, _LFE, axis=1) if fold.shape[1] == 6 else fold
