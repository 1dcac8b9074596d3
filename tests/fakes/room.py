"""Everything that `octavia ui` starts, as processes that can be killed one by one: code server, daemon, webserver.

Each is started again by the test, as a supervisor would. All of them end with the test, by their process ids.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any

import dagster as dg
import yaml
from bucket import Bucket, free_port
from daemon import descendants
from octavia_command import Octavia

from octavia_dag.cli.running import DAGSTER_YAML
from octavia_dag.definitions import workshop
from octavia_dag.environment import read
from octavia_dag.resources.workshop import Workshop

CODE = "octavia_dag.definitions"
_CALM_S = 20.0


@dataclass
class Room:
    """The processes over one installation, with a bucket as its storage."""

    octavia: Octavia
    bucket: Bucket
    instance: dg.DagsterInstance
    folder: Path
    port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict[str, subprocess.Popen[bytes]])
    seen: set[int] = field(default_factory=set[int])

    @property
    def tools(self) -> Workshop:
        return workshop(read(self.octavia.home))

    def start(self, name: str) -> None:
        """Starts one of the processes."""
        workspace = ["-w", str(self.folder / "workspace.yaml")]
        command = {
            "code server": ["dagster", "api", "grpc", "-h", "127.0.0.1", "-p", str(self.port), "-m", CODE],
            "daemon": ["dagster._daemon", "run", *workspace],
            "webserver": ["dagster_webserver", "-h", "127.0.0.1", "-p", str(free_port()), *workspace],
        }[name]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *command],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def environment(self) -> dict[str, str]:
        return {
            **self.octavia.environment(),
            **self.bucket.environment(),
            "DAGSTER_HOME": str(self.octavia.home / "dagster"),
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def workers(self) -> list[int]:
        """Processes that work on runs: they say so in their runs' tags."""
        alive = self.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        pids = [run.tags.get("octavia/process", "").partition(" ")[0] for run in alive]
        return [int(pid) for pid in pids if pid.isdecimal() and Path(f"/proc/{pid}").exists()]

    def kill(self, name: str) -> bool:
        """Kills one of the processes, or a worker, and starts it again where somebody would; False where none is."""
        if name == "worker":
            found = self.workers()
            for pid in found[:1]:
                self.seen |= set(descendants(pid))
                os.kill(pid, SIGKILL)
            return bool(found)
        self.look()
        self.processes[name].kill()
        self.processes[name].wait()
        self.start(name)
        return True

    def look(self) -> None:
        """Remembers all processes, so that they can be ended also when their parents are gone."""
        for process in self.processes.values():
            self.seen |= set(descendants(process.pid))

    def wait(self, condition: Callable[[], bool], limit_s: float, what: str) -> float:
        """Until it holds; returns how long that took."""
        begun = time.monotonic()
        while not condition():
            assert time.monotonic() - begun < limit_s, f"waiting for {what}: {self.told()}"
            time.sleep(1.0)
        return time.monotonic() - begun

    def told(self) -> str:
        """What is there when something does not come."""
        runs = [(run.job_name, run.tags.get("dagster/partition"), run.status.value) for run in self.runs()]
        logs = "\n".join(f"--- {path.name}\n{path.read_text()[-2000:]}" for path in self.folder.glob("*.log"))
        return f"{runs}\n{self.bucket.all_keys()}\n{logs}"

    def runs(self, job: str | None = None) -> list[dg.DagsterRun]:
        """All runs, the newest first."""
        return list(self.instance.get_runs(dg.RunsFilter(job_name=job)))

    def handed(self) -> int:
        """How many results there are."""
        keys = [key for place in ("delivered/", "held/") for key in self.bucket.all_keys(place)]
        return sum(key.endswith("/result.json") for key in keys)

    def results(self) -> list[dict[str, Any]]:
        """Every result.json that is there, delivered or held."""
        keys = [key for place in ("delivered/", "held/") for key in self.bucket.all_keys(place)]
        return [json.loads(self.bucket.get(key)) | {"key": key} for key in keys if key.endswith("/result.json")]

    def stop(self) -> None:
        """Ends all of it."""
        self.look()
        for process in self.processes.values():
            process.send_signal(SIGTERM)
        end = time.monotonic() + _CALM_S
        for process in self.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, end - time.monotonic()))
            process.kill()
            process.wait()
        for pid in self.seen:
            with suppress(ProcessLookupError):
                os.kill(pid, SIGKILL)


@contextmanager
def room(
    octavia: Octavia, bucket: Bucket, folder: Path, settings: dict[str, Any], *, at_once: int = 2
) -> Generator[Room]:
    """The room, open, as `octavia ui` has it but with engines for `at_once` runs. `settings` are the catalogue's."""
    home = octavia.home
    (home / "dagster").mkdir(parents=True)
    (home / "store").mkdir()
    (home / "store" / "settings.yaml").write_text(yaml.safe_dump(settings))
    configured = deepcopy(DAGSTER_YAML)
    configured["concurrency"]["pools"]["default_limit"] = at_once
    (home / "dagster" / "dagster.yaml").write_text(yaml.safe_dump(configured))
    port = free_port()
    where = [{"grpc_server": {"host": "127.0.0.1", "port": port, "location_name": "octavia"}}]
    (folder / "workspace.yaml").write_text(yaml.safe_dump({"load_from": where}))
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        found = Room(octavia, bucket, instance, folder, port)
        try:
            for name in ("code server", "daemon"):
                found.start(name)
            yield found
        finally:
            found.stop()
