"""Which cast the settings ask for: everybody's own voice, the main speaker by a personal sample, or one voice for all.

The switches are independent: with a personal sample and one voice for all, that voice is the one nearest to the sample.
What a switch did, or could not do, is told in words beside the cast.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from octavia_dag.assets.people import NAME as REGISTER
from octavia_dag.assets.people import VOICE, in_use
from octavia_dag.assets.personal import NONE_REGISTERED, note_of, sample_for
from octavia_dag.dubbing.lead import cast_by_hand, cast_by_sample, main_speaker, one_voice
from octavia_dag.dubbing.register import LEAST_S
from octavia_dag.dubbing.voices import Candidate, Person, cast_voices
from octavia_dag.resources.cloning import voice_id
from octavia_dag.resources.engines import Profile, Synthesizer
from octavia_dag.schema import Role, SpeakerMap

if TYPE_CHECKING:
    from octavia_dag.assets.step import Work


@dataclass(frozen=True)
class Cast:
    """The roles, and what is to be said of them."""

    roles: Sequence[Role]
    notes: tuple[str, ...]


def cast_as_set(
    work: "Work", people: Sequence[Person], candidates: Sequence[Candidate], chosen: Mapping[str, str]
) -> Cast:
    """The cast that the switches ask for; `chosen` are the voices chosen by hand."""
    known = {who: entry[VOICE] for who, entry in work.extras.get(REGISTER, {}).items() if VOICE in entry}
    main = main_speaker(people)
    sample = sample_for(work, main.speaker, main.talk_seconds)
    notes = _personal_notes(work, main, sample, chosen)
    if main.speaker in chosen:
        sample = None
    if not work.settings.voices.own_voices:
        led = [sample if sample and person.speaker == sample.speaker else person for person in people]
        roles = one_voice(led, candidates, chosen)
        if sample:
            roles = [role.model_copy(update={"personal": role.speaker == main.speaker}) for role in roles]
        return Cast(roles, (*notes, *_one_voice_notes(main, roles[0], chosen)))
    if sample:
        roles = cast_by_sample(people, candidates, chosen, sample, known)
    else:
        roles = cast_by_hand(people, candidates, chosen, known)
    return Cast(roles, (*notes, *_strangers_notes(work, people), *_other_voice_notes(roles, known)))


def people_in(work: "Work", profiles: Sequence[Profile]) -> list[Person]:
    """The speakers as casting looks at them."""
    talk = {speaker.id: speaker.talk_seconds for speaker in work.read("speaker_map", SpeakerMap).speakers}
    return [
        Person(p.speaker, np.asarray(p.embedding, np.float32), p.pitch_hz, p.voice_class, talk.get(p.speaker, 0.0))
        for p in profiles
    ]


def candidates_for(work: "Work", synthesizer: Synthesizer, given: Collection[str]) -> list[Candidate]:
    """The voices that may be cast: without mixtures where they are switched off, those aside that are `given`."""
    return [
        Candidate(voice, *synthesizer.likeness(voice, work.tag))
        for voice in synthesizer.voices(work.tag)
        if work.settings.voices.mixtures or len(voice.styles) == 1 or voice.id in given
    ]


def _strangers_notes(work: "Work", people: Sequence[Person]) -> tuple[str, ...]:
    """Who is not in the register, though it is used."""
    known = work.extras.get(REGISTER, {})
    strangers = sorted(one.speaker for one in people if one.speaker not in known) if in_use(work.settings) else []
    told = f"Less than {LEAST_S:g} s of clean speech: {', '.join(strangers)} cannot be known again in other videos."
    return (told,) if strangers else ()


def _other_voice_notes(roles: Sequence[Role], known: Mapping[str, str]) -> tuple[str, ...]:
    """Who does not speak with the voice of other videos, though nobody chose that."""
    return tuple(
        f"{role.speaker} speaks with {role.voice.id} here, and with {known[role.speaker]} in other videos: that voice "
        "is there no more, or another speaker of this video has it, or one too close to it was chosen."
        for role in roles
        if role.voice.id != known.get(role.speaker, role.voice.id) and not (role.overridden or role.personal)
    )


def cast_cloned(
    work: "Work", people: Sequence[Person], candidates: Sequence[Candidate], chosen: Mapping[str, str]
) -> Cast:
    """The cast that the switches ask for of an engine that clones: everybody has their own voice, whoever is like whom.

    How like themselves they will sound is not known before they speak: no likeness is told.
    """
    main = main_speaker(people)
    sample = sample_for(work, main.speaker, main.talk_seconds)
    notes = _personal_notes(work, main, sample, chosen, cloned=True)
    lead = chosen.get(main.speaker) or voice_id("personal" if sample else main.speaker)
    if work.settings.voices.own_voices:
        own = {**{person.speaker: voice_id(person.speaker) for person in people}, main.speaker: lead}
        roles = cast_voices(people, candidates, chosen, own)
    else:
        roles = cast_voices(people, candidates, {}, dict.fromkeys((person.speaker for person in people), lead))
        roles = [
            role.model_copy(update={"flags": (), "overridden": role.speaker == main.speaker and main.speaker in chosen})
            for role in roles
        ]
        notes = (*notes, *_one_voice_notes(main, roles[0], chosen))
    used = sample is not None and main.speaker not in chosen
    return Cast(
        [role.model_copy(update={"cosine": None, "personal": used and role.speaker == main.speaker}) for role in roles],
        notes,
    )


def _personal_notes(
    work: "Work", main: Person, sample: Person | None, chosen: Mapping[str, str], *, cloned: bool = False
) -> tuple[str, ...]:
    if not work.settings.voices.personal:
        return ()
    if sample is None:
        return (NONE_REGISTERED,)
    if main.speaker in chosen:
        return (f"The personal voice is not used: a voice was chosen by hand for {main.speaker}, who talks the most.",)
    return (note_of(work, main.speaker, cloned=cloned),)


def _one_voice_notes(main: Person, role: Role, chosen: Mapping[str, str]) -> tuple[str, ...]:
    told = f"Voices of their own are switched off: everybody speaks with {role.voice.id}, as {main.speaker} does."
    others = sorted(speaker for speaker in chosen if speaker != main.speaker)
    unused = (f"The voices chosen by hand for {', '.join(others)} are not used then.",) if others else ()
    return (told, *unused)
