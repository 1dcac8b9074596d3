"""What the report promises of people's voices: apart from each other, steady, of their own class.

Judged against the settings: with one voice for everybody one voice is the promise, and a voice that was chosen, by hand
or by a personal sample, is held to its own class, not to that of the speaker whom it replaces.
"""

from collections.abc import Callable, Mapping

import numpy as np
from pydantic import TypeAdapter

from octavia_dag.assets.corrections import shown
from octavia_dag.assets.measured import measured
from octavia_dag.assets.private import profiles_of
from octavia_dag.assets.step import Work
from octavia_dag.dubbing import quality
from octavia_dag.dubbing.figures import VoiceFigures
from octavia_dag.dubbing.meters import cosine, nearest_pair, strays
from octavia_dag.resources import inspection
from octavia_dag.resources.engines import Profile, VoiceCloner
from octavia_dag.resources.inspection import DubVoices
from octavia_dag.schema import Casting, DubbedChunks, Measure, Role

_FIGURES = TypeAdapter(VoiceFigures)


def people(work: Work, go_on: Callable[[], None]) -> tuple[list[Measure], bool]:
    """Voices: how many, apart, steady, of their class; likeness to the originals is reported.

    And whether the speakers' profiles had to be derived again for it. `go_on` is asked again and again; it raises where
    nobody waits for it any more.
    """
    roles = {role.speaker: role for role in work.read("casting", Casting).roles}
    spoken = [(line.speaker, line.voice) for line in work.read("dubbed_chunks", DubbedChunks).lines]
    own, limits = work.settings.voices.own_voices, work.settings.checks
    again = False

    def heard() -> VoiceFigures:
        nonlocal again
        found, again = _heard(work, roles, go_on)
        return found

    names = {who: shown(work.extras, who) for who in roles}
    figures = measured(
        work,
        "voices",
        _FIGURES,
        heard,
        of=["dubbed_chunks", "casting", "voice_profiles"],
        roles=["cloner"],
        also={"names": names},
    )
    if own:
        said = [(shown(work.extras, who), voice) for who, voice in spoken]
        kept = quality.own_voices(said, len({who for who, _ in spoken}), limits.shared_voices)
        sounding = quality.voices(figures, limits)
    else:
        kept = quality.own_voices([("", voice) for _, voice in spoken], 1, 0)
        sounding = quality.one_voice()
    return [kept, *sounding, quality.likeness(figures.likeness)], again


def _heard(work: Work, roles: Mapping[str, Role], go_on: Callable[[], None]) -> tuple[VoiceFigures, bool]:
    """What the dub's voices sound like, and whether the profiles were derived again."""
    spoken = work.read("dubbed_chunks", DubbedChunks).lines
    cloner = work.engine(VoiceCloner, "cloner")
    sounds = [(line.id, line.speaker, work.file("dubbed_chunks", line.sound)) for line in spoken]
    voices = inspection.dub_voices(sounds, cloner, go_on)
    profiles, again = profiles_of(work)
    nearest, pair = nearest_pair({shown(work.extras, who): mean for who, mean in voices.means.items()})
    compared, stray = strays(voices.means, voices.lines)
    figures = VoiceFigures(
        nearest=nearest,
        pair=pair,
        compared=compared,
        strays=stray,
        judged=len(voices.classes),
        other_class=tuple(shown(work.extras, who) for who in _other_class(voices, profiles, roles)),
        likeness=_likeness(voices, profiles, roles),
    )
    return figures, again


def _other_class(voices: DubVoices, profiles: list[Profile], roles: Mapping[str, Role]) -> list[str]:
    """Who is heard as another class than that of the speaker, or of the voice that was chosen for them."""
    wanted = {one.speaker: one.voice_class for one in profiles}
    wanted |= {who: role.voice.voice_class for who, role in roles.items() if role.overridden or role.personal}
    return [who for who, kind in wanted.items() if voices.classes.get(who, kind) != kind]


def _likeness(voices: DubVoices, profiles: list[Profile], roles: Mapping[str, Role]) -> float | None:
    """Of those who are to sound like themselves: who has a personal voice is not one of them."""
    found = [
        cosine(voices.means[one.speaker], np.asarray(one.embedding, dtype=np.float32))
        for one in profiles
        if one.speaker in voices.means and not roles[one.speaker].personal
    ]
    return float(np.mean(found)) if found else None
