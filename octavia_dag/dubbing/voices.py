"""Who speaks for whom: the nearest voice of the same class for each person, no voice for two people.

Nearest is cosine of the voiceprints less a price for the distance in pitch. All people are cast at once (an optimal
assignment, weighted by talk time), because taking turns would leave the second main person the first one's leftovers.
Voices that sound too alike are kept apart where the cast allows it: two people in one voice is the worst a dub can do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from octavia_dag.dubbing.clustering import Vectors
from octavia_dag.schema import Role, Span, Turn, Voice, VoiceClass

APART = 0.75  # cosine above which two cast voices may be taken for one
OCTAVE_PRICE = 0.4  # cosine that a pitch one octave off costs
OTHER_CLASS = "no voice of this speaker's class is left, a voice of the other class is used"
SHARED = "no voice is left, another speaker's voice is shared"
ALIKE = "this voice is close to another speaker's"
EDGE_S = 0.15
SHORTEST_S = 0.5
# How alike two voices of a cast may be, strictest first. What is spoken scatters by 0.05 around what was measured, so
# the bar itself is not the first to be tried.
LIMITS = (0.65, 0.70, APART, 0.80, 0.85, 0.90)
MOST_BRANCHES = 100_000


@dataclass(frozen=True)
class Person:
    """One speaker of the original, as the profile describes them."""

    speaker: str
    embedding: Vectors
    pitch_hz: float
    voice_class: VoiceClass
    talk_seconds: float


@dataclass(frozen=True)
class Candidate:
    """One voice of the synthesizer as it sounds in the target language."""

    voice: Voice
    embedding: Vectors
    pitch_hz: float


def cast_voices(
    people: Sequence[Person],
    candidates: Sequence[Candidate],
    chosen: Mapping[str, str],
    kept: Mapping[str, str] | None = None,
) -> list[Role]:
    """One role per person, in their order. `chosen` maps speakers to voice ids and wins over everything.

    `kept` fixes voices too, but they are nobody's choice: what is wrong with them is flagged.
    A ValueError names a chosen voice that is no candidate, or says that there are no candidates at all.
    """
    by_id = {candidate.voice.id: number for number, candidate in enumerate(candidates)}
    unknown = sorted({voice for person in people if (voice := chosen.get(person.speaker)) and voice not in by_id})
    if unknown:
        raise ValueError(f"there is no voice {', '.join(unknown)}; the voices are {', '.join(sorted(by_id))}")
    if people and not candidates:
        raise ValueError("there is no voice to cast")
    given = {**(kept or {}), **chosen}
    fixed = {i: by_id[given[person.speaker]] for i, person in enumerate(people) if person.speaker in given}
    taken = _assigned(people, candidates, fixed)
    return [_role(number, people, candidates, taken, chosen) for number in range(len(people))]


def reference_segments(turns: Sequence[Turn], overlaps: Sequence[Span], speaker: str, *, seconds: float) -> list[Span]:
    """A speaker's cleanest stretches in order of time: of the longest turns, away from edges and overlaps.

    Together at most `seconds`. Where a speaker has nothing longer than 0.5 s after trimming, the longest turn,
    widened to that; empty for a speaker without turns.
    """
    mine = [turn for turn in turns if turn.speaker == speaker]
    others = [Span(start=turn.start, end=turn.end) for turn in turns if turn.speaker != speaker]
    pieces = [piece for turn in mine for piece in _outside(_trimmed(turn), [*overlaps, *others])]
    long = sorted((p for p in pieces if p.seconds >= SHORTEST_S), key=lambda piece: -piece.seconds)
    if not long and mine:
        longest = max(mine, key=lambda turn: turn.seconds)
        # A voice print needs 0.4 s: a shorter turn ("Yes.") brings what lies around it.
        missing = max(0.0, SHORTEST_S - longest.seconds) / 2
        start = max(0.0, longest.start - missing)
        long = [Span(start=start, end=max(longest.end + missing, start + SHORTEST_S))]
    kept: list[Span] = []
    left = seconds
    for piece in long:
        if left >= SHORTEST_S or not kept:
            kept.append(Span(start=piece.start, end=min(piece.end, piece.start + left)))
            left -= kept[-1].seconds
    return sorted(kept, key=lambda span: span.start)


def fitness(person: Person, candidate: Candidate) -> float:
    """How near a voice is to a person: cosine, less 0.4 for every octave between their pitches."""
    cosine = float(person.embedding @ candidate.embedding)
    if person.pitch_hz <= 0 or candidate.pitch_hz <= 0:
        return cosine
    return cosine - OCTAVE_PRICE * abs(float(np.log2(person.pitch_hz / candidate.pitch_hz)))


def _assigned(people: Sequence[Person], candidates: Sequence[Candidate], fixed: Mapping[int, int]) -> dict[int, int]:
    """Candidate per person: fixed ones, then the own class, then the other class, then sharing."""
    taken = dict(fixed)
    vectors = np.stack([candidate.embedding for candidate in candidates]) if candidates else np.zeros((0, 1))
    cosines = np.asarray(vectors @ vectors.T, np.float64)
    for same_class in (True, False):
        for kind in ("female", "male"):
            waiting = [i for i, p in enumerate(people) if i not in taken and p.voice_class == kind]
            free = [
                j
                for j, c in enumerate(candidates)
                if j not in taken.values() and (c.voice.voice_class == kind) == same_class
            ]
            taken |= _apart(people, candidates, waiting, free, cosines, sorted(set(taken.values())))
    for number, person in enumerate(people):
        if number not in taken:  # more people than voices
            own = [j for j, c in enumerate(candidates) if c.voice.voice_class == person.voice_class]
            taken[number] = max(own or range(len(candidates)), key=lambda j: fitness(person, candidates[j]))
    return taken


def _apart(
    people: Sequence[Person],
    candidates: Sequence[Candidate],
    waiting: Sequence[int],
    free: Sequence[int],
    cosines: NDArray[np.float64],
    used: Sequence[int],
) -> dict[int, int]:
    """The best assignment of `free` to `waiting` in which no two voices sound alike, as strictly as can be."""
    if not waiting or not free:
        return {}
    gains = np.array([[fitness(people[i], candidates[j]) * _weight(people[i]) for j in free] for i in waiting])
    if len(waiting) > 1 or used:
        for limit in LIMITS:
            open_ = [n for n, j in enumerate(free) if not (cosines[j, list(used)] > limit).any()]
            alike = cosines[np.ix_(free, free)] > limit
            found = _search(gains, alike, open_)
            if found:
                return {waiting[row]: free[column] for row, column in enumerate(found)}
    return _best(gains, waiting, free)


def _search(gains: NDArray[np.float64], alike: NDArray[np.bool_], open_: Sequence[int]) -> list[int]:
    """The column per row of the greatest sum in which no two columns are alike; empty where there is none.

    Branch and bound over the rows; a search that grows beyond 100,000 branches answers with the best so far.
    """
    left = np.append(np.cumsum(gains.max(axis=1)[::-1])[::-1], 0.0)
    best: tuple[float, list[int]] = (-np.inf, [])
    branches = 0

    def grow(columns: list[int], total: float, free: Sequence[int]) -> None:
        nonlocal best, branches
        row = len(columns)
        branches += 1
        if row == len(gains):
            best = max(best, (total, columns))
            return
        for column in sorted(free, key=lambda one: -gains[row, one]):
            if branches > MOST_BRANCHES or total + gains[row, column] + left[row + 1] <= best[0]:
                return
            rest = [one for one in free if one != column and not alike[column, one]]
            grow([*columns, column], total + gains[row, column], rest)

    grow([], 0.0, open_)
    return best[1]


def _best(gains: NDArray[np.float64], waiting: Sequence[int], free: Sequence[int]) -> dict[int, int]:
    """The assignment of the greatest sum, whoever sounds like whom."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(gains, maximize=True)
    return {waiting[row]: free[column] for row, column in zip(rows.tolist(), columns.tolist(), strict=True)}


def _weight(person: Person) -> float:
    return max(person.talk_seconds, 1.0)


def _role(
    number: int,
    people: Sequence[Person],
    candidates: Sequence[Candidate],
    taken: Mapping[int, int],
    chosen: Mapping[str, str],
) -> Role:
    person, own = people[number], taken[number]
    others = [voice for index, voice in taken.items() if index != number]
    flags: list[str] = []
    if candidates[own].voice.voice_class != person.voice_class and person.speaker not in chosen:
        flags.append(OTHER_CLASS)
    if own in others:
        flags.append(SHARED)
    elif any(float(candidates[own].embedding @ candidates[other].embedding) > APART for other in others):
        flags.append(ALIKE)
    return Role(
        speaker=person.speaker,
        voice=candidates[own].voice,
        cosine=float(person.embedding @ candidates[own].embedding),
        overridden=person.speaker in chosen,
        flags=tuple(flags),
    )


def _trimmed(turn: Turn) -> Span:
    edge = EDGE_S if turn.seconds > 4 * EDGE_S else 0.0
    return Span(start=turn.start + edge, end=turn.end - edge)


def _outside(span: Span, holes: Sequence[Span]) -> list[Span]:
    """What of `span` lies in none of `holes`."""
    pieces: list[Span] = []
    start = span.start
    for hole in sorted(holes, key=lambda one: one.start):
        if hole.end <= start or hole.start >= span.end:
            continue
        if hole.start > start:
            pieces.append(Span(start=start, end=hole.start))
        start = max(start, hole.end)
    return [*pieces, Span(start=start, end=span.end)] if start < span.end else pieces
