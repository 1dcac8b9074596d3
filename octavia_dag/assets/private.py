"""The speakers' private profiles, as steps are given them: opened in memory, or derived again where they are gone.

They are never written anywhere but sealed, into the artifact of voice_profiles.
"""

from octavia_dag.assets.engaging import engine_for
from octavia_dag.assets.step import Work, current
from octavia_dag.dubbing.references import best_segments
from octavia_dag.dubbing.voices import reference_segments
from octavia_dag.errors import RefusedError
from octavia_dag.resources.artifacts import Artifact, Manifest
from octavia_dag.resources.engines import Profile, VoiceCloner
from octavia_dag.resources.listening import HEARING_HZ
from octavia_dag.resources.sound import read_mono
from octavia_dag.resources.vault import open_sealed
from octavia_dag.schema import SpeakerMap, Stems

PAYLOAD = "profiles.sealed"


def profiles_of(work: Work) -> tuple[list[Profile], bool]:
    """The speakers' profiles, and whether they had to be derived again: the payload is deleted, or this machine of a
    fleet has no key to open it.
    """
    artifact = work.inputs["voice_profiles"]
    sealed = _sealed(artifact)
    key = None if sealed is None else work.workshop.vault.held()
    if sealed is not None and key is not None:
        return open_sealed(sealed, key), False
    return _derived_again(work, artifact.manifest), bool(artifact.manifest.files)


def _derived_again(work: Work, made: Manifest) -> list[Profile]:
    """The profiles of `made` once more: from what it was made from, whatever was set since."""
    for name, version in made.inputs.items():
        if _upstream(work, name).manifest.data_version != version:
            raise RefusedError(
                f"Deriving the voices of {work.video} again: its {name} was made anew meanwhile; run it again.",
                passing=True,
            )
    chosen = {"engine": str(made.settings["voices.engine"]), "options": made.settings.get("voices.options") or {}}
    then = work.settings.model_copy(update={"voices": work.settings.voices.model_copy(update=chosen)})
    cloner = engine_for(work.workshop, then, VoiceCloner, "cloner")
    return derived(work, cloner, float(made.settings["voices.reference_s"]))


def derived(work: Work, cloner: VoiceCloner, reference_s: float) -> list[Profile]:
    """The profiles from stems and speaker map, in memory."""
    stems, people = _upstream(work, "stems"), _upstream(work, "speaker_map").read(SpeakerMap)
    vocals = stems.read(Stems).clean_vocals
    if vocals is None or not people.speakers:
        return []
    sound = read_mono(stems.file(vocals), HEARING_HZ)
    found: list[Profile] = []
    for one in people.speakers:
        spans = reference_segments(people.turns, people.overlaps, one.id, seconds=reference_s * cloner.choice)
        if cloner.choice > 1:
            spans = best_segments(sound, HEARING_HZ, spans, seconds=reference_s)
        found.append(cloner.profile(one.id, sound, spans))
    return found


def _sealed(artifact: Artifact) -> bytes | None:
    """The payload; None where it is gone: a language beside this one may be the last to need it, and let it go."""
    if PAYLOAD not in artifact.manifest.files or PAYLOAD in artifact.manifest.deleted:
        return None
    try:
        return (artifact.folder / PAYLOAD).read_bytes()
    except FileNotFoundError:
        return None


def _upstream(work: Work, name: str) -> Artifact:
    """An input of voice_profiles, also where the step that asks (casting) has it only indirectly."""
    return work.inputs[name] if name in work.inputs else current(work.workshop, name, work.video, None)
