"""Which stretches of a person's speech a voice is cloned from: the clearest ones, whole windows, never clipped.

A clone copies what it hears, hiss and distortion too. Clear is a window whose loud frames stand far above its own quiet
ones, so a loud room is no advantage; clipped is one in which samples stick to the peak.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from octavia_dag.schema import Span

# A window is long enough to hold a pause, by which its noise is known, and short enough to leave a cough out.
WINDOW_S = 3.0
FRAME_S = 0.02
# A rest shorter than this joins the window before it: alone it has no pause to know its noise by.
LEAST_S = 1.0
LOUD, QUIET = 90, 10  # percentiles of the frames' levels: speech, and what lies under it
FULL_SCALE = 0.99
STUCK = 3  # so many samples in a row at full scale are no peak but a clipped one
_FLOOR = 1e-5


def best_segments(
    sound: NDArray[np.float32], rate_hz: int, segments: Sequence[Span], *, seconds: float
) -> tuple[Span, ...]:
    """The clearest windows of `segments`, together at most `seconds`, in order of time; neighbours are one again.

    Clipped ones are taken only where there is nothing else; never nothing, where there is a segment.
    """
    windows = [window for segment in segments for window in _windows(segment)]
    judged = [(clipped(_cut(sound, rate_hz, w)), -clearness_db(_cut(sound, rate_hz, w), rate_hz), w) for w in windows]
    kept: list[Span] = []
    left = seconds
    for distorted, _, window in sorted(judged, key=lambda one: (one[0], one[1], one[2].start)):
        if kept and (distorted or window.seconds > left + 1e-6):
            continue
        kept.append(window)
        left -= window.seconds
    return _joined(sorted(kept, key=lambda span: span.start))


def clearness_db(sound: NDArray[np.float32], rate_hz: int) -> float:
    """How far speech stands above what lies under it: the loud frames' level over the quiet ones', in dB."""
    size = max(1, round(FRAME_S * rate_hz))
    if len(sound) < size:
        return 0.0
    frames = sound[: len(sound) // size * size].reshape(-1, size).astype(np.float64)
    levels = 20 * np.log10(np.maximum(np.sqrt((frames**2).mean(axis=1)), _FLOOR))
    loud, quiet = np.percentile(levels, (LOUD, QUIET))
    return float(loud - quiet)


def clipped(sound: NDArray[np.float32]) -> bool:
    """Whether samples in a row stick to full scale."""
    stuck = (np.abs(sound) >= FULL_SCALE).astype(np.int32)
    runs = np.convolve(stuck, np.ones(STUCK, np.int32)) if len(stuck) else stuck
    return bool((runs == STUCK).any())


def _windows(segment: Span) -> list[Span]:
    edges = list(np.arange(segment.start, segment.end, WINDOW_S))
    if len(edges) > 1 and segment.end - edges[-1] < LEAST_S:
        edges.pop()
    return [Span(start=a, end=b) for a, b in zip(edges, [*edges[1:], segment.end], strict=True)]


def _cut(sound: NDArray[np.float32], rate_hz: int, span: Span) -> NDArray[np.float32]:
    return sound[round(span.start * rate_hz) : round(span.end * rate_hz)]


def _joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for span in spans:
        if joined and span.start == joined[-1].end:
            joined[-1] = Span(start=joined[-1].start, end=span.end)
        else:
            joined.append(span)
    return tuple(joined)
