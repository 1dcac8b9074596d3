"""Whether a video may come in, and how it is registered, whoever brings it: the command or the drop folder.

A refusal is one sentence and leaves nothing behind. A record is the last thing that is written of a video: whoever
looks for videos finds it with its settings in place.
"""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from octavia_dag.assets.engaging import chosen_roles, engine_for
from octavia_dag.errors import InputError, ModelError, PairError, SettingsError
from octavia_dag.partitions import LANGUAGES, VIDEOS, video_id
from octavia_dag.resources import videos as registry
from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.cloning import PREFIX
from octavia_dag.resources.engines import Engine, Synthesizer, Translator
from octavia_dag.resources.mux import CONTAINERS
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import SourceVideo
from octavia_dag.settings import Settings


def refuse_undubbable(tools: Workshop, settings: Settings, targets: Sequence[str]) -> None:
    """An InputError where the engines cannot be loaded, a voice is nobody's, or a target cannot be reached."""
    _refuse_engines(tools, settings, targets)
    refuse_pairs(tools, settings, settings.transcription.language, targets)


def refuse_container(path: Path, source: SourceVideo) -> None:
    """An InputError where no dub can be put into such a file."""
    if source.audio and source.container not in CONTAINERS:
        raise InputError(
            f"Dubbing {path.name}: no dub can be put into a {source.container} file; "
            f"remux it into one of {', '.join(sorted(CONTAINERS))} first."
        )


def refuse_pairs(tools: Workshop, settings: Settings, spoken: str | None, targets: Sequence[str]) -> None:
    """A PairError for a target that cannot be reached from `spoken` (None: from any language)."""
    translator = engine_for(tools, settings, Translator, "translator")
    synthesizer = engine_for(tools, settings, Synthesizer, "synthesizer")
    pairs = sorted((a, b) for a, b in translator.pairs() if synthesizer.speaks(b))
    for target in targets:
        if spoken is not None and _same(spoken, target):
            raise PairError(f"Dubbing into {target}: the video is spoken in {spoken} already; choose another language.")
        if not any(b == target and (spoken is None or _same(a, spoken)) for a, b in pairs):
            can = ", ".join(f"{a} to {b}" for a, b in pairs) or "none"
            raise PairError(
                f"Dubbing from {spoken or 'any language'} into {target} is not possible here; these pairs are: {can}."
            )


def record_of(store: ArtifactStore, name: str, sha256: str) -> registry.VideoRecord:
    """The record of the video with this content: the one that is there, or a new one, which is not written yet."""
    known = registry.find(store, sha256)
    if known is not None:
        return known
    folder = Path(store.root) / "videos"
    candidates = (video_id(name, sha256, hash_length=length) for length in registry.HASH_LENGTHS)
    free = next(one for one in candidates if not (folder / one / registry.RECORD).exists())
    return registry.VideoRecord(id=free, name=name, path="", sha256=sha256, size=0)


def register(
    store: ArtifactStore,
    instance: dg.DagsterInstance,
    record: registry.VideoRecord,
    path: Path,
    seconds: float,
    languages: Sequence[str] = (),
    origin: str = "",
) -> registry.VideoRecord:
    """Writes the record, with where its file lies now and `languages` among the wanted ones, and adds its partition."""
    told = {
        "path": str(path.absolute()),
        "size": path.stat().st_size,
        "seconds": seconds,
        "origin": origin,
        "requested": tuple(sorted({*record.requested, *languages})),
    }
    saved = registry.save(store, record.model_copy(update=told))
    instance.add_dynamic_partitions(VIDEOS.name or "", [saved.id])
    return saved


def _refuse_engines(tools: Workshop, settings: Settings, targets: Sequence[str]) -> None:
    """A SettingsError for an engine that cannot be loaded or may not be used in a language of this work, or a voice
    that nobody has; a ModelError where an engine lacks what it cannot work without.
    """
    for role in chosen_roles(settings):
        for language in dict.fromkeys((settings.transcription.language, *targets)):
            engine_for(tools, settings, Engine, role, language)
        for sentence in engine_for(tools, settings, Engine, role).missing():
            raise ModelError(sentence)
    synthesizer = engine_for(tools, settings, Synthesizer, "synthesizer")
    there = {voice.id for language in LANGUAGES for voice in synthesizer.voices(language)}
    for speaker, voice in settings.voices.cast.items():
        if synthesizer.clones and not voice.startswith(PREFIX):
            raise SettingsError(
                f"The setting voices.cast gives speaker {speaker} the voice {voice}, but "
                f"{synthesizer.info().name} speaks in cloned voices alone; name one by its speaker, such as {PREFIX}A."
            )
        if not synthesizer.clones and voice not in there:
            raise SettingsError(
                f"The setting voices.cast gives speaker {speaker} the voice {voice}, which does not exist; "
                f"the voices are {', '.join(sorted(there))}."
            )


def _same(one: str, other: str) -> bool:
    return one.split("-", maxsplit=1)[0].lower() == other.split("-", maxsplit=1)[0].lower()
