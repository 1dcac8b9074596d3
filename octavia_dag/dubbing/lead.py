"""Casts that somebody leads: by hand, by a personal sample, or by one voice that speaks for everybody.

A voice that is given to one speaker changes, of the others, only those whose voice it takes or comes too close to:
whoever keeps a voice keeps the lines that are spoken in it already. A voice chosen by hand always wins.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from octavia_dag.dubbing.voices import APART, Candidate, Person, cast_voices, fitness
from octavia_dag.schema import Role


def main_speaker(people: Sequence[Person]) -> Person:
    """Who talks the most; of two who talk alike the first."""
    return max(people, key=lambda person: person.talk_seconds)


def cast_by_hand(
    people: Sequence[Person],
    candidates: Sequence[Candidate],
    chosen: Mapping[str, str],
    known: Mapping[str, str] | None = None,
) -> list[Role]:
    """The cast in which speakers have the voices `chosen` for them, and of the others as many as can their own.

    Their own is the one they are `known` by in other videos, where they are.
    """
    alone = cast_voices(people, candidates, {}, _distinct(people, candidates, known or {}))
    if not chosen:
        return alone
    given = [one for one in candidates if one.voice.id in chosen.values()]
    return cast_voices(people, candidates, chosen, _kept(alone, candidates, given, chosen))


def _distinct(people: Sequence[Person], candidates: Sequence[Candidate], known: Mapping[str, str]) -> dict[str, str]:
    """Who keeps the voice they are known by: of two who are known by one, whoever talks more."""
    there, kept = {one.voice.id for one in candidates}, dict[str, str]()
    for one in sorted(people, key=lambda person: -person.talk_seconds):
        voice = known.get(one.speaker)
        if voice in there and voice not in kept.values():
            kept[one.speaker] = voice
    return kept


def _kept(
    before: Sequence[Role], candidates: Sequence[Candidate], given: Sequence[Candidate], chosen: Mapping[str, str]
) -> dict[str, str]:
    """Who of the cast `before` keeps a voice that sounds like none of those `given` to others now."""
    alike = {
        one.voice.id
        for one in candidates
        if any(one is other or float(one.embedding @ other.embedding) > APART for other in given)
    }
    return {one.speaker: one.voice.id for one in before if one.speaker not in chosen and one.voice.id not in alike}


def cast_by_sample(
    people: Sequence[Person],
    candidates: Sequence[Candidate],
    chosen: Mapping[str, str],
    sample: Person,
    known: Mapping[str, str] | None = None,
) -> list[Role]:
    """The cast in which the main speaker has the voice nearest to `sample` (whose `speaker` is the main speaker's)."""
    before = cast_by_hand(people, candidates, chosen, known)
    led = [sample if person.speaker == sample.speaker else person for person in people]
    free = [one for one in candidates if one.voice.id not in chosen.values()]
    nearest = _nearest(sample, free or candidates)
    kept = _kept(before, candidates, [nearest], chosen)
    roles = cast_voices(led, candidates, chosen, {**kept, sample.speaker: nearest.voice.id})
    return [role.model_copy(update={"personal": role.speaker == sample.speaker}) for role in roles]


def unlike(
    people: Sequence[Person], candidates: Sequence[Candidate], taken: Collection[str], given: Collection[str]
) -> list[Candidate]:
    """Of each class the candidates that are unlike all voices `taken`, or else those not taken, or else all.

    Whoever has the voices taken is not here, and may meet these people in another video. The voices `given` to some of
    these people are among the candidates in any case.
    """
    others = [one for one in candidates if one.voice.id in taken]
    found: list[Candidate] = []
    for kind in ("female", "male"):
        own = [one for one in candidates if one.voice.voice_class == kind]
        free = [one for one in own if one.voice.id not in taken or one.voice.id in given]
        far = [one for one in free if one.voice.id in given or not _alike(one, others)]
        needed = sum(one.voice_class == kind for one in people)
        found += next((some for some in (far, free) if len(some) >= needed), own)
    return found


def _alike(one: Candidate, others: Sequence[Candidate]) -> bool:
    return any(float(one.embedding @ other.embedding) > APART for other in others)


def one_voice(people: Sequence[Person], candidates: Sequence[Candidate], chosen: Mapping[str, str]) -> list[Role]:
    """Everybody in the main speaker's voice: the one chosen by hand for them, else the nearest pure one."""
    main = main_speaker(people)
    pure = [one for one in candidates if len(one.voice.styles) == 1]
    by_id = {one.voice.id: one for one in candidates}
    voice = by_id[chosen[main.speaker]] if main.speaker in chosen else _nearest(main, pure or candidates)
    return [
        Role(
            speaker=person.speaker,
            voice=voice.voice,
            cosine=float(np.dot(person.embedding, voice.embedding)),
            overridden=person.speaker == main.speaker and main.speaker in chosen,
        )
        for person in people
    ]


def _nearest(person: Person, candidates: Sequence[Candidate]) -> Candidate:
    """The nearest voice of the person's class; of any, where the class has none."""
    own = [one for one in candidates if one.voice.voice_class == person.voice_class]
    return max(own or candidates, key=lambda one: fitness(person, one))
