"""The watchdog: workers that no lease asks for are let down, by whoever looks first.

It runs beside every worker, and where somebody starts `octavia fleet watch`; it knows nothing that is not in the
database or at the provider, so that it may die and come back at any moment. As long as a lease holds, the provider is
not even asked: its keeper lives. A lease that nobody can read is none, for the database may have died with the keeper;
where one was read before, that one counts to its end. What two do at once is done twice and comes to the same.
"""

import random
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from octavia_dag.errors import OctaviaError, StorageError
from octavia_dag.fleet import pool_state
from octavia_dag.fleet.keeping import Scaled
from octavia_dag.fleet.pool_state import Lease
from octavia_dag.resources.memory import Memory

T = TypeVar("T")
# A database that only takes a breath asks for its workers still.
_TRIES, _PAUSE_S = 3, 1.0


@dataclass(frozen=True)
class Sight:
    """What was seen, in a sentence, and how many workers were let down for it."""

    said: str
    let_down: int = 0


class Watchdog:
    """Watches one endpoint."""

    def __init__(self, endpoint: str, api: Scaled, memory: Memory, now: Callable[[], float] = time.time) -> None:
        self._endpoint, self._api, self._memory, self._now = endpoint, api, memory, now
        self._known = 0.0  # until when the last lease holds that could be read

    def look(self) -> Sight:
        """Lets down what nobody asks for. A ProviderError where that could not be done: look again."""
        lease, why = self._lease()
        if self._now() < self._known:
            return Sight(f"The workers of {self._endpoint} are asked for until {moment(self._known)}{why}.")
        kept = self._api.scale().minimum
        # A keeper that has just come back asks for workers after it has written so: what is up now has its lease there.
        lease, why = self._lease()
        if self._now() < self._known:
            return Sight(f"The workers of {self._endpoint} are asked for again{why}.")
        if kept:
            self._api.keep_workers(0)
        if lease is not None and not lease.let_down:
            pool_state.mark_let_down(self._memory, self._endpoint, lease, self._now() if kept else lease.pool.until)
        if not kept:
            return Sight(f"No worker of {self._endpoint} is kept up without work, and none is asked for{why}.")
        return Sight(f"{kept} workers of {self._endpoint} were let down: {_nobody(lease, why)}.", kept)

    def look_and_tell(self) -> None:
        """The same for whoever has other work to do: what was done, or could not be, goes to the log."""
        try:
            sight = self.look()
        except OctaviaError as error:
            sys.stderr.write(f"octavia: {error}\n")
        else:
            if sight.let_down:
                sys.stderr.write(f"octavia: {sight.said}\n")

    def beside(self, every_s: float) -> threading.Event:
        """Looks as often from now on, beside what this process does, until that ends or the event is set."""
        stop = threading.Event()

        def looking() -> None:
            pause = random.uniform(0.0, every_s)  # noqa: S311 - workers that came at once do not ask at once
            while not stop.wait(pause):
                self.look_and_tell()
                pause = every_s

        threading.Thread(target=looking, name="octavia-watch", daemon=True).start()
        return stop

    def after(self, work: Callable[[], T]) -> T:
        """What `work` returns; whatever became of it, its worker may be one that nobody asks for any more."""
        try:
            return work()
        finally:
            self.look_and_tell()

    def _lease(self) -> tuple[Lease | None, str]:
        """The lease, and why it cannot be read where that is so."""
        patiently = Retrying(
            retry=retry_if_exception_type(StorageError),
            stop=stop_after_attempt(_TRIES),
            wait=wait_fixed(_PAUSE_S),
            reraise=True,
        )
        try:
            lease = patiently(pool_state.read, self._memory, self._endpoint)
        except StorageError as error:
            return None, f" ({error})"
        self._known = lease.pool.until if lease else 0.0
        return lease, ""


def moment(when: float) -> str:
    """A time as people read it."""
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _nobody(lease: Lease | None, why: str) -> str:
    if why:
        return f"their lease cannot be read{why}"
    if lease is None:
        return "no lease tells of them"
    return f"their lease ended at {moment(lease.pool.until)} and nobody renewed it"
