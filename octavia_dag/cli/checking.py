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

from octavia_dag.assets.admission import refuse_container, refuse_undubbable
from octavia_dag.cli.handing import refuse_results
from octavia_dag.dubbing.uniting import laid_over
from octavia_dag.environment import Environment
from octavia_dag.errors import InputError, SettingsError
from octavia_dag.layers import Place, layer_at, read_layer, refuse_for_all
from octavia_dag.resources import videos as registry
from octavia_dag.resources.artifacts import guarded, write_atomically
from octavia_dag.resources.probe import probe_video, sha256_cached
from octavia_dag.resources.workshop import Workshop
from octavia_dag.settings import Layer, effective


@dataclass(frozen=True)
class Wish:
    """One video that was asked for and passed the checks. `layer` is what its settings become, None: as they are.

    `targets` are the languages that it is dubbed into now.
    """

    path: Path
    sha256: str
    seconds: float
    layer: Layer | None
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """What the command was asked for: languages (none: each video's own), a file of settings if any, the spoken
    language if it was named, the folder for the results.
    """

    targets: Sequence[str]
    settings: Path | None
    spoken: str | None
    out: Path


def checked(tools: Workshop, environment: Environment, paths: Sequence[Path], asked: Asked) -> list[Wish]:
    """The wishes; an InputError says what is wrong with one."""
    for path in paths:
        _refuse_unwritable_name(path)
    tools.vault.refuse_unusable()
    change = read_layer(asked.settings) if asked.settings else {}
    refuse_for_all(change, f"{asked.settings} sets")
    if asked.spoken:
        change = laid_over(change, {"transcription": {"language": _spoken(asked.spoken)}})
    with _aside(environment.store / "hashes.json") as cache:
        wishes = [_checked(tools, path, cache, change, asked) for path in paths]
        for wish in wishes if not asked.targets else ():  # the names of its results are known only now
            refuse_results(asked.out, wish.path, paths, wish.targets)
        return wishes


def _checked(tools: Workshop, path: Path, cache: Path, change: Layer, asked: Asked) -> Wish:
    try:
        source = probe_video(tools.media, path, "", None)
        refuse_container(path, source)
        sha256 = sha256_cached(path, cache)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InputError(f"{path} cannot be read ({error.strerror}); check its name and its rights.") from error
    store = Path(tools.store.root)
    known = registry.find(tools.store, sha256)
    old = layer_at(store, Place(known.id)) if known and asked.settings is None else {}
    merged = laid_over(old, change)
    settings = effective([layer_at(store, Place()), merged])
    if settings.separation.track is not None:
        source = probe_video(tools.media, path, sha256, settings.separation.track)
    targets = tuple(asked.targets or dict.fromkeys(settings.delivery.languages))
    if not targets:
        raise InputError(
            f"There is no language to dub {path.name} into; name one with --to, or set delivery.languages for it."
        )
    refuse_undubbable(tools, settings, targets)
    return Wish(path, sha256, source.seconds, merged if asked.settings or asked.spoken else None, targets)


def _refuse_unwritable_name(path: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"The name of {path.name!a} is not UTF-8 text, so it cannot be recorded; rename it."
        ) from error


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


def _spoken(tag: str) -> str:
    from langcodes import Language, tag_is_valid

    if not tag_is_valid(tag):
        raise SettingsError(f"--from has the value {tag!r}, which is no language tag; give one such as en or pt.")
    return Language.get(tag).language or tag
