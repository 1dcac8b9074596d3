"""The only file that starts ffmpeg and ffprobe.

ffmpeg-python builds the graph, one runner here starts it: in a process group of its own that is killed with the
run (a cancelled run must leave no child), with the tail of stderr in the error. Programs: the system's ffmpeg where
it is version 5 or later, else the static build that models.lock names.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, ParamSpec, TypeVar

import dagster as dg
import ffmpeg

from octavia_dag.errors import MediaError, ModelError, StorageError
from octavia_dag.resources import models
from octavia_dag.resources.stopwatch import busy

BLOCK_BYTES = 1 << 20
OLDEST_FFMPEG = 5
# The static build carries an old C library that crashes in the system's character converters (a transport stream's
# service name is enough to call them); with no folder of converters it goes without.
_NO_GCONV = ("env", f"GCONV_PATH={os.devnull}")
# Up to version 6 ffmpeg ends with 0 when the last write fails: an mp4 on a full disk has no index then.
_UNTOLD = re.compile(r"Error (writing trailer|closing file)")
_BROKEN_PIPE = "Broken pipe"
_TAIL_LINES = 6
_GRACE_S = 2.0
_LOOK_S = 0.05


_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}
P = ParamSpec("P")
T = TypeVar("T")


class Media(dg.ConfigurableResource):
    """ffmpeg and ffprobe. `models_dir` holds the static build that is used where the system has none.

    `threads` is how many of them may work side by side for one step; 0 takes one per core.
    """

    models_dir: str
    threads: int = 0

    def probe(self, path: Path, *arguments: str) -> dict[str, Any]:
        """ffprobe's JSON for `path`; `arguments` such as "-show_streams". A MediaError where it is no media file."""
        command = [program("ffprobe", self.models_dir), "-v", "error", "-of", "json", *arguments, url(path)]
        return json.loads(b"".join(_output(command, f"Probing {path.name}")))

    def probe_lines(self, path: Path, *arguments: str) -> Iterator[str]:
        """ffprobe's output for `path` line by line, as it comes; `arguments` say what is shown and how."""
        rest = b""
        command = [program("ffprobe", self.models_dir), "-v", "error", *arguments, url(path)]
        for block in _output(command, f"Reading the packets of {path.name}"):
            *lines, rest = (rest + block).split(b"\n")
            yield from (line.decode() for line in lines)
        if rest:
            yield rest.decode()

    def run(self, stream: Any, doing: str) -> str:
        """Runs an ffmpeg-python graph to its end and returns its stderr; `doing` begins the error's sentence."""
        with _started(self._command(stream), doing) as (process, log):
            _finish(process, log, doing)
            return _tail(log, None)

    def read(self, stream: Any, doing: str) -> Iterator[bytes]:
        """The bytes that a graph writes to 'pipe:', in blocks; ffmpeg is ended when the reader stops early."""
        return _output(self._command(stream), doing)

    def write(self, stream: Any, blocks: Iterable[bytes], doing: str) -> str:
        """Feeds `blocks` to a graph that reads 'pipe:' and returns its stderr."""
        with _started(self._command(stream), doing, feed=subprocess.PIPE) as (process, log):
            pipe = process.stdin
            assert pipe is not None
            try:
                for block in blocks:
                    pipe.write(block)
                pipe.close()
            except BrokenPipeError:
                pass  # ffmpeg ended first; its exit code and stderr say why
            _finish(process, log, doing)
            return _tail(log, None)

    def join(self, first: Any, second: Any, doing: str) -> None:
        """Runs two graphs at once: what the first one writes to 'pipe:' the second one reads there."""
        with _started(self._command(first), doing) as (made, made_log):
            assert made.stdout is not None
            with _started(self._command(second), doing, feed=made.stdout) as (heard, log):
                made.stdout.close()  # the second one has it; the first one is to notice when that ends
                heard.wait()
                made.wait()
                ends = [(made, made_log), (heard, log)]
                # Whoever failed first is who tells why: a reader that ended breaks the pipe.
                for process, said in reversed(ends) if _BROKEN_PIPE in _tail(made_log, None) else ends:
                    _finish(process, said, doing)

    def _command(self, stream: Any) -> list[str]:
        built = ffmpeg.compile(stream, cmd=program("ffmpeg", self.models_dir), overwrite_output=True)
        return [str(built[0]), "-nostdin", "-hide_banner", "-loglevel", "info", "-nostats", *map(str, built[1:])]


def url(path: Path) -> str:
    """`path` as ffmpeg must be given it: a name with a colon in it ("talk: part.mp4") would be taken for a protocol."""
    return f"file:{path}"


@cache
def program(name: str, models_dir: str) -> str:
    """Path of ffmpeg or ffprobe: the system's where new enough, else the model store's."""
    if found := system_program(name):
        return found
    try:
        return str(models.model_dir(models_dir, "ffmpeg") / name)
    except ModelError as error:
        raise ModelError(
            f"There is no {name} of version {OLDEST_FFMPEG} or later here; run 'octavia models pull' to get one."
        ) from error


def system_program(name: str) -> str | None:
    """Path of the system's own ffmpeg or ffprobe; None where there is none, or only one that is too old."""
    found = shutil.which(name)
    return found if found and _major(found) >= OLDEST_FFMPEG else None


def _major(path: str) -> int:
    text = subprocess.run([path, "-version"], capture_output=True, text=True, check=False).stdout
    # Distribution builds say "5.1.6-0+deb12u1", nightly ones "N-110000-g...": the latter are newer than any release.
    match = re.search(r"version n?(\d+)\.", text)
    return int(match.group(1)) if match else (99 if "version N-" in text else 0)


class SideBySide:
    """Graphs that run at the same time, each in a thread; where the work around them fails they are ended with it.

    Without that an interruption would wait for the longest of them.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._pool = ThreadPoolExecutor(workers)
        self._futures: list[Future[Any]] = []
        self._before = set(_CHILDREN)
        self._ended = threading.Event()

    def submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Begins `work` in a thread."""
        future = self._pool.submit(work, *args, **kwargs)
        self._futures.append(future)
        return future

    def go_on(self) -> None:
        """For whoever works long in a thread without a child: a CancelledError where the work around it failed."""
        if self._ended.is_set():
            raise CancelledError

    def __enter__(self) -> "SideBySide":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._ended.set()
        self._pool.shutdown(wait=kind is None, cancel_futures=kind is not None)
        # Not by `wait`, which waits for a future that was cancelled before it began.
        while kind is not None and not all(future.done() for future in self._futures):
            for pid in set(_CHILDREN) - self._before:
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGTERM)
            time.sleep(_LOOK_S)


@contextmanager
def _started(
    command: Sequence[str], doing: str, *, feed: int | IO[bytes] = subprocess.DEVNULL
) -> Generator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """A child in its own process group, with its stderr in a temporary file; killed with its group on any way out."""
    with tempfile.TemporaryFile() as log, busy("ffmpeg", doing):
        process = subprocess.Popen(
            [*_NO_GCONV, *command],
            stdin=feed,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        _CHILDREN[process.pid] = process
        try:
            yield process, log
        finally:
            _end(process)
            del _CHILDREN[process.pid]


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None and not pipe.closed:
            with suppress(BrokenPipeError):  # what was still buffered for a child that is gone
                pipe.close()
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, sign)
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            continue


def _output(command: Sequence[str], doing: str) -> Iterator[bytes]:
    with _started(command, doing) as (process, log):
        assert process.stdout is not None
        while block := process.stdout.read(BLOCK_BYTES):
            yield block
        _finish(process, log, doing)


def _finish(process: subprocess.Popen[bytes], log: IO[bytes], doing: str) -> None:
    if process.stdout is not None and process.stdin is None and not process.stdout.closed:
        process.stdout.read()
    code = process.wait()
    said = _tail(log, None)
    if code == 0 and not _UNTOLD.search(said):
        return
    tail = _tail(log, _TAIL_LINES)
    if "No space left on device" in said:
        raise StorageError(f"{doing}: the disk is full; free some space and run it again.")
    raise MediaError(f"{doing}: ffmpeg ended with code {code}. Its last words: {tail}")


def _tail(log: IO[bytes], lines: int | None) -> str:
    log.seek(0)
    text = log.read().decode("utf-8", "replace").strip()
    return text if lines is None else " | ".join(text.splitlines()[-lines:])
