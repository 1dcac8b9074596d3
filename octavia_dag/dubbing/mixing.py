"""How deep the bed steps back, and how loud the dub is: the arithmetic behind the mix.

ffmpeg's sidechain compressor has no depth. Its output is bed * (wet * g + 1 - wet), and g depends on the key alone,
so the depth is set by measuring the median of g while the dub speaks and choosing `wet` for it. Loudness is compared
over speech only (BS.1770 blocks that lie inside speech), because a programme's gaps say nothing of how loud a person
speaks. Nothing here reads a file: levels and sounds come in as arrays.
"""

import math
from collections.abc import Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from octavia_dag.schema import Span

Levels = NDArray[np.float64]

KEY_LUFS = -20.0
"""The dub is raised to this before it works the compressor, so that a quiet programme ducks as a loud one does."""
HOP_S = 0.1
BLOCK_S = 0.4
WINDOW_S = 0.05
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = 10.0
_FLOOR_POWER = 1e-7
"""-70 dBFS: what is softer is no bed whose level could be compared."""


class Ducking(Protocol):
    """What the mix must be told; the `mix` slice of the settings has exactly these fields."""

    @property
    def keep_music(self) -> bool:
        """Whether there is a bed at all."""
        ...

    @property
    def duck_depth_db(self) -> float:
        """Median reduction of the bed while the dub speaks."""
        ...

    @property
    def threshold_db(self) -> float:
        """The compressor's threshold."""
        ...

    @property
    def ratio(self) -> float:
        """The compressor's ratio."""
        ...

    @property
    def attack_ms(self) -> float:
        """The compressor's attack."""
        ...

    @property
    def release_ms(self) -> float:
        """The compressor's release."""
        ...


def wet_for_depth(depth_db: float, own_reduction_db: float) -> float:
    """The compressor's `mix` that turns its own median reduction into `depth_db`, 0 to 1.

    1 - wet * (1 - 10^(-g/20)) = 10^(-depth/20); 1 where the compressor itself reduces by less than the depth.
    """
    if depth_db <= 0.0:
        return 0.0
    if own_reduction_db <= depth_db:
        return 1.0
    return (1.0 - 10.0 ** (-depth_db / 20.0)) / (1.0 - 10.0 ** (-own_reduction_db / 20.0))


def key_boost_db(depth_db: float, own_reduction_db: float, ratio: float) -> float:
    """How much louder the key must be for the compressor to reach `depth_db`; 0 where it does already.

    Above the threshold 1 dB of key gives 1 - 1/ratio dB of reduction; half a dB more covers the knee. A ratio of 1
    reduces nothing, whatever the key: infinity.
    """
    if own_reduction_db >= depth_db:
        return 0.0
    slope = 1.0 - 1.0 / ratio
    return (depth_db - own_reduction_db) / slope + 0.5 if slope > 0.0 else math.inf


def merged(spans: Iterable[Span]) -> list[tuple[float, float]]:
    """The union of `spans` as (start, end) in seconds, ordered, without overlaps."""
    found: list[tuple[float, float]] = []
    for start, end in sorted((span.start, span.end) for span in spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def inside(count: int, step_s: float, length_s: float, spans: Iterable[Span]) -> NDArray[np.bool_]:
    """Which of `count` windows (the i-th begins at i * step_s and lasts length_s) lie wholly inside a span.

    A span too short to hold one marks the window nearest to its middle, so that no utterance goes unheard.
    """
    marks = np.zeros(count, dtype=np.bool_)
    for start, end in merged(spans):
        first = math.ceil(start / step_s - 1e-6)
        last = math.floor((end - length_s) / step_s + 1e-6)
        if last < first:
            first = last = round(((start + end) / 2.0 - length_s / 2.0) / step_s)
        marks[max(first, 0) : max(last + 1, 0)] = True
    return marks


def gated_lufs(momentary: Levels, spans: Iterable[Span]) -> float | None:
    """BS.1770-4 gated loudness of the blocks inside `spans`; None where all of them are below the absolute gate.

    `momentary` has shape (blocks,): the loudness of the last 0.4 s at every 0.1 s, as ffmpeg's ebur128 reports it
    (the first value belongs to 0.1 s).
    """
    lead = round(BLOCK_S / HOP_S) - 1
    whole = momentary[lead:]
    chosen = whole[inside(len(whole), HOP_S, BLOCK_S, spans)]
    chosen = chosen[chosen > _ABSOLUTE_GATE_LUFS]
    if not len(chosen):
        return None
    gate = _mean_lufs(chosen) - _RELATIVE_GATE_LU
    return _mean_lufs(chosen[chosen > gate])


def _mean_lufs(levels: Levels) -> float:
    return float(10.0 * np.log10(np.mean(10.0 ** (levels / 10.0))))


def median_inside(values: Levels, step_s: float, spans: Iterable[Span]) -> float | None:
    """Median of values taken every `step_s` seconds, over those inside `spans`; None where there is none."""
    chosen = values[inside(len(values), step_s, 0.0, spans)]
    return float(np.median(chosen)) if len(chosen) else None


def window_powers(samples: NDArray[np.floating], window: int) -> Levels:
    """Mean square of each whole window of `window` frames; `samples` has shape (frames,) or (frames, channels)."""
    flat = np.asarray(samples, dtype=np.float64)
    flat = flat.reshape(len(flat), -1)
    count = len(flat) // window
    return np.mean(flat[: count * window].reshape(count, -1) ** 2, axis=1)


def median_power_drop_db(before: Levels, after: Levels, step_s: float, spans: Iterable[Span]) -> float | None:
    """Median loss in dB from `before` to `after` (powers of the same windows) inside `spans`.

    Windows in which the bed is below -70 dBFS say nothing and are left out; None where no other is left.
    """
    count = min(len(before), len(after))
    chosen = inside(count, step_s, step_s, spans) & (before[:count] > _FLOOR_POWER)
    if not chosen.any():
        return None
    ratio = before[:count][chosen] / np.maximum(after[:count][chosen], 1e-15)
    return float(np.median(10.0 * np.log10(ratio)))


def speech_channels(channels: int) -> tuple[str, ...]:
    """The channels of a FLAC of `channels` that carry a mono dub: the centre, or left and right where there is none.

    FLAC's own order of channels (RFC 9639, 9.1.3): of its layouts, stereo and quadraphonic have no centre.
    """
    return ("FL", "FR") if channels in {2, 4} else ("FC",)


def placement_db(channels: int) -> float:
    """What BS.1770 adds when one sound is put unchanged into `channels` channels: their powers add up."""
    return 10.0 * math.log10(channels)
