"""People's voices: private profiles of the speakers, and who speaks for whom in the dub.

The profiles are biometric data. They exist in memory and, encrypted, in one file of the artifact; that file is deleted
as soon as no requested dub of the video still needs it. Whoever needs them after that derives them again from stems
and speaker map, in memory; the data version is a keyed hash, so it stays what it was.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import numpy as np

from octavia_dag.assets import cloned
from octavia_dag.assets.cast import cast_as_set, cast_cloned
from octavia_dag.assets.private import PAYLOAD, derived, profiles_of
from octavia_dag.assets.step import Made, Result, Work, asset, run_step
from octavia_dag.assets.telling import table_of
from octavia_dag.dubbing.voices import Candidate, Person
from octavia_dag.errors import InputError
from octavia_dag.partitions import LANGUAGES
from octavia_dag.resources.artifacts import Artifact, ArtifactStore
from octavia_dag.resources.engines import Synthesizer, VoiceCloner
from octavia_dag.resources.locks import locked
from octavia_dag.resources.vault import keyed_hash, seal
from octavia_dag.resources.videos import record
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import Casting, Reference, SpeakerMap, Voice, VoiceProfiles

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
    """Speaker -> voice."""
    return run_step(context, workshop, _make_casting, _tell_casting)


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


def _make_casting(work: Work) -> Made:
    profiles, again = profiles_of(work)
    if not profiles:
        return Made(Casting(roles=(), cloned=False))
    talk = {speaker.id: speaker.talk_seconds for speaker in work.read("speaker_map", SpeakerMap).speakers}
    synthesizer = work.engine(Synthesizer, "synthesizer")
    people = [
        Person(p.speaker, np.asarray(p.embedding, np.float32), p.pitch_hz, p.voice_class, talk.get(p.speaker, 0.0))
        for p in profiles
    ]
    if synthesizer.clones:
        candidates = cloned.candidates(work, profiles)
        cast = cast_cloned(work, people, candidates, _chosen(work, cloned.choices(candidates), set(talk)))
    else:
        chosen = _chosen(work, {tag: synthesizer.voices(tag) for tag in LANGUAGES}, set(talk))
        cast = cast_as_set(work, people, _candidates(work, synthesizer, chosen), chosen)
    note = CLONED if synthesizer.clones else MATCHED_NOT_CLONED
    document = Casting(roles=tuple(cast.roles), cloned=synthesizer.clones, notes=(note, *cast.notes))
    voices = len({role.voice.id for role in cast.roles})
    return Made(document, counts={"voices": voices, "voice_profiles_rederived": int(again)})


def _candidates(work: Work, synthesizer: Synthesizer, chosen: Mapping[str, str]) -> list[Candidate]:
    """The synthesizer's own voices, as far as the settings let them be cast."""
    return [
        Candidate(voice, *synthesizer.likeness(voice, work.tag))
        for voice in synthesizer.voices(work.tag)
        if work.settings.voices.mixtures or len(voice.styles) == 1 or voice.id in chosen.values()
    ]


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
    rows = [
        dg.TableRecord(
            {
                "speaker": r.speaker,
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
