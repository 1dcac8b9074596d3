"""Sound that never fits into memory: blocks of any size in, blocks of a size of our own out.

Whatever is computed on the blocks of `equal_blocks` cannot depend on how the sound arrived. `with_context` gives a
block-wise computation the samples around its block, so that it needs no memory of earlier blocks and can run on every
channel at once. Shapes are (frames, channels).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


class Queue:
    """Samples waiting, first in, first out."""

    def __init__(self) -> None:
        self._blocks: deque[Samples] = deque()
        self._frames = 0

    def __len__(self) -> int:
        return self._frames

    def push(self, block: Samples) -> None:
        """Appends a block; an empty one changes nothing."""
        if len(block):
            self._blocks.append(block)
            self._frames += len(block)

    def peek(self, frames: int) -> Samples:
        """The oldest `frames` frames, which stay; a ValueError where there are fewer, or none at all."""
        if not 0 < frames <= self._frames:
            raise ValueError(f"{frames} frames were asked of a queue of {self._frames}.")
        found: list[Samples] = []
        missing = frames
        for block in self._blocks:
            found.append(block[:missing])
            missing -= len(found[-1])
            if not missing:
                break
        return found[0] if len(found) == 1 else np.concatenate(found)

    def pop(self, frames: int) -> Samples:
        """The oldest `frames` frames, which leave; a ValueError as in `peek`."""
        taken = self.peek(frames)
        self._frames -= frames
        while frames:
            head = self._blocks.popleft()
            if len(head) > frames:
                self._blocks.appendleft(head[frames:])
            frames -= min(frames, len(head))
        return taken


def equal_blocks(blocks: Iterable[Samples], frames: int) -> Iterator[Samples]:
    """The same sound in blocks of exactly `frames` frames, the last one shorter."""
    queue = Queue()
    for block in blocks:
        queue.push(block)
        while len(queue) >= frames:
            yield queue.pop(frames)
    if len(queue):
        yield queue.pop(len(queue))


def with_context(
    blocks: Iterable[Samples], compute: Callable[[Samples], Samples], *, frames: int, context: int, multiple: int
) -> Iterator[Samples]:
    """What `compute` makes of each `frames` frames given with `context` frames more on either side.

    Before the start and after the end there is silence. The last block is padded to a `multiple` of frames; together
    as many frames come out as went in.
    """
    queue = Queue()
    total = 0
    for block in blocks:
        if not total:
            queue.push(np.zeros((context, block.shape[1]), np.float32))
        total += len(block)
        queue.push(block)
        while len(queue) >= frames + 2 * context:
            yield compute(queue.peek(frames + 2 * context))
            queue.pop(frames)
    rest = len(queue) - context
    while rest > 0:
        size = min(frames, -(-rest // multiple) * multiple)
        tail = queue.peek(min(len(queue), size + 2 * context))
        padded = np.pad(tail, ((0, size + 2 * context - len(tail)), (0, 0)))
        yield compute(padded)[: min(size, rest)]
        queue.pop(min(size, rest))
        rest -= size
