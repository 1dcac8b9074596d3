"""Source in, two stems out, in whole 16-bit numbers: vocals are what the background leaves of the source.

Subtracting integers makes vocals + background equal the source sample by sample, which no float path promises. The
background is held where the difference would leave 16 bits. Source blocks wait for as long as the separator looks
ahead, on disk where that is long, so memory does not grow with the length.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from octavia_dag.errors import EngineError
from octavia_dag.resources.engines import Samples, Separator
from octavia_dag.resources.sound import flac_writer
from octavia_dag.resources.spool import Backlog

_FULL = 32768  # 16-bit full scale
_WHOLE = np.iinfo(np.int16)
_HELD_FRAMES = 1 << 21  # 44 s at 48 kHz

Whole = NDArray[np.int16]


def split(
    blocks: Iterable[Samples],
    separator: Separator,
    rate: int,
    *,
    vocals: Path,
    background: Path,
    report: Callable[[int], None] = lambda frames: None,
) -> int:
    """Writes the two stems of a sound given in blocks (frames, channels) as FLAC; returns how many frames they have.

    `report` hears how many frames are done. A separator that returns fewer or more frames is an EngineError, a full
    disk a StorageError; then neither file is there.
    """
    with _both_or_neither(vocals, background):
        return _split(separator.background, blocks, rate, (vocals, background), report)


def _split(
    background: Callable[[Iterable[Samples], int], Iterator[Samples]],
    blocks: Iterable[Samples],
    rate: int,
    paths: tuple[Path, Path],
    report: Callable[[int], None],
) -> int:
    frames = 0
    writers: list[Callable[[Whole], None]] = []
    with Backlog(_HELD_FRAMES) as pending, ExitStack() as files:
        for block in background(_queued(blocks, pending), rate):
            if not writers:  # the first block tells the channels
                writers = [files.enter_context(flac_writer(path, rate, block.shape[1])) for path in paths]
            source = _take(pending, len(block))
            low = np.maximum(_WHOLE.min, source.astype(np.int32) - _WHOLE.max)
            high = np.minimum(_WHOLE.max, source.astype(np.int32) - _WHOLE.min)
            bed = np.clip(np.rint(block * _FULL).astype(np.int32), low, high)
            for write, stem in zip(writers, (source - bed, bed), strict=True):
                write(stem.astype(np.int16))
            frames += len(block)
            report(frames)
        if len(pending):
            raise EngineError(
                "Separating: the separator returned fewer frames than it was given; choose another separator."
            )
    return frames


@contextmanager
def _both_or_neither(*paths: Path) -> Generator[None]:
    """A stem alone is nothing: where one cannot be finished, the other goes too."""
    finished = False
    try:
        yield
        finished = True
    finally:
        if not finished:
            for path in paths:
                path.unlink(missing_ok=True)


def _queued(blocks: Iterable[Samples], pending: Backlog) -> Iterator[Samples]:
    for block in blocks:
        whole = np.clip(np.rint(block * _FULL), _WHOLE.min, _WHOLE.max).astype(np.int16)
        pending.push(whole)
        yield block


def _take(pending: Backlog, frames: int) -> Whole:
    if frames > len(pending):
        raise EngineError("Separating: the separator returned more frames than it was given; choose another separator.")
    return pending.pop(frames)
