"""At risk: paid workers that stay up for nothing after their keeper died, and ones let down that are asked for."""

import runpy
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml
from warm import PRICE, Warm

from octavia_dag.errors import StorageError
from octavia_dag.fleet import pool_state
from octavia_dag.fleet.keeping import Scaled
from octavia_dag.fleet.runpod_api import ProviderError, RunPod, Scale
from octavia_dag.fleet.watch import Watchdog

pytestmark = pytest.mark.fleet

HANDLER = Path(__file__).parents[2] / "deploy" / "runpod" / "handler.py"


@pytest.fixture
def orphaned(pool: Warm) -> Warm:
    """Five workers are kept up, and their keeper has just died."""
    pool.queue(5)
    pool.tick()
    return pool


class Between(Scaled):
    """An API; something happens right after it has said what is up."""

    def __init__(self, api: RunPod, then: Callable[[], object]) -> None:
        self._api, self._then = api, then

    def scale(self) -> Scale:
        found = self._api.scale()
        self._then()
        return found

    def keep_workers(self, count: int) -> None:
        self._api.keep_workers(count)


def test_as_long_as_the_lease_holds_nothing_is_let_down_nor_is_the_provider_asked(orphaned: Warm) -> None:
    orphaned.provider.away = True
    orphaned.now += 119
    assert orphaned.dog().look().let_down == 0
    assert orphaned.provider.workers_min == 5


def test_once_it_ended_they_are_let_down_and_it_is_said_once(orphaned: Warm) -> None:
    orphaned.now += 120
    dog = orphaned.dog()
    assert dog.look().said.startswith("5 workers of dub were let down: their lease ended at ")
    assert "No worker of dub is kept up" in dog.look().said
    assert orphaned.provider.kept == [5, 0]


def test_workers_of_which_no_lease_tells_are_let_down(pool: Warm) -> None:
    pool.provider.workers_min = 3
    assert pool.dog().look().said == "3 workers of dub were let down: no lease tells of them."
    assert pool.provider.kept == [0]


def test_workers_that_somebody_set_by_hand_after_the_end_are_let_down_and_not_charged_from_before(
    orphaned: Warm,
) -> None:
    orphaned.now += 120
    orphaned.dog().look()
    orphaned.provider.workers_min, orphaned.now = 7, orphaned.now + 7200
    assert orphaned.dog().look().let_down == 7
    orphaned.tick()
    assert orphaned.lease.pool.spent == pytest.approx(5 * 120 * PRICE / 3600)


def test_a_keeper_that_comes_back_at_that_moment_keeps_what_it_asks_for(orphaned: Warm) -> None:
    orphaned.now += 500
    dog = Watchdog("dub", Between(orphaned.endpoint.api(), orphaned.tick), orphaned.memory, orphaned.clock)
    assert "asked for again" in dog.look().said
    assert orphaned.provider.workers_min == 5


def test_a_keeper_that_is_overtaken_asks_again_at_its_next_look(orphaned: Warm) -> None:
    orphaned.now += 500
    orphaned.tick()
    orphaned.provider.workers_min = 0  # by a watchdog that had looked before
    orphaned.tick(30)
    assert orphaned.provider.workers_min == 5


def test_two_watchdogs_at_once_let_down_and_charge_once(orphaned: Warm) -> None:
    orphaned.now += 150
    both = threading.Barrier(2, timeout=10)
    api = Between(orphaned.endpoint.api(), both.wait)
    dogs = [Watchdog("dub", api, orphaned.memory, orphaned.clock) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        told = [one.let_down for one in pool.map(Watchdog.look, dogs)]
    assert told == [5, 5]
    assert orphaned.provider.workers_min == 0
    assert orphaned.lease.let_down
    assert orphaned.lease.pool.until == orphaned.now
    orphaned.tick(60)
    assert orphaned.lease.pool.spent == pytest.approx(5 * 150 * PRICE / 3600)


def test_where_the_provider_is_away_the_next_look_lets_down(orphaned: Warm) -> None:
    orphaned.now += 120
    orphaned.provider.away = True
    with pytest.raises(ProviderError):
        orphaned.dog().look()
    assert not orphaned.lease.let_down
    orphaned.provider.away = False
    assert orphaned.dog().look().let_down == 5


def test_a_database_that_died_with_the_keeper_asks_for_no_workers_once_the_last_lease_read_has_ended(
    orphaned: Warm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StorageError("The database is away.")

    dog = orphaned.dog()
    dog.look()
    monkeypatch.setattr(pool_state, "read", away)
    orphaned.now += 119
    assert dog.look().let_down == 0
    orphaned.now += 1
    assert "their lease cannot be read (The database is away.)" in dog.look().said
    assert orphaned.provider.workers_min == 0


def test_a_database_that_answers_the_second_time_is_not_away(orphaned: Warm, monkeypatch: pytest.MonkeyPatch) -> None:
    read, tries = pool_state.read, list[int]()

    def at_first_away(*asked: Any) -> object:
        tries.append(1)
        if len(tries) == 1:
            raise StorageError("The database is away.")
        return read(*asked)

    monkeypatch.setattr(pool_state, "read", at_first_away)
    assert orphaned.dog().look().let_down == 0
    assert orphaned.provider.workers_min == 5


def test_a_worker_that_idles_lets_down_the_pool_it_belongs_to(orphaned: Warm) -> None:
    orphaned.now += 120
    stop = orphaned.dog().beside(0.05)
    until = time.monotonic() + 30
    while orphaned.provider.workers_min and time.monotonic() < until:
        time.sleep(0.02)
    stop.set()
    assert orphaned.provider.kept == [5, 0]


def test_a_look_that_fails_does_not_end_the_looking(orphaned: Warm, capfd: pytest.CaptureFixture[str]) -> None:
    orphaned.now += 120
    orphaned.provider.away = True
    stop = orphaned.dog().beside(0.05)
    until, said = time.monotonic() + 30, ""
    while "failed 2 times" not in said and time.monotonic() < until:
        said += capfd.readouterr().err
        time.sleep(0.02)
    orphaned.provider.away = False
    while orphaned.provider.workers_min and time.monotonic() < until:
        time.sleep(0.02)
    stop.set()
    assert orphaned.provider.workers_min == 0


@pytest.mark.parametrize("fails", [False, True])
def test_a_worker_looks_when_its_job_ended_however_that_went(orphaned: Warm, fails: bool) -> None:
    def work() -> str:
        orphaned.now += 300  # meanwhile the lease ends
        if fails:
            raise StorageError("The database is away.")
        return "done"

    dog = orphaned.dog()
    if fails:
        with pytest.raises(StorageError, match="The database is away"):
            dog.after(work)
    else:
        assert dog.after(work) == "done"
    assert orphaned.provider.workers_min == 0


def test_a_job_is_no_failure_because_the_provider_is_away(orphaned: Warm, capfd: pytest.CaptureFixture[str]) -> None:
    orphaned.now += 120
    orphaned.provider.away = True
    assert orphaned.dog().after(lambda: "done") == "done"
    assert "octavia: Asking how many workers are kept up at dub failed" in capfd.readouterr().err


@pytest.fixture
def handled(orphaned: Warm, monkeypatch: pytest.MonkeyPatch) -> Callable[[], dict[str, Any]]:
    """Loads what a worker of the endpoint starts, with the provider's library in its place, and returns its names."""
    for name in ("JOBS_URL", "REST_URL"):
        monkeypatch.setenv(f"OCTAVIA_RUNPOD_{name}", orphaned.provider.address)
    monkeypatch.setenv("OCTAVIA_RUNPOD_ENDPOINT", "dub")
    monkeypatch.setenv("OCTAVIA_RUNPOD_KEY", orphaned.provider.key)
    home = orphaned.folder / "elsewhere"
    (home / "dagster").mkdir(parents=True)
    (home / "dagster" / "dagster.yaml").write_text(yaml.safe_dump({"telemetry": {"enabled": False}}))
    monkeypatch.setenv("OCTAVIA_HOME", str(home))
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    monkeypatch.setenv("OCTAVIA_MEMORY_URL", f"sqlite:///{orphaned.memory.file}")
    library: Any = ModuleType("runpod")
    library.serverless = SimpleNamespace(start=lambda told: None)  # type: ignore[reportUnknownLambdaType]
    monkeypatch.setitem(sys.modules, "runpod", library)
    return lambda: runpy.run_path(str(HANDLER))


def test_what_a_worker_starts_watches_while_it_idles_and_looks_after_a_job(
    orphaned: Warm, handled: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    beside: list[float] = []
    monkeypatch.setattr(Watchdog, "beside", lambda self, every_s: beside.append(every_s))  # type: ignore[reportUnknownLambdaType]
    handler = handled()["handler"]
    assert beside == [60.0]
    orphaned.now = time.time()
    orphaned.tick()
    handler({"id": "job-1", "input": {"run_id": "nobody", "command": ["true"]}})
    assert orphaned.provider.workers_min == 5
    orphaned.now -= 300
    orphaned.tick()
    handler({"id": "job-2", "input": {"run_id": "nobody", "command": ["true"]}})
    assert orphaned.provider.workers_min == 0


def test_a_worker_that_was_given_no_key_works_and_says_that_it_watches_nothing(
    orphaned: Warm,
    handled: Callable[[], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("OCTAVIA_RUNPOD_KEY")
    handler = handled()["handler"]
    assert "this worker watches no pool" in capfd.readouterr().err
    assert "left" in handler({"id": "job-1", "input": {"run_id": "nobody", "command": ["true"]}})
    assert orphaned.provider.workers_min == 5
