"""Disks that do not keep what they are given, for every test of what writes sound."""

import errno
from collections.abc import Generator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from unittest.mock import patch


@contextmanager
def full_after(room: int) -> Generator[None]:
    """Inside, all files together take `room` bytes, and then the disk is full."""
    left = room

    class Small(FileIO):
        def write(self, data: memoryview, /) -> int:  # type: ignore[override]
            nonlocal left
            if len(data) > left:
                raise OSError(errno.ENOSPC, "No space left on device")
            left -= len(data)
            return super().write(data)

    with _opening(Small):
        yield


@contextmanager
def forgetting_heads() -> Generator[None]:
    """Inside, what is written anew at the beginning of a file is lost, and nothing is said."""

    class Forgetting(FileIO):
        def write(self, data: memoryview, /) -> int:  # type: ignore[override]
            if self.tell() < 64 < Path(str(self.name)).stat().st_size:
                self.seek(len(data), 1)
                return len(data)
            return super().write(data)

    with _opening(Forgetting):
        yield


@contextmanager
def _opening(kind: type[FileIO]) -> Generator[None]:
    def opened(path: Path, mode: str, buffering: int) -> FileIO:
        assert (mode, buffering) == ("w+b", 0)
        return kind(path, "w+")

    with patch("octavia_dag.resources.sound.open", opened, create=True):
        yield
