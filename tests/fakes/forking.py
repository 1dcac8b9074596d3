"""The command as the child of a process that has everything imported: in a short dub most time goes into imports.

At risk is that such a child is another command than the operator's, so it runs the same entry point with arguments,
environment and streams of its own, and ends without a word to its parent. That parent never runs a dub itself: a
process with threads must not be forked.
"""

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

START = "from forking import serve; serve()"
LIMIT_S = 120


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, negative where a signal ended it, and all it printed."""

    code: int
    told: str


class Forge:
    """Runs commands one after another, each as a fork of one process; leaving it ends that process."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._out = folder / "told.txt"
        self._process = subprocess.Popen(
            [sys.executable, "-c", START],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Forge":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def run(self, environment: Mapping[str, str], *arguments: object, kill_after_s: float | None = None) -> Ended:
        """The command's end; it is killed after `kill_after_s`, if it has not ended by then."""
        wish = {"environment": dict(environment), "arguments": [str(one) for one in arguments], "out": str(self._out)}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(wish) + "\n")
        self._process.stdin.flush()
        pid = self._answer("pid")
        killing = threading.Timer(LIMIT_S if kill_after_s is None else kill_after_s, _kill, [pid])
        killing.start()
        try:
            code = self._answer("code")
        finally:
            killing.cancel()
            killing.join()
        return Ended(code, self._out.read_text(encoding="utf-8", errors="replace"))

    def _answer(self, name: str) -> int:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process that forks has ended"
        return int(json.loads(line)[name])


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def serve() -> None:
    """Forks a command for every line that comes in, and tells its process and its end."""
    importlib.import_module("octavia_dag.definitions")  # what a command would import
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        wish: dict[str, Any] = json.loads(line)
        learned = Path(f"{wish['out']}.modules")
        gc.collect()
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            _command(wish, learned)
        print(json.dumps({"pid": pid}), file=answers, flush=True)
        _, status = os.waitpid(pid, 0)
        _learn(learned)
        print(json.dumps({"code": os.waitstatus_to_exitcode(status)}), file=answers, flush=True)


def _command(wish: Mapping[str, Any], learned: Path) -> None:
    """What the operator's command does, in the child; it does not return."""
    from octavia_dag.cli import main

    out, nothing = os.open(wish["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), os.open(os.devnull, os.O_RDONLY)
    for own, stream in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(own, stream)
    os.environ.clear()
    os.environ.update(wish["environment"])
    sys.argv = ["octavia", *wish["arguments"]]
    code = 70
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        if not learned.exists():
            learned.write_text("\n".join(sys.modules), encoding="utf-8")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _learn(learned: Path) -> None:
    """Imports what the first command imported only when it needed it, so that the next ones need not."""
    if not learned.exists() or learned.stat().st_size == 0:
        return
    for name in learned.read_text(encoding="utf-8").splitlines():
        if name not in sys.modules:
            with suppress(ImportError):
                importlib.import_module(name)
    learned.write_text("", encoding="utf-8")
