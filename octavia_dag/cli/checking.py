"""Whatever can be refused is refused before a video is registered, so a refusal leaves nothing behind.

That holds for the cache of hashes too: it is written aside and put into its place when every check has passed.
"""

import errno
import shutil
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from octavia_dag.assets.step import engine_for
from octavia_dag.environment import Environment
from octavia_dag.errors import InputError, PairError, SettingsError
from octavia_dag.resources import videos as registry
from octavia_dag.resources.artifacts import guarded, write_atomically
from octavia_dag.resources.engines import Synthesizer, Translator
from octavia_dag.resources.mux import CONTAINERS
from octavia_dag.resources.probe import probe_video, sha256_cached
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import SourceVideo
from octavia_dag.settings import Layer, Settings, effective, read_layer


@dataclass(frozen=True)
class Wish:
    """One video that was asked for and passed the checks. `layer` is what its settings become, None: as they are."""

    path: Path
    sha256: str
    layer: Layer | None


@dataclass(frozen=True)
class Asked:
    """What the command was asked for: languages, a file of settings if any, the spoken language if it was named."""

    targets: Sequence[str]
    settings: Path | None
    spoken: str | None


def checked(tools: Workshop, environment: Environment, paths: Sequence[Path], asked: Asked) -> list[Wish]:
    """The wishes; an InputError says what is wrong with one."""
    change = read_layer(asked.settings) if asked.settings else {}
    if asked.spoken:
        change = _merged(change, {"transcription": {"language": _spoken(asked.spoken)}})
    with _aside(environment.store / "hashes.json") as cache:
        return [_checked(tools, path, cache, change, asked) for path in paths]


def refuse_pairs(tools: Workshop, settings: Settings, spoken: str | None, targets: Sequence[str]) -> None:
    """A PairError for a target that cannot be reached from `spoken` (None: from any language)."""
    translator = engine_for(tools, settings, Translator, "translator")
    synthesizer = engine_for(tools, settings, Synthesizer, "synthesizer")
    pairs = sorted((a, b) for a, b in translator.pairs() if synthesizer.voices(b))
    for target in targets:
        if spoken is not None and _same(spoken, target):
            raise PairError(f"Dubbing into {target}: the video is spoken in {spoken} already; choose another language.")
        if not any(b == target and (spoken is None or _same(a, spoken)) for a, b in pairs):
            can = ", ".join(f"{a} to {b}" for a, b in pairs) or "none"
            raise PairError(
                f"Dubbing from {spoken or 'any language'} into {target} is not possible here; these pairs are: {can}."
            )


def _checked(tools: Workshop, path: Path, cache: Path, change: Layer, asked: Asked) -> Wish:
    try:
        _refuse_container(path, probe_video(tools.media, path, "", None))
        sha256 = sha256_cached(path, cache)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InputError(f"{path} cannot be read ({error.strerror}); check its name and its rights.") from error
    known = registry.find(tools.store, sha256)
    old = registry.layer_path(tools.store, known.id) if known and asked.settings is None else None
    merged = _merged(read_layer(old) if old and old.exists() else {}, change)
    settings = effective([merged])
    probe_video(tools.media, path, sha256, settings.separation.track)
    refuse_pairs(tools, settings, settings.transcription.language, asked.targets)
    return Wish(path, sha256, merged if asked.settings or asked.spoken else None)


@contextmanager
def _aside(cache: Path) -> Generator[Path]:
    """A copy of the cache of hashes, which takes the cache's place unless an error ends the checks."""
    with tempfile.TemporaryDirectory(prefix="octavia-") as folder:
        copy = Path(folder) / cache.name
        if cache.exists():
            shutil.copyfile(cache, copy)
        yield copy
        with guarded(f"Writing {cache}"):
            write_atomically(cache, copy.read_bytes())


def _refuse_container(path: Path, source: SourceVideo) -> None:
    if source.audio and source.container not in CONTAINERS:
        raise InputError(
            f"Dubbing {path.name}: no dub can be put into a {source.container} file; "
            f"remux it into one of {', '.join(sorted(CONTAINERS))} first."
        )


def _spoken(tag: str) -> str:
    from langcodes import Language, tag_is_valid

    if not tag_is_valid(tag):
        raise SettingsError(f"--from has the value {tag!r}, which is no language tag; give one such as en or pt.")
    return Language.get(tag).language or tag


def _merged(low: Layer, high: Layer) -> Layer:
    return {name: {**low.get(name, {}), **high.get(name, {})} for name in {**low, **high}}


def _same(one: str, other: str) -> bool:
    return one.split("-", maxsplit=1)[0].lower() == other.split("-", maxsplit=1)[0].lower()
