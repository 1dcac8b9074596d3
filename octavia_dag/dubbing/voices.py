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
_ROUNDS = 20


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


def cast_voices(people: Sequence[Person], candidates: Sequence[Candidate], chosen: Mapping[str, str]) -> list[Role]:
    """One role per person, in their order. `chosen` maps speakers to voice ids and wins over everything.

    A ValueError names a chosen voice that is no candidate, or says that there are no candidates at all.
    """
    by_id = {candidate.voice.id: number for number, candidate in enumerate(candidates)}
    unknown = sorted({voice for person in people if (voice := chosen.get(person.speaker)) and voice not in by_id})
    if unknown:
        raise ValueError(f"there is no voice {', '.join(unknown)}; the voices are {', '.join(sorted(by_id))}")
    if people and not candidates:
        raise ValueError("there is no voice to cast")
    fixed = {i: by_id[chosen[person.speaker]] for i, person in enumerate(people) if person.speaker in chosen}
    taken = _assigned(people, candidates, fixed)
    return [_role(number, people, candidates, taken, chosen) for number in range(len(people))]


def reference_segments(turns: Sequence[Turn], overlaps: Sequence[Span], speaker: str, *, seconds: float) -> list[Span]:
    """A speaker's cleanest stretches in order of time: of the longest turns, away from edges and overlaps.

    Together at most `seconds`. Where a speaker has nothing longer than 0.5 s after trimming, the longest turn as it
    is; empty for a speaker without turns.
    """
    mine = [turn for turn in turns if turn.speaker == speaker]
    others = [Span(start=turn.start, end=turn.end) for turn in turns if turn.speaker != speaker]
    pieces = [piece for turn in mine for piece in _outside(_trimmed(turn), [*overlaps, *others])]
    long = sorted((p for p in pieces if p.seconds >= SHORTEST_S), key=lambda piece: -piece.seconds)
    if not long and mine:
        longest = max(mine, key=lambda turn: turn.seconds)
        long = [Span(start=longest.start, end=longest.end)]
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
    alike = vectors @ vectors.T > APART
    for same_class in (True, False):
        for kind in ("female", "male"):
            waiting = [i for i, p in enumerate(people) if i not in taken and p.voice_class == kind]
            free = [
                j
                for j, c in enumerate(candidates)
                if j not in taken.values() and (c.voice.voice_class == kind) == same_class
            ]
            taken |= _apart(people, candidates, waiting, free, alike, set(taken.values()))
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
    alike: NDArray[np.bool_],
    used: set[int],
) -> dict[int, int]:
    """The best assignment of `free` to `waiting`, without pairs that sound alike where that is possible.

    A voice that is alike to another one in the cast is struck off, the least fitting first, and the cast is made anew.
    """
    open_ = [j for j in free if not alike[j, list(used)].any()]
    if len(open_) < len(waiting):
        open_ = list(free)
    best = _best(people, candidates, waiting, open_)
    for _ in range(_ROUNDS):
        pairs = [(i, j) for i, j in best.items() if alike[j, [k for k in best.values() if k != j]].any()]
        if not pairs or len(open_) <= len(waiting):
            break
        worst = min(pairs, key=lambda pair: fitness(people[pair[0]], candidates[pair[1]]) * _weight(people[pair[0]]))
        open_.remove(worst[1])
        best = _best(people, candidates, waiting, open_)
    return best


def _best(
    people: Sequence[Person], candidates: Sequence[Candidate], waiting: Sequence[int], free: Sequence[int]
) -> dict[int, int]:
    from scipy.optimize import linear_sum_assignment

    if not waiting or not free:
        return {}
    gains = np.array([[fitness(people[i], candidates[j]) * _weight(people[i]) for j in free] for i in waiting])
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
