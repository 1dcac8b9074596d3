"""The way in: `octavia` ends with a sentence and an exit code whenever it is interrupted, also while it still starts.

Exit codes: 0 done, 1 failed, 2 bad arguments or input, 130 interrupted. Signals are minded before anything heavy is
imported, which takes seconds, and no more once the end has begun: a second Ctrl-C must not cut the first one's short.
"""

import signal
import sys
from types import FrameType

INTERRUPTED = 130
_SIGNS = (signal.SIGINT, signal.SIGTERM)


def main() -> None:
    """Entry point of the console script."""
    for sign in _SIGNS:
        signal.signal(sign, _interrupt)
    try:
        from octavia_dag.cli.commands import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        _mind_no_more()
        sys.stderr.write("octavia: interrupted; the same command goes on from the last finished step.\n")
        code = INTERRUPTED
    _mind_no_more()
    sys.exit(code)


def _mind_no_more() -> None:
    for sign in _SIGNS:
        signal.signal(sign, signal.SIG_IGN)


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
