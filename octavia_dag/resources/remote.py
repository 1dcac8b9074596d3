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


def refuse_scheme(uri: str) -> None:
    """An InputError for an address of another kind than those."""
    scheme = uri.partition("://")[0] if "://" in uri else "file"
    if scheme not in SCHEMES:
        raise InputError(f"a file cannot be read from {scheme}://; give a path, file:// or s3://.")


def joined(root: str, uri: str) -> str:
    """`uri` in full: below `root` where it is neither absolute nor an address. Local files become plain paths."""
    if uri.startswith("file://"):
        return unquote(urlsplit(uri).path)
    if "://" in uri or uri.startswith("/"):
        return uri
    base = joined("", root) if root.startswith("file://") else root
    return f"{base.rstrip('/')}/{uri}"


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
            return system.info(path)
    except FileNotFoundError as error:
        raise InputError(_MISSING.format(address)) from error


@contextmanager
def _reached(address: str) -> Generator[tuple[Any, str]]:
    """The file system and the path in it; what goes wrong besides a missing file is a StorageError."""
    import fsspec
    from botocore.exceptions import BotoCoreError

    try:
        system, path = fsspec.core.url_to_fs(address, **(_OF_S3 if address.startswith("s3://") else {}))
        yield system, str(path)
    except FileNotFoundError:
        raise
    except (OSError, BotoCoreError) as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise  # of the disk that a copy is written to
        raise StorageError(
            f"{address} cannot be reached ({type(error).__name__}); check the storage and its credentials."
        ) from error
