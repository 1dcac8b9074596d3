"""What the report promises of people's voices: apart from each other, steady, of their own class.

Judged against the settings: with one voice for everybody one voice is the promise, and a voice that was chosen, by hand
or by a personal sample, is held to its own class, not to that of the speaker whom it replaces.
"""

from collections.abc import Mapping

import numpy as np
from pydantic import TypeAdapter

from octavia_dag.assets.corrections import shown
from octavia_dag.assets.measured import measured
from octavia_dag.assets.step import Work
from octavia_dag.assets.voices import profiles_of
from octavia_dag.dubbing import quality
from octavia_dag.resources import inspection
from octavia_dag.resources.engines import Profile, VoiceCloner
from octavia_dag.resources.inspection import DubVoices
from octavia_dag.schema import Casting, DubbedChunks, Measure, Role, SpeakerMap

CLASSES = "speakers heard as another voice class"
_MEASURES = TypeAdapter(list[Measure])
LIKENESS = "likeness to the original speakers (SECS)"


def people(work: Work) -> tuple[list[Measure], bool]:
    """Voices: how many, apart, steady, of their class; likeness to the originals is reported.

    And whether the speakers' profiles had to be derived again for it.
    """
    roles = {role.speaker: role for role in work.read("casting", Casting).roles}
    cast = len({role.voice.id for role in roles.values()})
    own = work.settings.voices.own_voices
    wanted = len(work.read("speaker_map", SpeakerMap).speakers) if own else 1
    again = False

    def heard() -> list[Measure]:
        nonlocal again
        found, again = _heard(work, roles)
        return found

    names = {who: shown(work.extras, who) for who in roles}
    sounding = measured(
        work,
        "voices",
        _MEASURES,
        heard,
        of=["dubbed_chunks", "casting", "voice_profiles"],
        roles=["cloner"],
        also={"own_voices": own, "names": names},
    )
    return [quality.measure("voices for speakers", float(cast), "", f"{wanted}", cast == wanted), *sounding], again


def _heard(work: Work, roles: Mapping[str, Role]) -> tuple[list[Measure], bool]:
    """What the dub's voices sound like, and whether the profiles were derived again."""
    spoken = work.read("dubbed_chunks", DubbedChunks).lines
    cloner = work.engine(VoiceCloner, "cloner")
    sounds = [(line.id, line.speaker, work.file("dubbed_chunks", line.sound)) for line in spoken]
    voices = inspection.dub_voices(sounds, cloner, lambda done: work.report(0.8 + 0.2 * done))
    profiles, again = profiles_of(work)
    apart = _apart(work, voices, profiles, roles) if work.settings.voices.own_voices else quality.one_voice(CLASSES)
    return [*apart, _likeness(voices, profiles, roles)], again


def _apart(work: Work, voices: DubVoices, profiles: list[Profile], roles: Mapping[str, Role]) -> list[Measure]:
    wanted = {one.speaker: one.voice_class for one in profiles}
    wanted |= {who: role.voice.voice_class for who, role in roles.items() if role.overridden or role.personal}
    wrong = [who for who, kind in wanted.items() if voices.classes.get(who, kind) != kind]
    classes = (
        quality.at_most(CLASSES, float(len(wrong)), 0.0, "", ", ".join(shown(work.extras, one) for one in wrong))
        if voices.classes
        else quality.not_applicable(CLASSES, "", "too little speech to judge")
    )
    return [quality.voices_apart(voices.means), quality.lines_own(voices.means, voices.lines), classes]


def _likeness(voices: DubVoices, profiles: list[Profile], roles: Mapping[str, Role]) -> Measure:
    """Of those who are to sound like themselves: who has a personal voice is not one of them."""
    likeness = [
        quality.cosine(voices.means[one.speaker], np.asarray(one.embedding, dtype=np.float32))
        for one in profiles
        if one.speaker in voices.means and not roles[one.speaker].personal
    ]
    if not likeness:
        return quality.not_applicable(LIKENESS, "cosine", "too little speech, or a personal voice only")
    return quality.measure(LIKENESS, float(np.mean(likeness)), "cosine", "reported", True)
