"""Sound that waits on disk: what must be looked at twice, or longer than memory would hold it, goes into a file.

The file has no name, so it is gone when it is closed, when the reader stops early, and when the process is killed. It
lies where the system keeps temporary files, which TMPDIR decides; there it must find room, and not in memory.
"""

import tempfile
from collections import deque
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


class Backlog(AbstractContextManager["Backlog"]):
    """Frames that wait their turn, first in, first out: up to `held` of them in memory, the rest on disk."""

    def __init__(self, held: int) -> None:
        self._held = held
        self._near = deque[Block]()
        self._near_frames = 0
        self._far: Spool | None = None
        self._taken = 0  # of the frames on disk

    def __exit__(self, *_: object) -> None:
        if self._far is not None:
            self._far.close()

    def __len__(self) -> int:
        return self._near_frames + (self._far.frames - self._taken if self._far else 0)

    def push(self, block: Block) -> None:
        """Appends a block of shape (frames, channels)."""
        if self._far is None and self._near_frames + len(block) > self._held:
            self._far, self._taken = Spool(block.shape[1], block.dtype), 0
        if self._far is not None:
            self._far.append(block)
        else:
            self._near.append(block)
            self._near_frames += len(block)

    def pop(self, frames: int) -> Block:
        """The oldest `frames` frames, fewer where there are fewer."""
        found: list[Block] = []
        missing = frames
        while missing and self._near:
            block = self._near.popleft()
            if len(block) > missing:
                self._near.appendleft(block[missing:])
            found.append(block[:missing])
            missing -= len(found[-1])
        self._near_frames -= frames - missing
        if missing and self._far is not None:
            found.append(self._far.read(self._taken, self._taken + missing))
            self._taken += len(found[-1])
            if self._taken == self._far.frames:
                self._far.close()
                self._far = None
        return np.concatenate(found)


def _room() -> AbstractContextManager[None]:
    return guarded(
        f"Keeping sound in {tempfile.gettempdir()} while it is worked on", "name a folder that can be written in TMPDIR"
    )
