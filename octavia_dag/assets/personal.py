"""The main speaker's personal voice, as casting is given it: only with consent, which stands in the cast's lineage.

What the key and the manifest hold is the profile's keyed hash and the consent record, never the voice. Where the switch
is off nothing is given, and nothing is opened.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from octavia_dag.assets.giving import Asked, Giver
from octavia_dag.dubbing.voices import Person
from octavia_dag.errors import RefusedError
from octavia_dag.resources import personal
from octavia_dag.resources.engines import Profile, VoiceCloner
from octavia_dag.settings import digest

if TYPE_CHECKING:  # which asks this file in turn
    from octavia_dag.assets.step import Work

NONE_REGISTERED = (
    "No personal voice is registered: the main speaker's voice is matched like everybody's; "
    "'octavia voice add SAMPLE --who NAME --purpose TEXT' registers one."
)


def source(asked: Asked) -> str:
    """A hash of the consent that counts, which names the sample; empty where the switch is off or there is none."""
    used_now = used(asked)
    return digest(used_now) if used_now else ""


def used(asked: Asked) -> dict[str, Any]:
    """The consent record with the keyed hash of the voice, as JSON holds it; empty as above."""
    found = personal.in_effect(asked.store, asked.video) if asked.settings.voices.personal else None
    return {} if found is None else found[0].model_dump(mode="json")


PERSONAL = Giver("personal", "casting", source, used)


def sample_for(work: "Work", speaker: str, talk_seconds: float) -> Person | None:
    """The person that the registered sample describes, in the place of `speaker`; None where none was given."""
    wanted = work.extras.get("personal")
    if wanted is None:
        return None
    found = personal.in_effect(work.workshop.store, work.video)
    sample = sample_profile(work) if found is not None and found[0].model_dump(mode="json") == wanted else None
    if sample is None:
        raise RefusedError(
            f"Casting {work.video} in {work.tag}: the personal voice was changed meanwhile; run it again.",
            passing=True,
        )
    profile, _ = sample
    embedding = np.asarray(profile.embedding, np.float32)
    return Person(speaker, embedding, profile.pitch_hz, profile.voice_class, talk_seconds)


def sample_profile(work: "Work") -> tuple[Profile, str] | None:
    """The profile of the registered sample, and what made it (name and revision); None where there is none."""
    found = personal.in_effect(work.workshop.store, work.video)
    if found is None:
        return None
    consent, folder = found
    cloner = work.engine(VoiceCloner, "cloner")
    profile = personal.opened(folder, consent, cloner, work.workshop.vault.secret())
    return profile, personal.engine_name(cloner)


def note_of(work: "Work", speaker: str, *, cloned: bool) -> str:
    """Whose voice is used by whose leave, and how far it goes."""
    consent = personal.Consent.model_validate(work.extras["personal"])
    voice = "" if cloned else "nearest to "
    made = "cloned from the sample" if cloned else "matched to the sample, not cloned from it"
    return (
        f"{speaker}, who talks the most, has the voice {voice}the personal voice of {consent.who}, who consented "
        f"to this: {consent.purpose} (recorded {consent.when} by {consent.recorded_by}); it is {made}."
    )
