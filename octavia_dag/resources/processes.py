"""Who owns what is in progress: a process is named by its host, its number and the moment it started.

A number alone says little: it is used again after a restart, and two containers that share a home both have a process
1. So work in progress carries all three, and only the host that made it may call it abandoned. Where there is no /proc
the moment is missing, and a number that is used again counts as alive: what is left is then too much, never too little.
"""

import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path

_PREFIX = re.compile(r"(?P<pid>\d+)-(?P<started>\d*)-(?P<host>[A-Za-z0-9._]+)-")
_GONE_STATES = "ZXx"  # ended, though its parent has not asked how (proc(5))


@dataclass(frozen=True)
class Owner:
    """A process of some machine. `started` is its start in clock ticks after the machine's, empty where unknown."""

    host: str
    pid: int
    started: str

    @property
    def here(self) -> bool:
        """Whether it is, or was, a process of this machine, so that it can be looked up."""
        return self.host == host()

    @property
    def gone(self) -> bool:
        """Whether it is known to have ended; never True for a process of another machine."""
        return self.here and _started(self.pid) != self.started


def host() -> str:
    """This machine's name, as far as it may stand in a file's name."""
    return re.sub(r"[^A-Za-z0-9._]", "_", socket.gethostname()) or "_"


def this_process() -> Owner:
    """The process that asks."""
    return Owner(host(), os.getpid(), _started(os.getpid()) or "")


def owner_prefix() -> str:
    """How the names of this process's work in progress begin."""
    owner = this_process()
    return f"{owner.pid}-{owner.started}-{owner.host}-"


def owner_of(name: str) -> Owner | None:
    """The owner that `owner_prefix` wrote into `name`; None where it wrote none."""
    found = _PREFIX.match(name)
    return Owner(found["host"], int(found["pid"]), found["started"]) if found else None


def _started(pid: int) -> str | None:
    """When the process started, empty where this machine does not tell; None where it has ended."""
    if Path("/proc/self/stat").exists():
        try:
            told = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return None
        # Field 3 is the state, 22 the start; the name before them may hold spaces, but ends at the last parenthesis.
        fields = told.rpartition(")")[2].split()
        return None if fields[0] in _GONE_STATES else fields[19]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return ""
    return ""
