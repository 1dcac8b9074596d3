"""Folders that are to be written to are tried before the work, so that an hour of it is not lost to a typing error.

Trying means making the folder, writing to it and removing again what was made: a command that is refused for another
reason leaves nothing behind.
"""

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from octavia_dag.environment import Environment
from octavia_dag.errors import InputError, StorageError

_PROBE_BYTES = 4096
_TRIES = 3


def refuse_unusable(folder: Path, what: str, remedy: str) -> None:
    """An InputError where `folder` cannot be made or written to, a StorageError where its disk is full.

    The sentences begin with `what` and end with `remedy`.
    """
    for attempt in range(_TRIES):
        try:
            _try(folder)
            return
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageError(
                    f"{what} {folder} cannot be used: the disk is full; free some space, or {remedy}."
                ) from error
            # A command beside this one may have tried the same folder and removed it again.
            if error.errno != errno.ENOENT or attempt == _TRIES - 1:
                raise InputError(f"{what} {folder} cannot be used ({error.strerror}); {remedy}.") from error


def refuse_home(environment: Environment) -> None:
    """Refuses a home that cannot be used."""
    refuse_unusable(environment.home, "The home", "choose another --home")


def _try(folder: Path) -> None:
    made: list[Path] = []
    try:
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        for one in reversed(missing):
            one.mkdir(exist_ok=True)
            made.append(one)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    finally:
        for one in reversed(made):
            with suppress(OSError):  # somebody has put something into it meanwhile
                one.rmdir()
