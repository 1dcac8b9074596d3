"""Weights that no package carries: named by hub id and revision, or a folder; nothing is loaded whose hash differs.

A reference is one line of text, so that a setting can hold it:

    coqui/XTTS-v2@v2.0.3                 a repository of the hub, at a revision
    /models/xtts                         a folder of this machine
    /models/xtts#sha256=3f0a...          either one, held to the digest of all its files

Whichever it is, the folder holds `weights.json`: where the files come from, the commit that the revision was when they
were fetched, and sha256 and size of each. It is written by `octavia models pull` (hub) and `octavia models seal`
(folder), and checked before every load, as the files of models.lock are. A file beside those is refused too, since a
loader takes what it finds: the first of a pattern, or one format before another. Hidden files, such as a desktop's or
those of the hub's client, are no part of weights: no loader takes them. The digest is the weights' revision, so other
weights are another content key.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from octavia_dag.errors import InputError, ModelError, SettingsError
from octavia_dag.resources import models
from octavia_dag.resources.artifacts import write_atomically

SEAL = "weights.json"
HUB = "hub"
# As the hub allows them, so that no two repositories lie in one folder (owner--name).
_NAME = r"(?![\w.-]*(?:--|\.\.))\w(?:[\w.-]{0,94}\w)?(?<!\.git)"
_HUB = re.compile(rf"(?P<id>{_NAME}/{_NAME})@(?P<revision>\w[\w.-]*)")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SealedFile(_Frozen):
    """One file of weights, by its path inside their folder."""

    name: str
    size: int
    sha256: str


class Seal(_Frozen):
    """What `weights.json` holds. `commit` is what the hub's `revision` was when the files were fetched."""

    source: str
    revision: str
    commit: str
    files: tuple[SealedFile, ...] = Field(min_length=1)

    @property
    def digest(self) -> str:
        """sha256 over names and hashes of all files: the same files, the same digest, wherever they come from."""
        told = "".join(f"{file.name}\0{file.sha256}\n" for file in sorted(self.files, key=lambda one: one.name))
        return hashlib.sha256(told.encode()).hexdigest()


class Reference(_Frozen):
    """A reference, taken apart. `repository` is empty for a folder."""

    repository: str = ""
    revision: str = ""
    path: str = ""
    digest: str = ""

    @classmethod
    def of(cls, text: str) -> Self:
        """The parts of `text`; a SettingsError says how a reference is written."""
        bare, mark, digest = text.partition("#sha256=")
        hub = _HUB.fullmatch(bare)
        if (mark and not _DIGEST.fullmatch(digest)) or not (hub or Path(bare).is_absolute()) or "\0" in bare:
            raise SettingsError(
                f"Weights are named {text!r}, which is no reference; write 'owner/name@revision' or the absolute path "
                "of a folder, either with '#sha256=' and 64 hexadecimal digits behind it to hold it to that digest."
            )
        if hub:
            return cls(repository=hub["id"], revision=hub["revision"], digest=digest)
        return cls(path=bare, digest=digest)

    def folder(self, models_dir: str) -> Path:
        """Where the files belong, whether or not they are there."""
        if self.path:
            return Path(self.path)
        return Path(models_dir) / HUB / self.repository.replace("/", "--") / self.revision

    def __str__(self) -> str:
        return self.path or f"{self.repository}@{self.revision}"


def weights_dir(models_dir: str, reference: str) -> Path:
    """Folder of the weights that `reference` names, holding just its sealed files; a ModelError says what is wrong.

    A file is hashed when it is new or was written to since it was last found right; else its size and times suffice.
    """
    told = Reference.of(reference)
    found = seal_of(models_dir, reference)
    folder = told.folder(models_dir)
    if told.digest and told.digest != found.digest:
        raise ModelError(
            f"The weights {told} have the digest {found.digest}, and {told.digest} was asked for; fetch those, "
            "or name their digest."
        )
    files = tuple(models.ModelFile(name=one.name, size=one.size, sha256=one.sha256) for one in found.files)
    record = Path(models_dir) / models.RECORD_FOLDER / f"{found.digest[:16]}.json"
    try:
        wrong = models.wrong_files(folder, files, record)
    except OSError as error:
        raise ModelError(
            f"The weights {told} cannot be read ({error.strerror}: {error.filename}); {_remedy(told)}."
        ) from error
    for path, kind in wrong:
        raise ModelError(f"Of the weights {told} the file {path} {_WRONG[kind]}; {_remedy(told)}.")
    listed = {one.name for one in found.files}
    for path in _paths(folder):
        if path.relative_to(folder).as_posix() not in listed:
            raise ModelError(
                f"Beside the weights {told} lies {path}, which was not sealed; take it away, or run '{_command(told)}'."
            )
    return folder


def seal_of(models_dir: str, reference: str) -> Seal:
    """What the weights' own `weights.json` says, of files that were not looked at; a ModelError where there is none."""
    told = Reference.of(reference)
    path = told.folder(models_dir) / SEAL
    try:
        return Seal.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelError(f"The weights {told} are not there ({path}); {_remedy(told)}.") from error
    except (ValidationError, OSError) as error:
        raise ModelError(f"The list of the weights {told} cannot be read ({path}); {_remedy(told)}.") from error


def revision(models_dir: str, reference: str) -> str:
    """A short name of just these weights for a content key; "absent" where they are not there yet."""
    try:
        return seal_of(models_dir, reference).digest[:12]
    except ModelError:
        return "absent"


def seal(folder: Path, source: str, revision: str, commit: str = "") -> Seal:
    """Hashes every file in `folder` and writes its `weights.json`; an InputError where there is no file."""
    paths = _paths(folder)
    if not paths:
        raise InputError(f"Sealing the weights in {folder}: there is no file in it; name the folder that holds them.")
    for path in paths:
        if not path.is_file():
            raise InputError(
                f"Sealing the weights in {folder}: {path} is no file and no folder; put what it names there."
            )
    files: list[SealedFile] = []
    for path in paths:
        with path.open("rb") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
        name = path.relative_to(folder).as_posix()
        files.append(SealedFile(name=name, size=path.stat().st_size, sha256=sha256))
    sealed = Seal(source=source, revision=revision, commit=commit or revision, files=tuple(files))
    write_atomically(folder / SEAL, json.dumps(sealed.model_dump(), indent=1).encode())
    return sealed


_WRONG: dict[models.Kind, str] = {
    "missing": "is not there",
    "size": "has another size than was sealed",
    "sha256": "has another sha256 than was sealed",
    "run bit": "cannot be run",
}


def _paths(folder: Path) -> list[Path]:
    """All in a folder that a loader could take, links to folders among it; not the list itself, nor what is hidden."""
    return sorted(
        path
        for path in folder.rglob("*")
        if (path.is_symlink() or not path.is_dir()) and _counts(path.relative_to(folder))
    )


def _counts(path: Path) -> bool:
    return path.as_posix() != SEAL and not any(part.startswith(".") for part in path.parts)


def _remedy(told: Reference) -> str:
    if told.path:
        return f"put them back, or run '{_command(told)}' if they are meant to be so"
    return f"run '{_command(told)}'"


def _command(told: Reference) -> str:
    """What makes the files in the folder the sealed ones."""
    return f"octavia models seal {told.path}" if told.path else f"octavia models pull {told}"
