"""Files by address: a path, file:// and s3:// are one way of reading, and this is the only place that knows it.

What is not there is told apart from what cannot be reached, which is a StorageError everywhere: a bucket that is away
is never taken for an empty one. Credentials and endpoint are those of the storage: both leave them to the libraries.
"""

import errno
import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from octavia_dag.errors import InputError, StorageError
from octavia_dag.resources.storage import BLOCK, S3_PATIENCE

SCHEMES = ("file", "s3")
_OF_S3 = {"config_kwargs": S3_PATIENCE, "use_listings_cache": False}
_MISSING = "{} is not there; correct the address, or put the file there."


class AwayError(StorageError):
    """The storage itself cannot be reached, whatever is asked of it."""


def refuse_uri(uri: str, root: str) -> None:
    """An InputError for an address of another kind than those, and for one that leads out of `root`.

    Files of this machine can be named in full only where the root itself is one of its folders: into a bucket others
    may write who have no business with them.
    """
    scheme = uri.partition("://")[0] if "://" in uri else ""
    if scheme and scheme not in SCHEMES:
        raise InputError(f"a file cannot be read from {scheme}://; give a path, file:// or s3://.")
    if (scheme == "file" or uri.startswith("/")) and not local(joined("", root)):
        raise InputError(f"a file of this machine cannot be named in {root}; put it there, or give s3://.")
    path = unquote(uri) if scheme == "file" else uri
    if ".." in path.split("/"):
        raise InputError("a path may not hold '..'; name the file where it lies.")
    if "\0" in path or (scheme == "s3" and not all(uri.removeprefix("s3://").partition("/")[::2])):
        raise InputError("it is no address of a file; write it like s3://bucket/name.mp4.")


def joined(root: str, uri: str) -> str:
    """`uri` in full: below `root` where it is neither absolute nor an address. Local files become plain paths."""
    if uri.startswith("file://"):
        return unquote(urlsplit(uri).path)
    if "://" in uri or uri.startswith("/"):
        return uri
    base = joined("", root) if root.startswith("file://") else root
    return f"{base.rstrip('/')}/{uri}"


def place_of(address: str) -> str:
    """The bucket that an address lies in, "" on this machine."""
    return "" if local(address) else "/".join(address.split("/")[:3])


def local(address: str) -> bool:
    """Whether it is a file of this machine."""
    return "://" not in address


def exists(address: str) -> bool:
    """Whether there is a file."""
    try:
        with _reached(address) as (system, path):
            system.info(path)
    except FileNotFoundError:
        return False
    return True


def stamp(address: str) -> str:
    """What changes when the file does: its size, and its ETag or time of change; an InputError where it is missing."""
    told = _told(address)
    return f"{told['size']} {told.get('ETag') or told.get('mtime')}"


def read_bytes(address: str) -> bytes:
    """All of a small file."""
    with _reached(address) as (system, path):
        return system.cat_file(path)


def size(address: str) -> int:
    """Bytes of a file; an InputError where it is missing."""
    return int(_told(address)["size"])


def fetch(address: str, target: Path) -> str:
    """Downloads a file in blocks to `target`, and returns its sha256; an InputError where it is missing."""
    told = hashlib.sha256()
    try:
        with _reached(address) as (system, path), system.open(path, "rb") as far, target.open("wb") as near:
            while block := far.read(BLOCK):
                told.update(block)
                near.write(block)
    except FileNotFoundError as error:
        raise InputError(_MISSING.format(address)) from error
    return told.hexdigest()


def _told(address: str) -> dict[str, Any]:
    try:
        with _reached(address) as (system, path):
            told = system.info(path)
    except FileNotFoundError as error:
        raise InputError(_MISSING.format(address)) from error
    if told["type"] != "file":  # a pipe would be waited for
        raise InputError(f"{address} is no file; name one.")
    return told


@contextmanager
def _reached(address: str) -> Generator[tuple[Any, str]]:
    """The file system and the path in it; what goes wrong besides a missing file is a StorageError."""
    import fsspec
    from botocore.exceptions import BotoCoreError, ParamValidationError

    kind, options = ("file", {}) if local(address) else ("s3", _OF_S3)
    try:
        yield fsspec.filesystem(kind, **options), address.removeprefix("s3://")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(address) from error
    except (ValueError, ParamValidationError) as error:
        raise InputError(f"{address} is no address of a file; correct it.") from error
    except (OSError, BotoCoreError, RecursionError) as error:
        number = getattr(error, "errno", None)
        if number in (errno.ENOSPC, errno.EDQUOT):
            raise  # of the disk that a copy is written to
        if number == errno.ENAMETOOLONG:
            raise FileNotFoundError(address) from error
        kind_of = AwayError if isinstance(error, BotoCoreError) else StorageError
        raise kind_of(
            f"{address} cannot be reached ({type(error).__name__}); check the storage and its credentials."
        ) from error
