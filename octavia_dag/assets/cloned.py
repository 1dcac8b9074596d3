"""Cloned voices: which there are to cast, and whose profile each of them speaks from.

A cast names voices and never holds one. Who speaks with it finds the profile again, in memory, and by the mark that
stands in the cast only the one that was cast.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from octavia_dag.assets.personal import sample_profile
from octavia_dag.assets.private import profiles_of
from octavia_dag.assets.step import Work
from octavia_dag.dubbing.voices import Candidate
from octavia_dag.errors import RefusedError
from octavia_dag.partitions import LANGUAGES
from octavia_dag.resources.cloning import cloned_voice, voice_id
from octavia_dag.resources.engines import Profile
from octavia_dag.schema import Casting, Voice

# Whose voice a registered sample is, beside the speakers; no speaker is called so.
PERSONAL = "personal"
PERSONAL_ID = voice_id(PERSONAL)


def candidates(work: Work, profiles: Sequence[Profile]) -> list[Candidate]:
    """Everybody's own voice, and that of the personal sample where one counts."""
    return [
        Candidate(voice, np.asarray(profile.embedding, np.float32), profile.pitch_hz)
        for voice, profile in _voices(work, profiles, personal="personal" in work.extras)
    ]


def choices(there: Sequence[Candidate]) -> Mapping[str, Sequence[Voice]]:
    """What may be chosen by hand, by language: a cloned voice speaks every one."""
    return {tag: [one.voice for one in there] for tag in LANGUAGES}


def profiles_cast(work: Work, casting: Casting) -> tuple[dict[str, Profile], bool]:
    """The profile behind each voice of the cast, by the voice's id, and whether they had to be derived again.

    A RefusedError where a voice is another one now.
    """
    if not casting.roles:
        return {}, False
    profiles, again = profiles_of(work)
    wanted = {role.voice.id: role.voice for role in casting.roles}
    there = {voice.id: (voice, one) for voice, one in _voices(work, profiles, personal=PERSONAL_ID in wanted)}
    for name, voice in wanted.items():
        if name not in there or there[name][0] != voice:
            raise RefusedError(
                f"Speaking {work.video} in {work.tag}: the voice {name} is not the one that was cast; run it again."
            )
    return {name: there[name][1] for name in wanted}, again


def _voices(work: Work, profiles: Sequence[Profile], *, personal: bool) -> list[tuple[Voice, Profile]]:
    key, made = work.workshop.vault.secret(), work.inputs["voice_profiles"].manifest
    voices = [(cloned_voice(one, made.engines["cloner"], key), one) for one in profiles]
    sample = sample_profile(work) if personal else None
    if sample is not None:
        profile, cloner = sample
        voices.append((cloned_voice(profile, cloner, key, PERSONAL), profile))
    return voices
