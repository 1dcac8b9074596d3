"""From what a diarizer heard to turns for lines: one voice at a time, every region somebody's.

A model that marks speech by itself finds other edges than the voice activity that made the regions: it leaves gaps
inside them, and reaches beyond. Words lie in the gaps too, so a gap goes to the turns beside it, half each; a region in
which the model heard nobody goes to whoever speaks nearest to it.
"""

from collections.abc import Sequence
from itertools import pairwise

from octavia_dag.dubbing.regions import distance_s, overlap_s
from octavia_dag.dubbing.turns import name_of
from octavia_dag.schema import Span, Turn

# Shorter than this a turn is an error of rounding.
_SHORTEST_S = 0.001


def filled(turns: Sequence[Turn], regions: Sequence[Span]) -> list[Turn]:
    """Turns that fill `regions` and never overlap, sorted, of people named A, B, ... by first appearance.

    `turns` do not overlap and have any names. Where there are none, one person says everything.
    """
    heard = sorted(turns, key=lambda turn: turn.start)
    pieces = [piece for region in sorted(regions, key=lambda one: one.start) for piece in _of(region, heard)]
    names: dict[str, str] = {}
    for piece in pieces:
        names.setdefault(piece.speaker, name_of(len(names)))
    return [piece.model_copy(update={"speaker": names[piece.speaker]}) for piece in pieces]


def shared(spans: Sequence[Span], regions: Sequence[Span]) -> list[Span]:
    """What of `spans` lies inside `regions`."""
    ordered = sorted(regions, key=lambda one: one.start)
    cut = [(max(s.start, r.start), min(s.end, r.end)) for r in ordered for s in spans if overlap_s(s, r)]
    return [Span(start=start, end=end) for start, end in sorted(cut) if end - start >= _SHORTEST_S]


def _of(region: Span, heard: Sequence[Turn]) -> list[Turn]:
    """The turns of one region, from its start to its end."""
    if region.seconds < _SHORTEST_S:
        return []
    inside = _joined([turn for turn in heard if overlap_s(turn, region) >= _SHORTEST_S])
    if not inside:
        middle = (region.start + region.end) / 2
        nearest = min(heard, key=lambda turn: distance_s(middle, turn), default=None)
        return [Turn(start=region.start, end=region.end, speaker=nearest.speaker if nearest else "")]
    inner = [(before.end + after.start) / 2 for before, after in pairwise(inside)]
    edges = pairwise([region.start, *inner, region.end])
    return [Turn(start=start, end=end, speaker=turn.speaker) for turn, (start, end) in zip(inside, edges, strict=True)]


def _joined(turns: Sequence[Turn]) -> list[Turn]:
    """Neighbours of one speaker as one turn."""
    out: list[Turn] = []
    for turn in turns:
        goes_on = bool(out) and out[-1].speaker == turn.speaker
        start = out.pop().start if goes_on else turn.start
        out.append(turn.model_copy(update={"start": start}))
    return out
