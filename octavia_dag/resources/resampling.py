"""Sound at another rate, block by block, in time with the source."""

from collections.abc import Iterable, Iterator

import numpy as np

from octavia_dag.resources.engines import Samples
from octavia_dag.resources.stopwatch import busy


def resampled(blocks: Iterable[Samples], rate: int, wanted: int, worker: str) -> Iterator[Samples]:
    """The same sound at another rate; the library answers in time, its own delay taken off.

    The time it takes counts as work of `worker`. Together the blocks may be a few frames shorter or longer than the
    ratio of the rates says.
    """
    if rate == wanted:
        yield from blocks
        return
    import soxr

    stream: soxr.ResampleStream | None = None
    channels = 0
    for block in blocks:
        channels = block.shape[1]
        stream = stream or soxr.ResampleStream(rate, wanted, channels)
        with busy("engine", worker):
            ready = stream.resample_chunk(np.ascontiguousarray(block))
        yield ready
    if stream is not None:
        yield stream.resample_chunk(np.zeros((0, channels), np.float32), last=True)
