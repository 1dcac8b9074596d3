"""One step of one partition at a time, whoever started it: the command, the UI or a sensor.

The second one waits and then finds the artifact that the first one made. The lock is the kernel's (flock), so it ends
with its holder, however that ends.
"""

import fcntl
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from octavia_dag.errors import RefusedError
from octavia_dag.resources.artifacts import ArtifactStore, guarded

_POLL_S = 0.2


@contextmanager
def locked(store: ArtifactStore, asset: str, video: str, language: str | None) -> Generator[None]:
    """Holds the lock of one step of one partition; waits, interruptibly, while somebody else does."""
    name = f"{asset}.{language}" if language else asset
    with holding(store.video_folder(video) / "locks" / name, f"Locking {asset} of {video}"):
        yield


@contextmanager
def holding(path: Path, doing: str, taken: str = "") -> Generator[None]:
    """Holds the lock that the file `path` is; `doing` begins the sentence where that is not possible.

    Waits, interruptibly, while somebody else does; with `taken`, that sentence is a RefusedError instead.
    """
    with guarded(doing):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    with file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if taken:
                    raise RefusedError(taken, passing=True) from error
                time.sleep(_POLL_S)
        yield


@contextmanager
def alone(store: ArtifactStore, name: str) -> Generator[None]:
    """Holds a lock of the whole installation; waits, interruptibly, while somebody else does."""
    with holding(Path(store.root) / "locks" / name, f"Locking {name}"):
        yield
