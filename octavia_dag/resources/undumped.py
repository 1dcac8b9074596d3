"""A process that holds voices in the clear leaves no copy of its memory behind when it dies.

A core file would hold what is sealed everywhere else, the key beside it. The limit keeps the process and whatever it
starts from writing one, and cannot be raised again; since it does not bind a handler that the kernel pipes cores into,
Linux is also told that the process is not to be dumped at all, which keeps debuggers of other users out as well.
"""

import ctypes
import resource
import sys
from functools import cache

from octavia_dag.errors import StorageError

_PR_SET_DUMPABLE = 4


@cache
def leave_no_core() -> None:
    """From now on this process is never dumped; once is enough, and processes that are forked inherit it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux" and ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        raise StorageError(
            "Opening the vault of voices: this system does not let a process keep its memory to itself; "
            "allow prctl(PR_SET_DUMPABLE)."
        )
