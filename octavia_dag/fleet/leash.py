"""Runs a command, and ends everything that it started once whoever started this is gone or lets go.

    python -I leash.py GRACE_S COMMAND...

It leads a process group, and its standard input is a pipe that the worker holds: the pipe's end means "stop", and comes
also where the worker is killed, when nobody could say so any more. It imports nothing of the project, so that it starts
at once.
"""

import os
import signal
import subprocess
import sys
import threading
import time


def main() -> None:
    """Exits as the command does, or is killed with its group where that does not end in time."""
    grace_s, command = float(sys.argv[1]), sys.argv[2:]
    # What the group is sent is for the others. A handler, not SIG_IGN, which the command would inherit.
    signal.signal(signal.SIGTERM, _deaf)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_when_let_go, args=(child, grace_s), daemon=True).start()
    code = child.wait()
    sys.exit(code if code >= 0 else 128 - code)


def _deaf(_signal: int, _frame: object) -> None:
    return


def _end_when_let_go(child: "subprocess.Popen[bytes]", grace_s: float) -> None:
    while os.read(0, 1024):  # not sys.stdin, whose lock this thread would hold while the process ends
        pass
    os.killpg(0, signal.SIGTERM)
    until = time.monotonic() + grace_s
    while child.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
