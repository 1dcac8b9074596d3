"""The storage that other people reach: a bucket or a folder, one code path for both.

    ROOT/incoming/   what people drop                    ROOT/delivered/VIDEO/LANG/   a dub, result.json last
    ROOT/archive/    what was taken, by its sha256       ROOT/held/VIDEO/LANG/        a dub that breaks a promise
    ROOT/quarantine/ what could not be taken, and why    ROOT/failed/VIDEO/LANG.json  why there is no dub

Whatever is read is read in blocks and hashed on the way; whatever is written appears when all of it is there. What was
looked at is copied or removed only while it is still that version. A storage that cannot be reached is a StorageError,
never an empty listing. Artifacts do not lie here: they stay on the local file system, where a rename publishes them.
"""

import hashlib
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

import dagster as dg
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import PrivateAttr

from octavia_dag.dubbing.dropping import Listed
from octavia_dag.errors import StorageError
from octavia_dag.resources.artifacts import guarded

INCOMING, ARCHIVE, QUARANTINE = "incoming/", "archive/", "quarantine/"
DELIVERED, HELD, FAILED = "delivered/", "held/", "failed/"
BLOCK = 8 << 20
# Of every client of an S3: an operator waits for a sentence, not for a quarter of an hour.
S3_PATIENCE = {"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 2, "mode": "standard"}}
_BUCKETS = "s3://"
_MOST_TOLD = 300
_SPARE = 1 << 30


class ChangedError(StorageError):
    """The object is not there any more, or another one lies under its key; whoever looks again will see."""


class Place(Protocol):
    """What a bucket and a folder do each in their own way. Keys are below the root."""

    def listed(self, prefix: str) -> list[Listed]:
        """Every object below `prefix`, folders' markers among them."""
        ...

    def open(self, one: Listed) -> IO[bytes]:
        """The bytes of exactly this version; ChangedError where it is gone."""
        ...

    def copy(self, one: Listed, key: str, local: Path | None) -> None:
        """Makes a copy of exactly this version under `key`; `local` holds the same bytes, where they are here."""
        ...

    def remove(self, one: Listed) -> bool:
        """Removes exactly this version; False where it is gone or another one by now."""
        ...

    def put(self, local: Path, key: str) -> None:
        """Uploads a file; it appears when it is whole."""
        ...

    def write(self, key: str, content: bytes) -> None:
        """Writes a small object; it appears when it is whole."""
        ...

    def delete(self, key: str) -> None:
        """Removes what lies under `key`, if anything does."""
        ...

    def sweep(self, prefixes: Sequence[str]) -> int:
        """Drops what uploads that were interrupted left below `prefixes`; returns how many."""
        ...


class Storage(dg.ConfigurableResource):
    """The storage at `url` ("": there is none), of an S3 at `endpoint` where it is not Amazon's.

    `most_bytes` is how much of what was dropped may lie in `fetched`.
    """

    url: str = ""
    endpoint: str | None = None
    region: str | None = None
    fetched: str
    most_bytes: int
    _made: Any = PrivateAttr(default=None)

    @property
    def there(self) -> bool:
        """Whether there is one."""
        return bool(self.url)

    @property
    def grows(self) -> bool:
        """Whether what others put there can be seen before it is whole."""
        return not self.url.startswith(_BUCKETS)

    @property
    def address(self) -> str:
        """Tells one storage from another."""
        return f"{self.endpoint} {self.url}" if self.endpoint else self.url

    def look(self) -> None:
        """A StorageError where the storage cannot be reached; costs one small request, since nothing has this name."""
        self.listed(f"{ARCHIVE}{'0' * 64}")

    def listed(self, prefix: str) -> list[Listed]:
        """Every object below `prefix`; a StorageError where the storage cannot be reached."""
        with reached(f"Listing {prefix} of {self.url}"):
            return self._place().listed(prefix)

    def fetch(self, one: Listed, target: Path) -> str:
        """Downloads exactly this version and returns its sha256; a ChangedError where it is not there any more."""
        doing = f"Fetching {one.key} from {self.url}"
        self.refuse_size(doing, one.size, target.parent)
        told = hashlib.sha256()
        size = 0
        with guarded(doing), target.open("wb") as file, reached(doing), self._place().open(one) as source:
            while block := source.read(BLOCK):
                told.update(block)
                with guarded(doing):
                    size += file.write(block)
        if size != one.size:
            raise ChangedError(f"{doing}: {size} of {one.size} bytes came; it is tried again.")
        return told.hexdigest()

    def refuse_size(self, doing: str, size: int, folder: Path) -> None:
        """A StorageError where a file of `size` bytes has no room in `folder`."""
        free = shutil.disk_usage(folder).free
        if size > min(self.most_bytes, free - _SPARE):
            raise StorageError(
                f"{doing}: it has {size >> 20} MiB, and there is no room for it here "
                f"({free >> 20} MiB free, at most {self.most_bytes >> 20} MiB of uploads); make room, or allow more."
            )

    def read(self, one: Listed, most: int) -> bytes:
        """A small object; a StorageError where it has more than `most` bytes."""
        doing = f"Reading {one.key} from {self.url}"
        if one.size > most:
            raise StorageError(f"{doing}: it has {one.size} bytes, which is more than {most}; make it smaller.")
        with reached(doing), self._place().open(one) as source:
            return source.read(most)

    def keep(self, one: Listed, key: str, local: Path | None = None) -> None:
        """Keeps a copy of exactly this version under `key`, whatever lies there: nothing tells that it is the same.

        `local` holds the same bytes: where the object has changed meanwhile, they are kept all the same.
        """
        with reached(f"Copying {one.key} to {key} of {self.url}"):
            self._place().copy(one, key, local)

    def remove(self, one: Listed) -> bool:
        """Removes exactly this version; False where it is gone or another one by now."""
        with reached(f"Removing {one.key} from {self.url}"):
            return self._place().remove(one)

    def put(self, local: Path, key: str) -> None:
        """Uploads a file in parts; it appears when it is whole."""
        with reached(f"Uploading {local.name} to {key} of {self.url}"):
            self._place().put(local, key)

    def write(self, key: str, content: bytes) -> None:
        """Writes a small object."""
        with reached(f"Writing {key} of {self.url}"):
            self._place().write(key, content)

    def delete(self, key: str) -> None:
        """Removes what lies under `key`, if anything does."""
        with reached(f"Removing {key} from {self.url}"):
            self._place().delete(key)

    def sweep(self, prefixes: Sequence[str]) -> int:
        """Drops what interrupted uploads left below `prefixes`; only while nothing else uploads there."""
        with reached(f"Looking for unfinished uploads in {self.url}"):
            return self._place().sweep(prefixes)

    def _place(self) -> Place:
        if self._made is None:
            self._made = self._opened()
        return self._made

    def _opened(self) -> Place:
        if not self.grows:
            # Not at the top: dagster-aws takes a second to import, and most processes never reach the storage.
            from octavia_dag.resources.storage_s3 import Bucket

            return Bucket(self.url.removeprefix(_BUCKETS), self.endpoint, self.region)
        from octavia_dag.resources.storage_folder import Folder

        return Folder(Path(self.url.removeprefix("file://")))


@contextmanager
def reached(doing: str) -> Generator[None]:
    """Turns whatever the storage or the way to it refuses into a StorageError that begins with `doing`."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise StorageError(f"{doing}: the storage answered {code}; check its address and rights.") from error
    # Some redirects lead botocore back to itself.
    except (OSError, BotoCoreError, RecursionError) as error:
        told = " ".join(str(getattr(error, "strerror", None) or error).split())[:_MOST_TOLD]
        raise StorageError(f"{doing} is not possible now ({told}); it is tried again.", passing=True) from error
