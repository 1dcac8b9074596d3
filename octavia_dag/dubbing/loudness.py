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
