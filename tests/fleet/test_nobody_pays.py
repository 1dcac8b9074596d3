"""At risk: somebody pays for a worker that idles, after whatever sequence of looks, crashes, outages and restarts.

The keeper and the watchdog are the real ones, and so is the database; the provider is a number here, and time passes
when the sequence says so. The watchdog looks once a minute. What is told from outside: whenever workers are kept up, a
reason for it lies no further back than a lease and one interval of the watchdog. A reason is a look of the keeper that
saw work, or saw some within the time for which others stand by. Nobody can let down through a provider that is away or
by a look that is killed, and what is set behind everybody's back is found once the lease has ended: the time counts
from the last of these.
"""

import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from octavia_dag.fleet import pool_state
from octavia_dag.fleet.keeping import keep
from octavia_dag.fleet.runpod_api import ProviderError, Scale
from octavia_dag.fleet.warm_pool import Policy, Seen
from octavia_dag.fleet.watch import Watchdog
from octavia_dag.resources.memory import Memory

pytestmark = pytest.mark.fleet

EVERY_S = 60
POLICY = Policy(most=20, pace_s=600, drain_s=900, standby=2, standby_s=300, lease_s=120, price_per_hour=2, budget=5.0)
Fault = Literal["none", "away", "lost"]
_names = itertools.count()


class Killed(BaseException):
    """The process is no more."""


@dataclass
class World:
    """`deaths` is how many effects the process that works now still lives through; None: it is not killed."""

    memory: Memory
    policy: Policy = POLICY
    name: str = field(default_factory=lambda: f"pool-{next(_names)}")
    now: int = 1_728_000_000
    up: int = 0
    fault: Fault = "none"
    deaths: int | None = None
    last_work: int = -1_000_000
    since: int = 1_728_000_000  # the last reason, or the last time nobody could help it
    wrong: list[str] = field(default_factory=list[str])

    # --- the provider ---

    def scale(self) -> Scale:
        if self.fault == "away":
            raise ProviderError("away")
        return Scale(self.up, 300)

    def keep_workers(self, count: int) -> None:
        if self.fault == "away":
            raise ProviderError("away")
        self.effect()
        self.up = count
        if self.fault == "lost":
            raise ProviderError("no answer")

    def effect(self) -> None:
        """Something is about to be changed for good: here a process may be killed."""
        if self.deaths is not None:
            self.deaths -= 1
            if self.deaths < 0:
                raise Killed

    # --- what happens ---

    def keeper_looks(self, waiting: int, working: int, fault: Fault, deaths: int | None) -> None:
        self.last_work = self.now if waiting or working else self.last_work
        if waiting or working or self.now - self.last_work < self.policy.standby_s:
            self.since = self.now
        self.fault, self.deaths = fault, deaths
        with suppress(ProviderError, Killed):
            keep(self.name, self, self.memory, Seen(float(self.now), waiting, working), self.policy)
        self.fault, self.deaths = "none", None

    def passes(self, seconds: int, fault: Fault, deaths: int | None) -> None:
        """Time, in which nobody but the watchdog looks: a new one each time, as cron starts it."""
        for _ in range(seconds):
            self.now += 1
            if self.now % EVERY_S == 0:
                self.watchdog_looks(fault, deaths)
            self.judged()

    def watchdog_looks(self, fault: Fault, deaths: int | None) -> None:
        self.fault, self.deaths = fault, deaths
        try:
            Watchdog(self.name, self, self.memory, lambda: float(self.now)).look()
        except (ProviderError, Killed):
            self.since = self.now
        self.fault, self.deaths = "none", None

    def somebody_sets(self, count: int) -> None:
        """By hand, or a request of a keeper that hung for long: it knows of no lease."""
        self.up, self.since = count, self.now

    def judged(self) -> None:
        if self.up and self.now > self.since + POLICY.lease_s + EVERY_S:
            self.wrong.append(f"{self.up} workers are up {self.now - self.since} s after the last reason")


faults = st.sampled_from(["none", "none", "none", "away", "lost"])
deaths = st.sampled_from([None, None, None, 0, 1, 2])
happenings = st.one_of(
    st.tuples(st.just("keeper_looks"), st.integers(0, 30), st.integers(0, 5), faults, deaths),
    st.tuples(st.just("keeper_looks"), st.just(0), st.just(0), faults, deaths),
    st.tuples(st.just("passes"), st.integers(1, 400), faults, deaths),
    st.tuples(st.just("passes"), st.just(30), st.just("none"), st.none()),
    st.tuples(st.just("somebody_sets"), st.integers(0, 20)),
)


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Memory:
    return Memory(file=str(tmp_path_factory.mktemp("pool") / "memory.sqlite"))


@pytest.fixture
def killing(monkeypatch: pytest.MonkeyPatch) -> Callable[[World], None]:
    """Lets the writings into the database kill their process too, in the world that is given."""
    there: list[World] = []

    def deadly(write: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any) -> Any:
            there[-1].effect()
            return write(*given)

        return wrapped

    for name in ("record", "mark_let_down"):
        monkeypatch.setattr(pool_state, name, deadly(getattr(pool_state, name)))
    return there.append


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(happenings, max_size=25), standby_s=st.sampled_from([0.0, 300.0]))
@example(  # killed between two effects, in either order, of letting go
    steps=[("keeper_looks", 9, 0, "none", None), ("passes", 90, "none", None), ("keeper_looks", 0, 0, "none", 1)],
    standby_s=0.0,
)
def test_nobody_pays_for_an_idle_worker_longer_than_a_lease_and_an_interval_after_the_last_reason(
    memory: Memory, killing: Callable[[World], None], steps: list[tuple[Any, ...]], standby_s: float
) -> None:
    world = World(memory, replace(POLICY, standby_s=standby_s))
    killing(world)
    highest = 0
    for what, *given_ in steps:
        getattr(world, what)(*given_)
        world.judged()
        highest = max(highest, world.up)
    world.passes(int(POLICY.lease_s) + 2 * EVERY_S, "none", None)
    event("workers were up" if highest else "none was ever up")
    assert world.wrong == []
    assert world.up == 0


def test_the_sequences_would_show_a_watchdog_that_sleeps(memory: Memory) -> None:
    world = World(memory)
    world.keeper_looks(9, 0, "none", None)
    world.watchdog_looks = lambda fault, deaths: None  # type: ignore[method-assign]
    world.passes(600, "none", None)
    assert world.wrong
