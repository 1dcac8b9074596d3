"""A folder as a storage. Inode, size and time of change stand in for an ETag: a file that is written again, or put in
the place of another, has other ones.

What is to be removed is first taken aside into a hidden folder, looked at, and put back where it is another version: a
file that arrives in between is never lost, nor what somebody still writes into a file that he has open, as far as
/proc tells. The root and its incoming/ must be there: a disk that is not mounted is not an empty folder. Plain files
are objects and nothing else is: a link could name a file that is nobody's business, a pipe would be waited for.
"""

import glob
import os
import secrets
import shutil
import stat
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

from fsspec.implementations.local import LocalFileSystem

from octavia_dag.dubbing.dropping import Listed
from octavia_dag.resources.storage import INCOMING, ChangedError

_PART = ".octavia-part"
_ASIDE = ".octavia-aside"


class Folder:
    """Objects are the files below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files = LocalFileSystem()

    def listed(self, prefix: str) -> list[Listed]:
        """Files below `prefix`; an OSError where the root, incoming/ or a folder cannot be read."""
        os.scandir(self._root / INCOMING).close()
        start = self._root / prefix
        if start.is_file():
            paths = [start]
        else:
            paths = [Path(folder) / name for folder, _, names in os.walk(start, onerror=_refused) for name in names]
        found: list[Listed] = []
        for path in paths:
            with suppress(FileNotFoundError):  # it went while we looked
                told = path.lstat()
                if stat.S_ISREG(told.st_mode):
                    key = path.relative_to(self._root).as_posix()
                    found.append(Listed(key, told.st_size, _etag(told), told.st_mtime))
        return found

    def open(self, one: Listed) -> IO[bytes]:
        """The file, where it is still this version and nobody writes into it."""
        path = self._root / one.key
        try:
            if _etag(path.lstat()) != one.etag:
                raise ChangedError(f"{one.key} has changed; it is looked at again.")
            opened = cast(IO[bytes], self._files.open(str(path), "rb"))
        except FileNotFoundError as error:
            raise ChangedError(f"{one.key} is gone; nothing is done.") from error
        if _etag(os.fstat(opened.fileno())) != one.etag or _is_written(path):
            opened.close()
            raise ChangedError(f"{one.key} has changed, or somebody still writes it; it is looked at again.")
        return opened

    def copy(self, one: Listed, key: str, local: Path | None) -> None:
        """From the local copy, which cannot change under our hands; without one, of the version that was looked at."""
        if local is not None:
            self.put(local, key)
            return
        with self.open(one) as source, self._beside(key) as part, part.open("wb") as file:
            shutil.copyfileobj(source, file)

    def remove(self, one: Listed) -> bool:
        """Takes it aside, and removes it where it is this version."""
        path = self._root / one.key
        try:
            if _etag(path.lstat()) != one.etag:
                return False
            aside = path.parent / f".{secrets.token_hex(8)}{_ASIDE}"
            aside.mkdir()
            path.rename(aside / path.name)
        except FileNotFoundError:
            return False
        ours = _etag((aside / path.name).lstat()) == one.etag and not _is_written(aside / path.name)
        if ours:
            (aside / path.name).unlink()
        _put_back(aside)
        return ours

    def put(self, local: Path, key: str) -> None:
        """Copies beside the target, then renames."""
        with self._beside(key) as part:
            self._files.put_file(str(local), str(part))

    def write(self, key: str, content: bytes) -> None:
        """Writes beside the target, then renames."""
        with self._beside(key) as part:
            self._files.pipe_file(str(part), content)

    def delete(self, key: str) -> None:
        """Removes a file and the folders that are empty then, up to the first level."""
        path = self._root / key
        with suppress(FileNotFoundError):
            self._files.rm_file(str(path))
        for folder in path.relative_to(self._root).parents:
            if len(folder.parts) > 1:
                with suppress(OSError):
                    (self._root / folder).rmdir()

    def sweep(self, prefixes: Sequence[str]) -> int:
        """Removes parts; what was taken aside by a process that was killed is put back."""
        below = (path for prefix in prefixes for path in (self._root / prefix).rglob(f".*{_PART}"))
        parts = [path for path in below if stat.S_ISREG(path.lstat().st_mode)]
        for path in parts:
            path.unlink(missing_ok=True)
        for aside in list((self._root / INCOMING).rglob(f".*{_ASIDE}")):
            if stat.S_ISDIR(aside.lstat().st_mode):
                _put_back(aside)
        return len(parts)

    @contextmanager
    def _beside(self, key: str) -> Generator[Path]:
        target = self._root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.parent / f".{secrets.token_hex(8)}{_PART}"
        try:
            yield part
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)


def _etag(told: os.stat_result) -> str:
    return f"{told.st_ino}-{told.st_size}-{told.st_mtime_ns}"


def _refused(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _put_back(aside: Path) -> None:
    """What lies in there goes to where it came from, unless a newer one lies there: then that one counts.

    A folder of this name in which there is anything but files is none of ours, and stays.
    """
    for path in list(aside.iterdir()):
        if stat.S_ISREG(path.lstat().st_mode):
            with suppress(FileExistsError):
                os.link(path, aside.parent / path.name)
            path.unlink()
    with suppress(OSError):
        aside.rmdir()


def _is_written(path: Path) -> bool:
    """Whether a process has the file open for writing: one of this machine, and of this user unless that is root.

    Of others, and where there is no /proc, nobody can tell. A lease would: network file systems refuse those always.
    """
    real = os.path.realpath(path)
    for opened in glob.iglob("/proc/[0-9]*/fd/*"):
        with suppress(OSError):  # it was closed meanwhile, or is another user's
            if os.readlink(opened) == real and _may_write(opened):
                return True
    return False


def _may_write(opened: str) -> bool:
    told = Path(opened.replace("/fd/", "/fdinfo/")).read_text()
    (flags,) = [line.split()[1] for line in told.splitlines() if line.startswith("flags:")]
    return int(flags, 8) & os.O_ACCMODE != os.O_RDONLY
