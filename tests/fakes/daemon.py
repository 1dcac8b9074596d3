"""Dagster's own daemon over one installation, as `octavia ui` has it, and what can be seen of its work from outside."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL

import dagster as dg
from octavia_command import Octavia

from octavia_dag.assets.judging import Judge
from octavia_dag.definitions import workshop
from octavia_dag.environment import read
from octavia_dag.layers import Place, change_layer
from octavia_dag.plan import Plan
from octavia_dag.resources.artifacts import Current
from octavia_dag.resources.workshop import Workshop
from octavia_dag.sensors.automation import AT_WORK

LANGUAGE = "pt-BR"
SENSOR_TAG = "dagster/sensor_name"
STOPPED_WITHIN_S = 20.0
GONE_WITHIN_S = 60.0


@dataclass(frozen=True)
class Ran:
    """A run of the automation: of which video's dub, how it ended, when it was asked for, begun and over."""

    job: str
    partition: str
    sensor: str | None
    status: dg.DagsterRunStatus
    created: float
    started: float | None
    ended: float | None

    @property
    def video(self) -> str:
        return self.partition.rpartition("|")[2]


@dataclass
class Daemon:
    """The daemon's process and the installation that it watches."""

    octavia: Octavia
    process: subprocess.Popen[bytes]
    instance: dg.DagsterInstance
    before: frozenset[str]
    tools: Workshop
    log: Path
    descendants: set[int] = field(default_factory=set[int])

    def set_depth(self, video: str, depth: float | None) -> None:
        """Sets, or takes out, how far the bed steps back in one dub of one video."""
        layer = {} if depth is None else {"mix": {"duck_depth_db": depth}}
        change_layer(Path(self.tools.store.root), Place(video, LANGUAGE), layer, who="a test")

    def runs(self) -> list[Ran]:
        """What ran, or waits to, since the daemon was started, the oldest first."""
        records = self.instance.get_run_records(ascending=True)
        return [
            Ran(
                one.dagster_run.job_name,
                one.dagster_run.tags.get("dagster/partition", ""),
                one.dagster_run.tags.get(SENSOR_TAG),
                one.dagster_run.status,
                one.create_timestamp.timestamp(),
                one.start_time,
                one.end_time,
            )
            for one in records
            if one.dagster_run.run_id not in self.before
        ]

    def of(self, video: str) -> list[Ran]:
        return [one for one in self.runs() if one.video == video]

    def at_work(self, video: str | None = None) -> bool:
        return any(one.status in AT_WORK for one in (self.runs() if video is None else self.of(video)))

    def ticks(self) -> list[float]:
        """When the sensor looked, the ticks that are over."""
        for state in self.instance.all_instigator_state():
            if state.instigator_name == "automation":
                found = self.instance.get_ticks(state.instigator_origin_id, state.selector_id)
                return sorted(one.timestamp for one in found if one.end_timestamp is not None)
        return []

    def wait_ticks(self, count: int) -> None:
        """Until so many ticks more that began after now are over."""
        now = time.time()
        self.wait(lambda: sum(one > now for one in self.ticks()) >= count, 45.0 * count, f"{count} more ticks")

    def wait(self, condition: Callable[[], bool], limit_s: float, what: str) -> None:
        end = time.monotonic() + limit_s
        while not condition():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, f"waiting for {what}: {self.runs()}\n{self.log.read_text()[-3000:]}"
            self.descendants |= set(descendants(self.process.pid))
            time.sleep(0.5)

    def plan(self, video: str) -> Plan:
        return Judge(self.tools).plan(video)

    def mix(self, video: str) -> Current:
        found = self.tools.store.pointer("ducked_mix", video, LANGUAGE)
        assert found is not None
        return found

    def stop(self) -> list[int]:
        """Ends the daemon by its process id; returns which of its children are there for long after it."""
        self.descendants |= set(descendants(self.process.pid))
        self.process.terminate()
        try:
            self.process.wait(STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        end = time.monotonic() + GONE_WITHIN_S
        while (left := _alive(self.descendants)) and time.monotonic() < end:
            time.sleep(0.2)
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, SIGKILL)
        return left


def start(octavia: Octavia, folder: Path) -> Daemon:
    """A daemon over the home of `octavia`, in which everything that was made so far counts as before."""
    environment = octavia.environment() | {"DAGSTER_HOME": str(octavia.home / "dagster"), "PYTHONUNBUFFERED": "1"}
    instance = dg.DagsterInstance.from_config(environment["DAGSTER_HOME"])
    before = frozenset(run.run_id for run in instance.get_runs())
    log = folder / "daemon.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "dagster._daemon", "run", "-m", "octavia_dag.definitions"],
            env=environment | {"DAGSTER_DISABLE_TELEMETRY": "1"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    return Daemon(octavia, process, instance, before, workshop(read(octavia.home)), log)


def descendants(pid: int) -> list[int]:
    """Children of a process, and theirs."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        told = _stat(int(entry.name))
        if told and int(told[1]) == pid:
            found += [int(entry.name), *descendants(int(entry.name))]
    return found


def _alive(pids: Sequence[int] | set[int]) -> list[int]:
    return [pid for pid in pids if (told := _stat(pid)) and told[0] not in "ZX"]


def _stat(pid: int) -> list[str]:
    """State, parent and the rest of what the kernel tells of a process; empty where there is none."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []
