"""Sound files: FLAC and WAV, in blocks, so that an hour needs no more memory than a minute.

A file appears under its name only when it is complete: it is written beside it and renamed. libsndfile hides the cause
of a failed write, and a failed last write altogether, so it writes through a file of ours that remembers the error.
"""

import errno
import os
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, cast

import ffmpeg
import numpy as np
import soundfile
from numpy.typing import NDArray

from octavia_dag.errors import StorageError
from octavia_dag.resources.engines import Samples
from octavia_dag.resources.media import Media, url

BLOCK_FRAMES = 1 << 16
_LOOK_FRAMES = 1 << 13
_FULL = {errno.ENOSPC, errno.EDQUOT}
QUIETEST_LUFS = -70.0  # the absolute gate of BS.1770: ffmpeg says this of silence


@dataclass(frozen=True)
class SoundInfo:
    """Rate in Hz, channels and frames of a sound file."""

    rate: int
    channels: int
    frames: int

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.frames / self.rate


def info(path: Path) -> SoundInfo:
    """What a sound file's header says; a StorageError where it is none."""
    with _opened(path) as file:
        return SoundInfo(file.samplerate, file.channels, file.frames)


def write_flac(path: Path, blocks: Iterable[Samples], rate: int, channels: int, bits: int = 16) -> int:
    """Writes blocks of shape (frames, channels), or (frames,) for mono, and returns the frames written.

    Samples beyond full scale are clipped. `bits` is 16 or 24. A StorageError where the disk is full, and where
    there is nothing to write.
    """
    written = 0
    with flac_writer(path, rate, channels, bits) as write:
        for block in blocks:
            write(block)
            written += len(block)
    return written


@contextmanager
def flac_writer(
    path: Path, rate: int, channels: int, bits: int = 16
) -> Generator[Callable[[Samples | NDArray[np.int16]], None]]:
    """A function that writes one block; the file is there, whole, when the `with` block ends without an error.

    Whole numbers of 16 bits are kept as they are; for the rest see `write_flac`.
    """
    written = 0
    with _landing(path) as sink:
        out = cast(BinaryIO, sink)  # it has the methods that libsndfile calls
        try:
            with soundfile.SoundFile(out, "w", rate, channels, subtype=f"PCM_{bits}", format="FLAC") as file:

                def write(block: Samples | NDArray[np.int16]) -> None:
                    nonlocal written
                    file.write(block)
                    written += len(block)

                yield write
        except (soundfile.LibsndfileError, AssertionError) as error:
            if sink.failure is None:
                raise
            raise sink.failure from error
        if sink.failure:
            raise sink.failure
        if not written:  # libsndfile writes nothing at all then, not even a header
            raise StorageError(f"Writing {path.name}: there is no sound to write; look at the step that made it.")
        sink.seek(0)
        with soundfile.SoundFile(out) as file:
            if file.frames != written:
                there = f"{file.frames} of {written} frames"
                raise StorageError(f"Writing {path.name}: {there} are there; check the disk and run it again.")


def read_blocks(
    path: Path, frames: int = BLOCK_FRAMES, *, start: int = 0, stop: int | None = None
) -> Iterator[Samples]:
    """The frames `start` to `stop` of a sound file as float32 blocks of shape (up to `frames`, channels)."""
    with _opened(path) as file:
        file.seek(min(start, file.frames))
        left = min(file.frames if stop is None else stop, file.frames) - start
        while left > 0:
            block = file.read(min(frames, left), dtype="float32", always_2d=True)
            if not len(block):
                raise StorageError(f"Reading {path.name}: it ends before its header says; make it again.")
            left -= len(block)
            yield cast(Samples, block)


def extremes(path: Path, columns: int) -> tuple[Samples, Samples]:
    """Lowest and highest sample of a sound file in each of `columns` equal stretches, fewer where it is that short."""
    looks = [(float(one.min(initial=0.0)), float(one.max(initial=0.0))) for one in glimpses(path, columns)]
    low, high = np.asarray(looks, np.float32).T
    return low, high


def glimpses(path: Path, columns: int, least: int = 1) -> Iterator[Samples]:
    """The beginning of each of `columns` equal stretches, fewer where it is that short, of shape (frames, channels).

    Of a long stretch only the first frames are looked at, so that an hour is drawn in about a second; of a short one
    `least` frames, which reach into the next.
    """
    with _opened(path) as file:
        edges = np.linspace(0, file.frames, max(1, min(columns, file.frames)) + 1).astype(int)
        for start, stop in pairwise(edges.tolist()):
            if file.tell() != start:
                file.seek(start)
            frames = max(least, min(_LOOK_FRAMES, stop - start))
            yield cast(Samples, file.read(frames, dtype="float32", always_2d=True))


def read_mono(path: Path, rate_hz: int, *, start_s: float = 0.0, seconds: float | None = None) -> Samples:
    """A stretch of a sound file as mono (the mean of its channels) at `rate_hz`, float32 of shape (frames,).

    Resampled as it is read; only the result is held whole. A stretch that begins behind the end is empty.
    """
    import soxr

    told = info(path)
    start = round(start_s * told.rate)
    stop = told.frames if seconds is None else min(told.frames, start + round(seconds * told.rate))
    blocks = (block.mean(axis=1, dtype=np.float32) for block in read_blocks(path, start=start, stop=stop))
    stream = soxr.ResampleStream(told.rate, rate_hz, 1, dtype="float32")
    mono = np.zeros(round(max(0, stop - start) * rate_hz / told.rate), np.float32)
    done = 0
    for piece in (stream.resample_chunk(block, last) for block, last in _marked(blocks)):
        mono[done : done + len(piece)] = piece[: len(mono) - done]
        done += len(piece)
    return mono


def programme_loudness(media: Media, path: Path, track: int, *, peak: bool = True) -> tuple[float | None, float | None]:
    """Integrated loudness in LUFS and true peak in dBTP of audio track `track`, by ffmpeg's ebur128 (BS.1770-4).

    None for either where the track is silent, and for the peak where it is not asked for: it costs the most.
    """
    # framelog=verbose keeps a line per 100 ms out of the log, whose summary is what is read here.
    options = {"peak": "true"} if peak else {}
    sound = ffmpeg.input(url(path))[f"a:{track}"].filter("ebur128", framelog="verbose", **options)
    log = media.run(ffmpeg.output(sound, "pipe:", format="null"), f"Measuring the loudness of {path.name}")
    summary = log[log.rindex("Summary:") :]
    loudness = _figure(r"I:\s+(\S+) LUFS", summary)
    highest = _figure(r"Peak:\s+(\S+) dBFS", summary)
    return loudness if loudness > QUIETEST_LUFS else None, highest if np.isfinite(highest) else None


def _marked(blocks: Iterable[Samples]) -> Iterator[tuple[Samples, bool]]:
    """The blocks, then an empty one that is marked as the last."""
    yield from ((block, False) for block in blocks)
    yield np.zeros(0, np.float32), True


def _figure(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    return float(found.group(1)) if found else -np.inf


class _Sink:
    """An unbuffered file for libsndfile to write to; `failure` is the first error that it met."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self.failure: OSError | None = None
        self.seek, self.tell, self.read = file.seek, file.tell, file.read

    def write(self, data: bytes) -> int:
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            self.failure = self.failure or error
        return len(data) - len(left)


@contextmanager
def _landing(path: Path) -> Generator[_Sink]:
    """A file beside `path` that takes its name when all went well and goes when not."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "w+b", buffering=0) as file:
            yield _Sink(file)
        part.replace(path)
    except OSError as error:
        if error.errno in _FULL:
            raise StorageError(f"Writing {path.name}: the disk is full; free some space and run it again.") from error
        raise StorageError(f"Writing {path} failed ({error.strerror}); check the folder and run it again.") from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path) -> Generator[soundfile.SoundFile]:
    try:
        with soundfile.SoundFile(path) as file:
            yield file
    except soundfile.LibsndfileError as error:
        raise StorageError(f"Reading {path.name} failed ({error}); it is missing or damaged, make it again.") from error
