"""A line follows its original's own pause: its second half starts when the original's second half did.

Only a silence that the dub has anyway (at a comma, say) is stretched, one per line, with silence, so nothing that is
spoken is touched. It is done where it clearly brings the dub's speech over the original's, by intersection over
union of the two, and where the room allows.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from octavia_dag.dubbing.trimming import Samples, pauses
from octavia_dag.schema import Line, Span

# A comma of a synthesizer is 0.1 s or more; shorter silences are inside words.
_SHORTEST_S = 0.1
# Less than this is not worth a changed rhythm.
_GAIN = 0.05
_SHORTEST_STRETCH_S = 0.1

Stretches = Sequence[tuple[float, float]]


def follow_pauses(sound: Samples, rate_hz: int, original: Line, room_s: float, *, shortest_s: float = 0.35) -> Samples:
    """The mono sound with one pause stretched so that it goes with `original`, or as it is where that brings little.

    The words of `original` tell its pauses of `shortest_s` or more. The result is never longer than `room_s`.
    """
    stretch = _best_stretch(sound, rate_hz, original, room_s, shortest_s)
    if stretch is None:
        return sound
    at, added = (round(value * rate_hz) for value in stretch)
    return np.concatenate([sound[:at], np.zeros(added, np.float32), sound[at:]])


def iou(one: Stretches, other: Stretches) -> float:
    """Intersection over union of two lists of disjoint stretches; 0 where both are empty."""
    shared = sum(max(0.0, min(a[1], b[1]) - max(a[0], b[0])) for a in one for b in other)
    total = sum(end - start for start, end in [*one, *other]) - shared
    return shared / total if total > 0 else 0.0


def _best_stretch(
    sound: Samples, rate_hz: int, original: Line, room_s: float, shortest_s: float
) -> tuple[float, float] | None:
    """Where to put how many seconds of silence; None where none is worth it."""
    heard = _spoken(original, shortest_s)
    if len(heard) < 2:
        return None
    length = len(sound) / rate_hz
    own = pauses(sound, rate_hz, shortest_s=_SHORTEST_S)
    speech = _between(own, length)
    best, reached = None, iou(speech, heard) + _GAIN
    for start, end in own:
        for _, resumed in pairwise(heard):
            added = resumed[0] - end
            if added < _SHORTEST_STRETCH_S or length + added > room_s:
                continue
            moved = [(a + added, b + added) if a >= end - 1e-9 else (a, b) for a, b in speech]
            gained = iou(moved, heard)
            if gained > reached:
                best, reached = ((start + end) / 2, added), gained
    return best


def _spoken(original: Line, shortest_s: float) -> list[tuple[float, float]]:
    """When the original speaks, from its start, its pauses left out."""
    gaps = [Span(start=a.end, end=b.start) for a, b in pairwise(original.words) if b.start - a.end >= shortest_s]
    return _between([(gap.start - original.start, gap.end - original.start) for gap in gaps], original.seconds)


def _between(gaps: Stretches, length: float) -> list[tuple[float, float]]:
    edges = [0.0, *(edge for gap in gaps for edge in gap), length]
    return list(zip(edges[::2], edges[1::2], strict=True))
