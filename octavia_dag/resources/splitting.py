"""Source in, two stems out, in whole 16-bit numbers: vocals are what the background leaves of the source.

Subtracting integers makes vocals + background equal the source sample by sample, which no float path promises. The
background is held where the difference would leave 16 bits. Source blocks wait in a queue for as long as the
separator looks ahead, so memory does not grow with the length.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from octavia_dag.errors import EngineError, StorageError
from octavia_dag.resources.engines import Samples, Separator

_FULL = 32768  # 16-bit full scale
_WHOLE = np.iinfo(np.int16)

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

    `report` hears how many frames are done. A separator that returns fewer or more frames is an EngineError.
    """
    pending: deque[Whole] = deque()
    frames = 0
    writer = _Pair(vocals, background, rate)
    try:
        for block in separator.background(_queued(blocks, pending), rate):
            source = _take(pending, len(block))
            low = np.maximum(_WHOLE.min, source.astype(np.int32) - _WHOLE.max)
            high = np.minimum(_WHOLE.max, source.astype(np.int32) - _WHOLE.min)
            bed = np.clip(np.rint(block * _FULL).astype(np.int32), low, high)
            writer.write((source - bed).astype(np.int16), bed.astype(np.int16))
            frames += len(block)
            report(frames)
    finally:
        writer.close()
    if pending:
        raise EngineError(
            "Separating: the separator returned fewer frames than it was given; choose another separator."
        )
    return frames


class _Pair:
    """The two files, opened at the first block (which tells the channels)."""

    def __init__(self, vocals: Path, background: Path, rate: int) -> None:
        self._paths, self._rate = (vocals, background), rate
        self._files: list[object] = []

    def write(self, vocals: Whole, background: Whole) -> None:
        import soundfile

        try:
            if not self._files:
                channels = vocals.shape[1]
                self._files = [soundfile.SoundFile(path, "w", self._rate, channels, "PCM_16") for path in self._paths]
            for file, block in zip(self._files, (vocals, background), strict=True):
                assert isinstance(file, soundfile.SoundFile)
                file.write(block)
        except (soundfile.LibsndfileError, OSError) as error:
            raise StorageError(f"Writing the stems failed ({error}); free some space and run it again.") from error

    def close(self) -> None:
        for file in self._files:
            getattr(file, "close")()  # noqa: B009


def _queued(blocks: Iterable[Samples], pending: deque[Whole]) -> Iterator[Samples]:
    for block in blocks:
        whole = np.clip(np.rint(block * _FULL), _WHOLE.min, _WHOLE.max).astype(np.int16)
        pending.append(whole)
        yield block


def _take(pending: deque[Whole], frames: int) -> Whole:
    taken: list[Whole] = []
    missing = frames
    while missing:
        if not pending:
            raise EngineError(
                "Separating: the separator returned more frames than it was given; choose another separator."
            )
        block = pending.popleft()
        if len(block) > missing:
            pending.appendleft(block[missing:])
            block = block[:missing]
        taken.append(block)
        missing -= len(block)
    return np.concatenate(taken)
