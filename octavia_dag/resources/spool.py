"""Sound that waits on disk: what must be looked at twice, or longer than memory would hold it, goes into a file.

The file has no name, so it is gone when it is closed, when the reader stops early, and when the process is killed. It
lies where the system keeps temporary files, which TMPDIR decides; there it must find room, and not in memory.
"""

import tempfile
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from octavia_dag.resources.artifacts import guarded

Block = NDArray[Any]


class Spool(AbstractContextManager["Spool"]):
    """Frames of `channels` samples, written at the end and read anywhere."""

    def __init__(self, channels: int, kind: DTypeLike) -> None:
        self.channels = channels
        self.frames = 0
        self._kind = np.dtype(kind)
        with _room():
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the disk back; closing twice changes nothing."""
        self._file.close()

    def append(self, block: Block) -> None:
        """Writes a block of shape (frames, channels) behind what is there."""
        with _room():
            self._file.seek(0, 2)
            self._file.write(np.ascontiguousarray(block, self._kind).tobytes())
            self._file.flush()
        self.frames += len(block)

    def read(self, start: int, stop: int) -> Block:
        """The frames `start` to `stop`, fewer where there are fewer."""
        size = self.channels * self._kind.itemsize
        with _room():
            self._file.seek(start * size)
            content = self._file.read(max(0, min(stop, self.frames) - start) * size)
        return np.frombuffer(content, self._kind).reshape(-1, self.channels)


def _room() -> AbstractContextManager[None]:
    return guarded(
        f"Keeping sound in {tempfile.gettempdir()} while it is worked on", "name a folder that can be written in TMPDIR"
    )
