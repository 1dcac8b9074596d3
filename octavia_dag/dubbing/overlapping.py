"""Windows of a network that hears a fixed length at once, and their results joined by triangular cross-fades.

The grid is the one on which Demucs' own library separates a whole file: a window begins every `stride` frames, and one
that reaches over the end hears what was there before instead, or, where there is too little, silence on both sides. So
a stream of windows gives what the whole file at once would. What is joined is handed on as soon as no later window can
change it. Shapes are (frames, channels).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Window:
    """It hears the frames `start` to `stop`, with silence before and after them where the sound has none, and answers
    for `kept` frames from `offset` on.
    """

    offset: int
    kept: int
    start: int
    stop: int
    before: int
    after: int

    def filled(self, heard: Samples) -> Samples:
        """The frames that exist, filled up to the length of a window."""
        return np.pad(heard, ((self.before, self.after), (0, 0)))

    def answered(self, result: Samples) -> Samples:
        """Of what the network made of it, the frames that the window answers for."""
        skipped = self.offset - self.start + self.before
        return result[skipped : skipped + self.kept]

    def own(self, heard: Samples) -> Samples:
        """Of the frames that exist, those that the window answers for."""
        return heard[self.offset - self.start :][: self.kept]


@dataclass(frozen=True)
class Grid:
    """Windows of `length` frames every `stride` frames over a sound of `frames` frames."""

    length: int
    stride: int
    frames: int

    def windows(self) -> Iterator[Window]:
        """Every window, in order."""
        for offset in range(0, self.frames, self.stride):
            kept = min(self.length, self.frames - offset)
            first = offset - (self.length - kept) // 2
            last = first + self.length
            start, stop = max(0, first), min(self.frames, last)
            yield Window(offset, kept, start, stop, start - first, last - stop)

    def joined(self, answers: Iterable[Samples]) -> Iterator[Samples]:
        """The sound that the answers of all windows make together, `stride` frames at a time."""
        half = self.length // 2
        weight = np.concatenate([np.arange(1, half + 1), np.arange(self.length - half, 0, -1)]).astype(np.float32)
        weight = (weight / weight.max())[:, np.newaxis]
        sound, share = np.zeros((0, 1), np.float32), np.zeros((0, 1), np.float32)
        for answer in answers:
            fading = weight[: len(answer)]
            sound, share = _added(sound, fading * answer), _added(share, fading)
            yield sound[: self.stride] / share[: self.stride]
            sound, share = sound[self.stride :], share[self.stride :]


def _added(tail: Samples, more: Samples) -> Samples:
    """`more`, and on its first frames what earlier windows left there; the tail is never the longer of the two."""
    made = more.copy()
    made[: len(tail)] += tail
    return made
