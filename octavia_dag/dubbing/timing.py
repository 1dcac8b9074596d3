"""How a line is fitted into its time, and where it is placed: arithmetic on lengths, no sound.

Fitting takes the cheapest way first: a rate so near natural that nobody hears it (the line then ends with the
original), the silence behind, a faster rate up to the cap, and last a shorter text, which is the caller's. Placing
never cuts: a line starts when its original did, or waits until the one before it has ended, and later silence makes
up for it. Two lines overlap only as far as their originals did; where those were closer than the guard, so may be
the dubs. A rate is length at natural speed over length as spoken. `sync` is the settings slice of that name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from octavia_dag.schema import Line, PlacedLine, Span, SpokenLine

# Within a tenth of natural a change of rate is hardly noticed, so up to here it is preferred to ending late.
EASY_RATE = 1.1
_LATE_S = 0.1
_EPSILON_S = 0.0005  # times are rounded to a millisecond


class SyncLimits(Protocol):
    """What fitting and placing must be told; the `sync` slice of the settings has exactly these fields."""

    @property
    def max_rate(self) -> float: ...  # noqa: D102
    @property
    def free_rate(self) -> float: ...  # noqa: D102
    @property
    def min_rate(self) -> float: ...  # noqa: D102
    @property
    def guard_s(self) -> float: ...  # noqa: D102


@dataclass(frozen=True)
class Fit:
    """`rate` to speak at, the `seconds` that gives, how much of the silence behind it takes, whether it fits."""

    rate: float
    seconds: float
    borrowed_s: float
    fits: bool


def rooms(originals: Sequence[Line], sync: SyncLimits, programme_s: float) -> dict[str, float]:
    """Seconds that each line has from its own start: to the next line less the guard, or to the programme's end.

    Its original's own time belongs to it. A line of somebody else that began while it was spoken does not end its room,
    unless that line speaks on when this one ends: then the room is the original's time.
    """
    ordered = sorted(originals, key=lambda line: (line.start, line.end))
    return {
        line.id: _room_end(line, ordered[place + 1 :], sync, programme_s) - line.start
        for place, line in enumerate(ordered)
    }


def fit(natural_s: float, original_s: float, room_s: float, sync: SyncLimits) -> Fit:
    """The rate for a line of `natural_s` whose original took `original_s` and which has `room_s`.

    `fits` is False where even `sync.max_rate` is too slow; the rate is then the maximum.
    """
    easy = min(EASY_RATE, sync.free_rate)
    preferred = min(max(natural_s / max(original_s, 1e-3), sync.min_rate), easy)
    needed = natural_s / room_s if room_s > 0 else float("inf")
    rate = min(max(preferred, needed), sync.max_rate)
    seconds = natural_s / rate
    return Fit(rate, seconds, max(0.0, seconds - original_s), needed <= sync.max_rate + 1e-9)


def place(
    spoken: Sequence[SpokenLine], originals: Sequence[Line], sync: SyncLimits, programme_s: float
) -> list[PlacedLine]:
    """Every spoken line in time, in the order of their originals' starts.

    Starts are those of the originals or later (`lateness_s`); only where a line would run over the end of the programme
    do it and those before it start earlier, as far as needed, and say so.
    """
    known = {line.id: line for line in originals}
    ordered = sorted(spoken, key=lambda line: (known[line.id].start, known[line.id].end))
    starts = _starts(ordered, known, sync)
    _pull_back(starts, ordered, known, sync, programme_s)
    return [_placed(line, known[line.id], start, programme_s) for line, start in zip(ordered, starts, strict=True)]


def gap_s(before: Line, after: Line, sync: SyncLimits) -> float:
    """Seconds that must lie between the end of `before` and the start of `after`; negative: so much may overlap.

    Minus infinity where the original of `after` was spoken wholly inside that of `before`, by somebody else.
    """
    between = after.start - before.end
    if before.speaker == after.speaker:
        return min(sync.guard_s, max(0.0, between))
    if between < 0 and after.end <= before.end:
        return float("-inf")
    return min(sync.guard_s, between)


def voiced_seconds(line: Line, *, shortest_s: float = 0.35, kept_s: float = 0.15) -> float:
    """Length of a line without what its inner pauses are longer than `kept_s`, a comma's; from the words' times.

    Silences under `shortest_s` are no pauses: 0.35 s is what cuts speech everywhere else.
    """
    gaps = [gap.seconds for gap in inner_pauses(line, shortest_s=shortest_s)]
    return line.seconds - sum(gap - kept_s for gap in gaps)


def inner_pauses(line: Line, *, shortest_s: float = 0.35) -> list[Span]:
    """The pauses between the words of a line, on the programme's time."""
    pairs = zip(line.words, line.words[1:], strict=False)
    return [Span(start=a.end, end=b.start) for a, b in pairs if b.start - a.end >= shortest_s]


def _room_end(line: Line, later: Sequence[Line], sync: SyncLimits, programme_s: float) -> float:
    end = programme_s
    for other in later:
        if other.speaker != line.speaker and other.start < line.end:
            if other.end > line.end:
                end = min(end, line.end)
            continue
        return min(end, max(other.start - sync.guard_s, min(line.end, other.start)))
    return end


def _starts(ordered: Sequence[SpokenLine], known: Mapping[str, Line], sync: SyncLimits) -> list[float]:
    starts: list[float] = []
    # Only lines that still speak at the latest start can hold up a later one, which keeps this linear.
    speaking: list[tuple[Line, float]] = []
    for line in ordered:
        original = known[line.id]
        start = max([original.start, *starts[-1:]])
        start = max([start, *(end + gap_s(before, original, sync) for before, end in speaking)])
        starts.append(start)
        speaking = [(before, end) for before, end in speaking if end + sync.guard_s > start]
        speaking.append((original, start + line.seconds))
    return starts


def _pull_back(
    starts: list[float],
    ordered: Sequence[SpokenLine],
    known: Mapping[str, Line],
    sync: SyncLimits,
    programme_s: float,
) -> None:
    """Moves the last lines to an earlier start, in place, where the programme would end before they do."""
    for place in range(len(ordered) - 1, -1, -1):
        line, original = ordered[place], known[ordered[place].id]
        latest = programme_s - line.seconds
        for later in range(place + 1, len(ordered)):
            other = known[ordered[later].id]
            latest = min(latest, starts[later], starts[later] - gap_s(original, other, sync) - line.seconds)
            if other.start - original.end >= sync.guard_s:
                break
        starts[place] = max(0.0, min(starts[place], latest))


def _placed(line: SpokenLine, original: Line, start: float, programme_s: float) -> PlacedLine:
    end, late = start + line.seconds, max(0.0, start - original.start)
    flags = list(line.flags)
    if late >= _LATE_S:
        flags.append(f"starts {late:.2f} s late: the line before it still speaks")
    if start < original.start - _EPSILON_S:
        flags.append(f"starts {original.start - start:.2f} s early: it would run over the end")
    if end > programme_s + _EPSILON_S:
        flags.append(f"is {end - programme_s:.2f} s longer than the programme")
    return PlacedLine(
        start=start,
        end=end,
        id=line.id,
        speaker=line.speaker,
        rate=line.rate,
        borrowed_s=max(0.0, end - original.end),
        lateness_s=late,
        flags=tuple(flags),
    )
