"""A pool at a provider on this machine: its keeper, its watchdog, its runs and its clock, which only tests move."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.test_utils import create_run_for_test
from provider import Provider, running

from octavia_dag.fleet import pool_state
from octavia_dag.fleet.endpoint import Endpoint
from octavia_dag.fleet.pool_state import Lease
from octavia_dag.fleet.watch import Watchdog
from octavia_dag.graph import COMPUTE_TAG
from octavia_dag.resources.memory import Memory
from octavia_dag.sensors.warm_pool import tick

DAY_S = 86_400
MORNING = 20_000.0 * DAY_S + 9 * 3600
PRICE = 2.0
POLICY: dict[str, Any] = {"most": 20, "pace_s": 600, "drain_s": 900, "standby": 2, "standby_s": 1000, "lease_s": 120}


# A run that waits in a queue says from where it will be started.
_ORIGIN = RemoteJobOrigin(RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("here"), "all"), "long")


@dataclass
class Warm:
    folder: Path
    provider: Provider
    instance: dg.DagsterInstance
    now: float = MORNING

    @property
    def memory(self) -> Memory:
        return Memory(file=str(self.folder / "store" / "memory.sqlite"))

    @property
    def endpoint(self) -> Endpoint:
        address = self.provider.address
        return Endpoint(name="dub", key=self.provider.key, jobs_url=address, rest_url=address)

    @property
    def clock(self) -> Callable[[], float]:
        return lambda: self.now

    def wants(self, **values: Any) -> None:
        """Sets the policy."""
        told = {"warm_pool": POLICY | values, "costs": {"gpu_hour": PRICE}}
        (self.folder / "store" / "settings.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")

    def run(self, status: dg.DagsterRunStatus = dg.DagsterRunStatus.QUEUED, **tags: str) -> dg.DagsterRun:
        return create_run_for_test(
            self.instance, "long", status=status, tags={COMPUTE_TAG: "gpu", **tags}, remote_job_origin=_ORIGIN
        )

    def queue(self, count: int) -> list[dg.DagsterRun]:
        return [self.run() for _ in range(count)]

    def ended(self) -> None:
        """Every run ends."""
        for run in self.instance.get_runs():
            self.instance.report_run_canceled(run)

    def tick(self, after_s: float = 0.0) -> str:
        """One look of the keeper, so much later."""
        self.now += after_s
        return tick(self.instance, self.memory, self.endpoint, self.folder / "store", self.clock)

    def dog(self) -> Watchdog:
        """A watchdog that knows nothing yet."""
        return Watchdog("dub", self.endpoint.api(), self.memory, self.clock)

    @property
    def lease(self) -> Lease:
        found = pool_state.read(self.memory, "dub")
        assert found is not None
        return found


@contextmanager
def warm(folder: Path) -> Generator[Warm]:
    (folder / "home").mkdir()
    (folder / "store").mkdir()
    with running() as provider, dg.DagsterInstance.local_temp(str(folder / "home")) as instance:
        made = Warm(folder, provider, instance)
        made.wants()
        yield made
