"""People's voices: private profiles of the speakers, and who speaks for whom in the dub.

The profiles are biometric data. They exist in memory and, encrypted, in one file of the artifact; that file is deleted
as soon as no requested dub of the video still needs it. Whoever needs them after that derives them again from stems
and speaker map, in memory; the data version is a keyed hash, so it stays what it was.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from octavia_dag.assets import cloned
from octavia_dag.assets.cast import candidates_for, cast_as_set, cast_cloned, people_in
from octavia_dag.assets.failing import told_to_dagster
from octavia_dag.assets.people import NAME as REGISTER
from octavia_dag.assets.people import PERSON, SHOWN, VOICE
from octavia_dag.assets.private import PAYLOAD, derived, profiles_of
from octavia_dag.assets.settling import ProfilesOf, settle
from octavia_dag.assets.step import Made, Result, Work, asset, run_step
from octavia_dag.assets.telling import table_of
from octavia_dag.errors import InputError
from octavia_dag.partitions import LANGUAGES
from octavia_dag.resources.artifacts import Artifact, ArtifactStore, data_version
from octavia_dag.resources.engines import Profile, Synthesizer, VoiceCloner
from octavia_dag.resources.locks import locked
from octavia_dag.resources.vault import keyed_hash, seal
from octavia_dag.resources.videos import record
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import Casting, Reference, Role, SpeakerMap, Voice, VoiceProfiles

MATCHED_NOT_CLONED = (
    "The voices are the nearest of the synthesizer's own; this engine matches voices, it does not clone."
)
CLONED = "The voices are cloned from the speakers' own."


@asset("voice_profiles")
def voice_profiles(context: dg.AssetExecutionContext, workshop: Workshop) -> Result:
    """The speakers' private profiles, encrypted."""
    return run_step(context, workshop, _make_profiles, _tell_profiles)


@asset("casting")
def casting(context: dg.AssetExecutionContext, workshop: Workshop) -> Result:
    """Speaker -> voice. The people of the video enter the register first, where it is used."""
    found: dict[str, tuple[list[Profile], bool]] = {}

    def profiles(work: Work) -> tuple[list[Profile], bool]:
        """Derived again once, not for the register and once more for the cast."""
        version = work.inputs["voice_profiles"].manifest.data_version
        if version not in found:
            found[version] = profiles_of(work)
        return found[version]

    with told_to_dagster(context):
        settle(workshop, context.partition_key, profiles)
    return run_step(context, workshop, lambda work: _make_casting(work, profiles), _tell_casting)


def forget_when_done(store: ArtifactStore, video: str) -> bool:
    """Deletes the private payloads once every requested language is delivered and reported; True when they are gone.

    Those of earlier settings too: nothing asks for them any more. Of languages that end at the same moment the last one
    to be reported sees the others' reports, and may be one of several that delete: they do so one after another.
    """
    for language in record(store, video).requested:
        report, mux = (store.current(name, video, language) for name in ("qa_report", "final_mux"))
        if report is None or mux is None or report.manifest.inputs.get("final_mux") != mux.manifest.data_version:
            return False
    with locked(store, "voice_profiles", video, None):
        for artifact in store.all("voice_profiles", video, None):
            if PAYLOAD in artifact.manifest.files:
                store.forget(artifact, PAYLOAD)
    return True


def _make_profiles(work: Work) -> Made:
    profiles = derived(work, work.engine(VoiceCloner, "cloner"), work.settings.voices.reference_s)
    references = tuple(
        Reference(
            speaker=one.speaker,
            seconds=sum(segment.seconds for segment in one.segments),
            segments=len(one.segments),
            voice_class=one.voice_class,
        )
        for one in profiles
    )
    secret = work.workshop.vault.secret()
    if profiles:
        (work.folder / PAYLOAD).write_bytes(seal(profiles, secret))
    document = VoiceProfiles(references=references, payload=PAYLOAD if profiles else None)
    return Made(document, counts={"speakers": len(profiles)}, version=keyed_hash(profiles, secret))


def _tell_profiles(artifact: Artifact) -> dict[str, Any]:
    document = artifact.read(VoiceProfiles)
    rows = [
        dg.TableRecord(
            {"speaker": r.speaker, "reference_seconds": r.seconds, "segments": r.segments, "class": r.voice_class}
        )
        for r in document.references
    ]
    state = "deleted: every requested dub is delivered" if artifact.manifest.deleted else "encrypted"
    return {"payload": state if document.payload else "none", **table_of("references", rows)}


def _make_casting(work: Work, profiles_of: ProfilesOf) -> Made:
    profiles, again = profiles_of(work)
    if not profiles:
        return Made(Casting(roles=(), cloned=False))
    synthesizer = work.engine(Synthesizer, "synthesizer")
    people = people_in(work, profiles)
    speakers = {speaker.id for speaker in work.read("speaker_map", SpeakerMap).speakers}
    known: dict[str, dict[str, str]] = work.extras.get(REGISTER, {})
    if synthesizer.clones:
        there = cloned.candidates(work, profiles)
        cast = cast_cloned(work, people, there, _chosen(work, cloned.choices(there), speakers))
    else:
        chosen = _chosen(work, {tag: synthesizer.voices(tag) for tag in LANGUAGES}, speakers)
        given = {*chosen.values(), *(entry[VOICE] for entry in known.values() if VOICE in entry)}
        cast = cast_as_set(work, people, candidates_for(work, synthesizer, given), chosen)
    note = CLONED if synthesizer.clones else MATCHED_NOT_CLONED
    unnamed = Casting(roles=tuple(cast.roles), cloned=synthesizer.clones, notes=(note, *cast.notes))
    document = unnamed.model_copy(update={"roles": tuple(_named(role, known) for role in cast.roles)})
    counts = {"voices": len({role.voice.id for role in cast.roles}), "voice_profiles_rederived": int(again)}
    # A name is shown and nothing else: with another one the outcome is the same, and nobody speaks again.
    return Made(document, counts=counts, version=data_version(unnamed, {}))


def _named(role: Role, known: Mapping[str, Mapping[str, str]]) -> Role:
    entry = known.get(role.speaker, {})
    return role.model_copy(update={"person": entry.get(PERSON, ""), "name": entry.get(SHOWN, "")})


def _chosen(work: Work, voices: Mapping[str, Sequence[Voice]], speakers: set[str]) -> dict[str, str]:
    """The voices chosen by hand, of `voices` by language, that speak this one.

    An InputError for a speaker or voice that does not exist.
    """
    here = {voice.id for voice in voices.get(work.tag, ())}
    anywhere = {voice.id for some in voices.values() for voice in some}
    for speaker, voice in work.settings.voices.cast.items():
        asked = f"Casting {work.video} in {work.tag}: voices.cast gives speaker {speaker} the voice {voice}"
        if speaker not in speakers:
            raise InputError(f"{asked}, but the speakers are {', '.join(sorted(speakers))}; mend the setting.")
        if voice not in anywhere:
            raise InputError(f"{asked}, which does not exist; the voices are {', '.join(sorted(here))}.")
    return {speaker: voice for speaker, voice in work.settings.voices.cast.items() if voice in here}


def _tell_casting(artifact: Artifact) -> dict[str, Any]:
    document = artifact.read(Casting)
    register = any(role.person for role in document.roles)
    rows = [
        dg.TableRecord(
            {
                "speaker": r.speaker,
                **({"person": r.person, "name": r.name} if register else {}),
                "voice": r.voice.id,
                "class": r.voice.voice_class,
                "cosine": r.cosine,
                "chosen_by_hand": r.overridden,
                "personal": r.personal,
                "flags": ", ".join(r.flags),
            }
        )
        for r in document.roles
    ]
    return {"notes": " ".join(document.notes) or "none", **table_of("cast", rows)}
