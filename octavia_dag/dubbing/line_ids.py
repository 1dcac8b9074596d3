"""A line keeps its id while its stretch of time is known, so that a correction still finds it when all is heard anew.

An id belongs to every stretch that ever bore it. A new line first looks for its exact stretch, then for the one it
shares most with, if that is more than half of what both cover; no id is given twice. What nobody knows gets the next
free number. An id is a name, not content: it decides nothing about how a line is made.
"""

from collections.abc import Sequence

from octavia_dag.dubbing.regions import overlap_s
from octavia_dag.schema import KnownSpan, Line, LineIds, Span

LEAST_SHARED = 0.5


def named(lines: Sequence[Line], known: LineIds) -> tuple[list[Line], LineIds]:
    """`lines` under their known ids, and what is known after them."""
    ids = ids_of(lines, known.seen)
    found = [KnownSpan(id=one, start=line.start, end=line.end) for one, line in zip(ids, lines, strict=True)]
    before = {(one.id, one.start, one.end) for one in known.seen}
    seen = (*known.seen, *(one for one in found if (one.id, one.start, one.end) not in before))
    renamed = [line.model_copy(update={"id": one}) for one, line in zip(ids, lines, strict=True)]
    return renamed, LineIds(seen=seen)


def ids_of(spans: Sequence[Span], known: Sequence[KnownSpan]) -> list[str]:
    """One id per span, in their order."""
    given, taken = dict[int, str](), set[str]()
    for place, one, _ in sorted(_pairs(spans, known), key=lambda pair: -pair[2]):
        if place not in given and one not in taken:
            given[place] = one
            taken.add(one)
    highest = max((_number(one.id) for one in known), default=0)
    for place in range(len(spans)):
        if place not in given:
            highest += 1
            given[place] = f"L{highest:03d}"
    return [given[place] for place in range(len(spans))]


def shared(one: Span, other: Span) -> float:
    """Intersection over union of two stretches: 1 where they are the same, 0 where they do not meet."""
    common = overlap_s(one, other)
    union = one.seconds + other.seconds - common
    return common / union if union > 0 else 0.0


def _pairs(spans: Sequence[Span], known: Sequence[KnownSpan]) -> list[tuple[int, str, float]]:
    """Which span could have which id, and how much they share; the exact stretch counts more than any other."""
    pairs: list[tuple[int, str, float]] = []
    for place, span in enumerate(spans):
        for one in known:
            if one.start >= span.end or one.end <= span.start:
                continue
            exact = (one.start, one.end) == (span.start, span.end)
            much = 2.0 if exact else shared(span, one)
            if much > LEAST_SHARED:
                pairs.append((place, one.id, much))
    return pairs


def _number(one: str) -> int:
    digits = one.removeprefix("L")
    return int(digits) if digits.isdecimal() else 0
