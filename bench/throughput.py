"""How many runs the orchestration itself can start and follow, on Postgres: what a fleet of any size waits for.

    python bench/throughput.py [--queued 300,3000] [--writers 1,4,16]

Three measurements, with Debian's Postgres on this machine and nothing that computes: how fast runs are put into the
queue, how fast Dagster's daemon takes them out of it and hands them to a launcher that does nothing, and how fast the
database takes events, from one process and from several at once.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import dagster as dg
import yaml
from dagster._core.launcher import LaunchRunContext, RunLauncher
from dagster._core.run_coordinator.base import SubmitRunContext
from dagster._core.test_utils import create_run_for_test
from dagster._core.workspace.context import BaseWorkspaceRequestContext, WorkspaceProcessContext
from dagster._core.workspace.load_target import GrpcServerTarget
from dagster._serdes import ConfigurableClass, ConfigurableClassData

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "fakes"))
from bucket import free_port
from servers import PASSWORD, USER, Postgres, serving

from octavia_dag.cli.tables import aligned

EVENTS = 400
# Of one video into one language as whole runs: what both runs write, measured by `octavia dub` of the sample.
WITHIN_S = 1800.0


class NoLauncher(RunLauncher[dg.DagsterInstance], ConfigurableClass):
    """Launches nothing, at once."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """Where it was configured."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Nothing."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """As it is."""
        return cls(inst_data=inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Nothing."""

    def terminate(self, run_id: str) -> bool:
        """Nothing."""
        return False


def main() -> None:
    """Prints the three tables."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--queued", default="300,3000", help="lengths of the queue")
    asked.add_argument("--writers", default="1,4,16", help="processes that write events at once")
    chosen = asked.parse_args()
    rows = [["QUEUED", "PUT IN PER MINUTE", "TAKEN OUT PER MINUTE", "CONNECTIONS AT MOST"]]
    for count in map(int, chosen.queued.split(",")):
        with _house() as (home, database, port):
            rows.append([str(count), *_queue(home, database, port, count)])
    sys.stdout.write("\n".join(aligned(rows)) + "\n\n")
    rows = [["WRITERS", "EVENTS PER SECOND", "MS FOR EACH"]]
    with _house() as (home, _, _):
        rows += [[str(writers), *_events(home, writers)] for writers in map(int, chosen.writers.split(","))]
    sys.stdout.write("\n".join(aligned(rows)) + "\n")


@contextmanager
def _house() -> Generator[tuple[Path, Postgres, int]]:
    """A home on a fresh database, with a code server at the port."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "servers", "dagster") as (_, database):
        home, port = Path(folder) / "dagster", free_port()
        home.mkdir()
        os.environ |= {"DAGSTER_PG_PASSWORD": PASSWORD, "DAGSTER_HOME": str(home), "OCTAVIA_HOME": folder}
        place = {"username": USER, "password": {"env": "DAGSTER_PG_PASSWORD"}, "hostname": "127.0.0.1",
                 "port": database.port, "db_name": "dagster", "scheme": "postgresql+psycopg2"}  # fmt: skip
        told = {
            "storage": {"postgres": {"postgres_db": place}},
            "run_launcher": {"module": "throughput", "class": "NoLauncher"},
            "concurrency": {"runs": {"max_concurrent_runs": -1}},
            "telemetry": {"enabled": False},
        }
        (home / "dagster.yaml").write_text(yaml.safe_dump(told))
        os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent)
        code = ["-m", "dagster", "api", "grpc", "-h", "127.0.0.1", "-p", str(port), "-m", "octavia_dag.definitions"]
        server = subprocess.Popen([sys.executable, *code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield home, database, port
        finally:
            server.terminate()
            server.wait(30)


def _queue(home: Path, database: Postgres, port: int, count: int) -> tuple[str, str, str]:
    """Puts runs into the queue, then lets the daemon take them out."""
    target = GrpcServerTarget(host="127.0.0.1", port=port, socket=None, location_name="octavia")
    with dg.DagsterInstance.from_config(str(home)) as instance, _workspace(instance, target) as workspace:
        job = workspace.get_code_location("octavia").get_repository("__repository__").get_full_job("dub_video")
        begun = time.monotonic()
        for number in range(count):
            tags = {"dagster/partition": f"es|talk-{number:08x}", "dagster/priority": str(-number)}
            run = create_run_for_test(
                instance, job_name="dub_video", tags=tags, remote_job_origin=job.get_remote_origin(),
                job_code_origin=job.get_python_origin(), job_snapshot=job.job_snapshot,
            )  # fmt: skip
            instance.run_coordinator.submit_run(SubmitRunContext(run, workspace))
        put_s = time.monotonic() - begun
        taken_s, most = _taken_out(instance, database, home, port)
    return f"{count * 60 / put_s:.0f}", f"{count * 60 / taken_s:.0f}", str(most)


@contextmanager
def _workspace(instance: dg.DagsterInstance, target: GrpcServerTarget) -> Generator[BaseWorkspaceRequestContext]:
    end = time.monotonic() + 120
    while True:
        with WorkspaceProcessContext(instance, target) as context:
            workspace = context.create_request_context()
            if workspace.has_code_location("octavia") and not workspace.code_location_errors():
                yield workspace
                return
        assert time.monotonic() < end, "the code server does not come up"
        time.sleep(1.0)


def _taken_out(instance: dg.DagsterInstance, database: Postgres, home: Path, port: int) -> tuple[float, int]:
    """Seconds from the first to the last run that the daemon launches; connections at most."""
    where = [{"grpc_server": {"host": "127.0.0.1", "port": port, "location_name": "octavia"}}]
    (home / "workspace.yaml").write_text(yaml.safe_dump({"load_from": where}))
    daemon = subprocess.Popen(
        [sys.executable, "-m", "dagster._daemon", "run", "-w", str(home / "workspace.yaml")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    queued, most = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED]), 0
    try:
        total, first, end = instance.get_runs_count(queued), 0.0, time.monotonic() + WITHIN_S
        while (left := instance.get_runs_count(queued)) and time.monotonic() < end:
            first = first or (time.monotonic() if left < total else 0.0)
            most = max(most, database.connections())
            time.sleep(0.2)
        assert not left, f"{left} runs still wait after {WITHIN_S:.0f} s"
        return time.monotonic() - first, most
    finally:
        daemon.terminate()
        daemon.wait(60)


def _events(home: Path, writers: int) -> tuple[str, str]:
    """How fast the database takes events from so many processes at once."""
    with ProcessPoolExecutor(writers) as pool:
        list(pool.map(_write, [str(home)] * writers, [1] * writers))  # each has imported and connected
        begun = time.monotonic()
        list(pool.map(_write, [str(home)] * writers, [EVENTS] * writers))
        took = time.monotonic() - begun
    return f"{writers * EVENTS / took:.0f}", f"{1000 * took / EVENTS:.1f}"


def _write(home: str, count: int) -> None:
    with dg.DagsterInstance.from_config(home) as instance:
        run = create_run_for_test(instance, job_name="dub_video")
        for number in range(count):
            instance.report_engine_event(f"event {number}", run)


if __name__ == "__main__":
    main()
