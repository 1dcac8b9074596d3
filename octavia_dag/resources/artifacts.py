"""Artifacts live under their content key, manifest written last, and are found again by that key.

    store/videos/<video>/<asset>/[<language>/]<key>/   document.json, files, manifest.json
    store/videos/<video>/current/<asset>[.<language>].json   the latest materialization, and what it was made from

A folder is made in scratch and renamed into place, so whatever has a manifest is whole. The data version is a hash
of the content alone (document and files), so an equal outcome makes nothing below it stale. The pointers let a step
find its inputs without asking Dagster's database, which a remote worker may not reach, and let `plan` judge a video by
reading some small files; they lie in one folder, whose time of change tells that something was materialized.
"""

import errno
import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
from pydantic import Field, ValidationError

from octavia_dag.errors import StorageError
from octavia_dag.resources.processes import owner_prefix
from octavia_dag.schema import Document

# What a file system that others serve says while it cannot be reached, or is busy.
_PASSING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EBUSY, errno.EHOSTDOWN, errno.ENETUNREACH)
DOCUMENT = "document.json"
MANIFEST = "manifest.json"
PICTURES = "pictures"  # a folder, never part of the files' hashes
KEY_LENGTH = 32

D = TypeVar("D", bound=Document)


class Stored(Document):
    """One file of an artifact."""

    size: int
    sha256: str


class Origin(Document):
    """What an artifact is and what it was made from. `extras` is what people gave besides settings."""

    asset: str
    video: str
    language: str | None
    key: str
    data_version: str
    code_version: str
    inputs: dict[str, str]
    settings: dict[str, Any]
    engines: dict[str, str]
    extras: dict[str, Any] = Field(default={})
    counts: dict[str, int]
    seconds: float


class Manifest(Origin):
    """Lies in the artifact's folder. `deleted` names files removed on purpose (private payloads)."""

    files: dict[str, Stored]
    busy_seconds: float
    deleted: tuple[str, ...] = ()


class Current(Origin):
    """The latest materialization of a partition.

    `experiment` is the run's own configuration, `slice: {field: value}`, where it had one: such an outcome is not what
    the settings ask for. `sources` are hashes of all that extras were chosen from (the whole glossary, the whole
    memory), so that what cannot have changed need not be looked up again.
    """

    sources: dict[str, str] = Field(default={})
    experiment: dict[str, Any] = Field(default={})


class Artifact:
    """A published artifact: its folder, its manifest, its document."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest

    def read(self, kind: type[D]) -> D:
        """The document, as `kind`; a StorageError where it is damaged."""
        try:
            return kind.model_validate_json((self.folder / DOCUMENT).read_bytes())
        except (OSError, ValidationError) as error:
            raise StorageError(
                f"Reading {self.manifest.asset} of {self.manifest.video}: its document is damaged; delete the folder "
                f"{self.folder} and run it again."
            ) from error

    def file(self, name: str) -> Path:
        """Path of a file of the artifact; a StorageError where it is gone."""
        path = self.folder / name
        if not path.is_file():
            raise StorageError(
                f"Reading {self.manifest.asset} of {self.manifest.video}: the file {name} is gone; delete the folder "
                f"{self.folder} and run it again."
            )
        return path

    @property
    def pictures(self) -> dict[str, bytes]:
        """Small PNGs that show the artifact, by name; those that it has."""
        return {path.stem: path.read_bytes() for path in sorted((self.folder / PICTURES).glob("*.png"))}


class ArtifactStore(dg.ConfigurableResource):
    """The artifacts of one installation under `root`, work in progress under `scratch` (same file system)."""

    root: str
    scratch: str

    def video_folder(self, video: str) -> Path:
        """Everything of one video."""
        return Path(self.root) / "videos" / video

    def lines_folder(self, video: str, language: str) -> Path:
        """Sounds of single lines, by line key: a one-line edit synthesizes one line."""
        return self.video_folder(video) / "lines" / language

    def find(self, asset: str, video: str, language: str | None, key: str) -> Artifact | None:
        """The whole artifact with this content key, None where there is none."""
        return _whole(self._place(asset, video, language) / key[:KEY_LENGTH])

    def current(self, asset: str, video: str, language: str | None) -> Artifact | None:
        """The artifact of the latest materialization, None where it was never made."""
        found = self.pointer(asset, video, language)
        return None if found is None else self.find(asset, video, language, found.key)

    def pointer(self, asset: str, video: str, language: str | None) -> Current | None:
        """What the latest materialization was made from, None where it was never made."""
        path = self._pointer(asset, video, language)
        with guarded(f"Looking for {asset} of {video}", "mend its permissions and run it again"):
            try:
                return Current.model_validate_json(path.read_bytes())
            except (FileNotFoundError, ValidationError):
                return None

    def all(self, asset: str, video: str, language: str | None) -> list[Artifact]:
        """Every whole artifact of a partition, the current one and those of other settings."""
        folders = sorted(self._place(asset, video, language).glob("*/"))
        return [artifact for folder in folders if (artifact := _whole(folder)) is not None]

    def point(
        self, artifact: Artifact, sources: Mapping[str, str] | None = None, experiment: Mapping[str, Any] | None = None
    ) -> None:
        """Makes `artifact` the current one of its partition; written only where something changes."""
        told = artifact.manifest.model_dump(include=set(Origin.model_fields))
        pointer = Current(**told, sources=dict(sources or {}), experiment=dict(experiment or {}))
        manifest = artifact.manifest
        before = self.pointer(manifest.asset, manifest.video, manifest.language)
        if before == pointer:
            return
        with guarded(f"Making {manifest.asset} of {manifest.video} the current one"):
            path = self._pointer(manifest.asset, manifest.video, manifest.language)
            write_atomically(path, pointer.model_dump_json().encode())
            if before is not None and before.key != pointer.key:
                # From now on nobody points at it: its time of grace begins.
                with suppress(FileNotFoundError):
                    os.utime(self._place(before.asset, before.video, before.language) / before.key[:KEY_LENGTH])

    @contextmanager
    def workspace(self) -> Generator[Path]:
        """A folder in scratch, named after this process, gone afterwards unless it was published."""
        with guarded("Making a work folder"):
            Path(self.scratch).mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=owner_prefix(), dir=self.scratch))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, folder: Path, document: Document, manifest: Manifest) -> Artifact:
        """Renames `folder` into its place with `document` and `manifest` in it; the first one to publish wins."""
        place = self._place(manifest.asset, manifest.video, manifest.language) / manifest.key[:KEY_LENGTH]
        with guarded(f"Storing {manifest.asset} of {manifest.video}"):
            write_atomically(folder / DOCUMENT, document.model_dump_json(indent=1).encode())
            write_atomically(folder / MANIFEST, manifest.model_dump_json(indent=1).encode())
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.exists() and _whole(place) is None:
                shutil.rmtree(place)
            try:
                os.replace(folder, place)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
        found = _whole(place)
        if found is None:
            raise StorageError(f"Storing {manifest.asset} of {manifest.video}: it vanished from {place}; run it again.")
        return found

    def forget(self, artifact: Artifact, name: str) -> Artifact:
        """Deletes one private file of `artifact`; the manifest stays and says so.

        The file goes first: a run that is killed between the two leaves an artifact that is made again, never a
        manifest that calls a file deleted which is still there.
        """
        manifest = artifact.manifest.model_copy(update={"deleted": tuple(sorted({*artifact.manifest.deleted, name}))})
        with guarded(f"Deleting {name} of {manifest.asset} of {manifest.video}"):
            (artifact.folder / name).unlink(missing_ok=True)
            if manifest != artifact.manifest:
                write_atomically(artifact.folder / MANIFEST, manifest.model_dump_json(indent=1).encode())
        return Artifact(artifact.folder, manifest)

    def _pointer(self, asset: str, video: str, language: str | None) -> Path:
        name = f"{asset}.{language}.json" if language else f"{asset}.json"
        return self.video_folder(video) / "current" / name

    def _place(self, asset: str, video: str, language: str | None) -> Path:
        folder = self.video_folder(video) / asset
        return folder / language if language else folder


def stored_files(folder: Path) -> dict[str, Stored]:
    """Name (relative), size and sha256 of every file in `folder`, pictures and the document aside."""
    found: dict[str, Stored] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != DOCUMENT and not name.startswith(f"{PICTURES}/"):
            with path.open("rb") as file:
                found[name] = Stored(size=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest())
    return found


def data_version(document: Document, files: dict[str, Stored]) -> str:
    """Hash of the content: the document and the files, whatever it was made from."""
    content = [document.model_dump_json(), {name: stored.sha256 for name, stored in files.items()}]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:KEY_LENGTH]


def write_atomically(path: Path, content: bytes) -> None:
    """Writes `content` beside `path`, readable by its owner alone, and renames it into place.

    Named before it is made, so that an interruption at any moment leaves nothing beside `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.parent / f".{secrets.token_hex(8)}.part"
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def guarded(
    doing: str, remedy: str = "choose another place or mend its permissions and run it again"
) -> Generator[None]:
    """Turns whatever the file system refuses into a StorageError that begins with `doing` and ends with `remedy`.

    A full disk has a remedy of its own.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError(f"{doing}: the disk is full; free some space and run it again.") from error
        where = f" ({error.filename})" if error.filename is not None else ""
        passing = error.errno in _PASSING
        raise StorageError(f"{doing}: {error.strerror or error}{where}; {remedy}.", passing=passing) from error


def _whole(folder: Path) -> Artifact | None:
    """The artifact of a folder, None where it is not whole; a file that was deleted on purpose may be there or not."""
    with guarded(f"Reading {folder}", "mend its permissions and run it again"):
        try:
            manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        for name, stored in manifest.files.items():
            path = folder / name
            if name not in manifest.deleted and (not path.is_file() or path.stat().st_size != stored.size):
                return None
    return Artifact(folder, manifest)
