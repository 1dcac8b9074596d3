"""Languages side by side, each in a process of its own: threads of one process would share Dagster's signals, the
progress and the interpreter's lock, and one that crashes would take the others with it.

A process speaks on its share of the cores, so as many languages are at work as leave each two of them. None is left
behind: Ctrl-C and SIGTERM are noted here and not raised, so that no moment is too early or too late for them and a
second one does not cut the first one's short; and each process watches its standard input, which closes when this one
is gone, however it went. In sessions of their own the others do not hear the terminal's Ctrl-C a second time.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import IO, Any

import click

from octavia_dag import environment as surroundings
from octavia_dag.cli.running import Outcome
from octavia_dag.environment import Environment
from octavia_dag.errors import OctaviaError

Answer = Outcome | OctaviaError
_CORES_EACH = 2
_POLL_S = 0.1
# Longer than a step takes to end its ffmpeg and clear its work away.
_GRACE_S = 10.0
# The other process finds the same code as this one, and nothing that happens to lie where the command is given.
_START = "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); from octavia_dag.cli import main; main()"


def at_once(threads: int, languages: int) -> int:
    """How many of so many languages are dubbed at the same time on so many cores."""
    return max(1, min(languages, threads // _CORES_EACH))


def run_side_by_side(
    environment: Environment,
    video: str,
    desired: Mapping[str, str],
    *,
    begins: Callable[[str, int], None],
    ended: Callable[[str, Answer], None],
) -> None:
    """Runs dub_video of `video` into each language of `desired`, towards its desired state.

    `begins(language, cores)` is called before each and `ended(language, answer)` as soon as it has ended. An
    interruption ends all of them first and is raised then.
    """
    slots = at_once(environment.threads, len(desired))
    share = environment.threads // slots
    waiting, children = list(desired), list[_Child]()
    with ExitStack() as files, _noted() as signs:
        try:
            while (waiting or children) and not signs:
                while waiting and len(children) < slots:
                    tag = waiting.pop(0)
                    begins(tag, share)
                    out, err = (files.enter_context(tempfile.TemporaryFile()) for _ in range(2))
                    command = _command(environment, video, tag, desired[tag])
                    children.append(_Child(tag, _started(command, share, out, err), out, err))
                time.sleep(_POLL_S)
                for child in [one for one in children if one.process.poll() is not None]:
                    children.remove(child)
                    ended(child.tag, child.answer())
        finally:
            _end(children)
    if signs:
        raise KeyboardInterrupt


@dataclass(frozen=True)
class _Child:
    """One language at work. What it writes goes into files, so that it never waits for a reader."""

    tag: str
    process: subprocess.Popen[bytes]
    out: IO[bytes]
    err: IO[bytes]

    def answer(self) -> Answer:
        """What became of it, once it has ended: its last line, or an error where it has none."""
        self.close()
        try:
            said: dict[str, Any] = json.loads(_text(self.out).splitlines()[-1])
        except (IndexError, ValueError):
            click.echo(_text(self.err), err=True, nl=False)  # the traceback of a defect
            return OctaviaError(
                f"Dubbing into {self.tag} ended without an answer (exit code {self.process.returncode}); "
                "run the command again, it goes on from the last finished step."
            )
        if "error" not in said:
            return Outcome(**said)
        error = OctaviaError(said["error"])
        error.exit_code = said["exit_code"]
        return error

    def close(self) -> None:
        """Lets go of the pipe that it watched."""
        assert self.process.stdin is not None
        self.process.stdin.close()


def _command(environment: Environment, video: str, tag: str, desired: str) -> list[str]:
    start = [sys.executable, "-P", "-c", _START, json.dumps(sys.path)]
    return [*start, "dub-one", video, tag, desired, "--home", str(environment.home)]


def _started(command: Sequence[str], threads: int, out: IO[bytes], err: IO[bytes]) -> subprocess.Popen[bytes]:
    environment = surroundings.with_threads(threads)
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=out, stderr=err, start_new_session=True
    )


def _end(children: Sequence[_Child]) -> None:
    """Ends what still works, by SIGTERM, which lets it clear away; what does not hear it in time is killed."""
    for child in children:
        child.process.terminate()
    until = time.monotonic() + _GRACE_S
    for child in children:
        try:
            child.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
        child.close()


@contextmanager
def _noted() -> Generator[list[int]]:
    """The signals that end a command, in the order of their arrival, instead of what they do otherwise."""
    signs: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        signs.append(number)

    before = {sign: signal.signal(sign, note) for sign in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signs
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")
