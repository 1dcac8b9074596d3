"""A whole fleet on this machine, each part a process that can be killed: code server, daemon, webserver and two Celery
workers over Redis and Postgres, and a GPU provider whose pods are processes too. The storage is a folder.

Configured as deploy/dagster.yaml has it, with shorter waits. What dies is started again by the test, as a supervisor
would. All of it ends with the test, by process id.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any

import dagster as dg
import yaml
from bucket import free_port
from cryptography.fernet import Fernet
from daemon import descendants
from dagster._core.run_coordinator.base import SubmitRunContext
from dagster._core.test_utils import create_run_for_test
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import GrpcServerTarget
from octavia_command import Octavia
from provider import Provider, running
from servers import PASSWORD, USER, Postgres, Redis, serving

from octavia_dag.definitions import workshop
from octavia_dag.environment import read
from octavia_dag.fleet.queue import TENANT_TAG
from octavia_dag.resources.videos import records
from octavia_dag.resources.workshop import Workshop

CODE = "octavia_dag.definitions"
LANGUAGES = ("es", "pt-BR")
WORKERS = ("worker 1", "worker 2")
LOST_S = 24.0
AT_ONCE = 4
PER_TENANT = {"key": TENANT_TAG, "value": {"applyLimitPerUniqueValue": True}, "limit": 2}
_ENDPOINT, _KEY = "dub", "right"


@dataclass
class Fleet:
    """The processes over one installation."""

    octavia: Octavia
    folder: Path
    redis: Redis
    postgres: Postgres
    provider: Provider
    port: int
    steps: str = "here"
    languages: tuple[str, ...] = LANGUAGES
    voice_key: str = field(default_factory=lambda: Fernet.generate_key().decode())
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict[str, subprocess.Popen[bytes]])
    seen: set[int] = field(default_factory=set[int])
    most_connections: int = 0

    @property
    def storage(self) -> Path:
        return self.folder / "storage"

    @property
    def tools(self) -> Workshop:
        return workshop(read(self.octavia.home))

    def environment(self) -> dict[str, str]:
        return {
            **self.octavia.environment(),
            "DAGSTER_HOME": str(self.octavia.home / "dagster"),
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "OCTAVIA_STORAGE": str(self.storage),
            "OCTAVIA_BROKER_URL": self.redis.url,
            "OCTAVIA_MEMORY_URL": self.postgres.url("octavia"),
            "OCTAVIA_STEPS": self.steps,
            "OCTAVIA_VOICE_KEY": self.voice_key,
            "DAGSTER_PG_PASSWORD": PASSWORD,
            "OCTAVIA_RUNPOD_KEY": _KEY,
            "PYTHONUNBUFFERED": "1",
        }

    def start(self, name: str) -> None:
        """Starts one of the processes."""
        workspace = ["-w", str(self.folder / "workspace.yaml")]
        octavia = ["-c", "from octavia_dag.cli import main; main()"]
        command = {
            "code server": ["-m", "dagster", "api", "grpc", "-h", "127.0.0.1", "-p", str(self.port), "-m", CODE],
            "daemon": ["-m", "dagster._daemon", "run", *workspace],
            "webserver": ["-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(free_port()), *workspace],
            **{one: [*octavia, "worker", "--name", f"{one[-1]}@%h", "--at-once", "1"] for one in WORKERS},
        }[name]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *command],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self, name: str) -> None:
        """Kills one of the parts and starts it again."""
        if name in ("redis", "postgres"):
            server = self.redis if name == "redis" else self.postgres
            server.kill()
            time.sleep(5.0)
            server.start()
            return
        self.look()
        self.processes[name].kill()
        self.processes[name].wait()
        self.start(name)

    def drop(self, videos: Sequence[Path]) -> None:
        """All at once, each whole when it appears."""
        place = self.storage / "incoming" / "+".join(self.languages)
        place.mkdir(parents=True, exist_ok=True)
        for video in videos:
            shutil.copyfile(video, place / f".{video.name}")
            (place / f".{video.name}").rename(place / video.name)

    def compute(self, where: str) -> None:
        """Sends what is queued from now on there."""
        path = self.octavia.home / "store" / "settings.yaml"
        layer = yaml.safe_load(path.read_text())
        layer["engines"] = {"compute": where}
        part = path.with_suffix(".part")
        part.write_text(yaml.safe_dump(layer))
        part.rename(path)

    def look(self) -> None:
        """Remembers all processes, and how many connections there are to the database at most."""
        for process in self.processes.values():
            self.seen |= set(descendants(process.pid))
        self.most_connections = max(self.most_connections, self.postgres.connections())

    def wait(self, condition: Callable[[], bool], limit_s: float, what: str) -> float:
        """Until it holds; returns how long that took."""
        begun = time.monotonic()
        while not condition():
            assert time.monotonic() - begun < limit_s, f"waiting for {what}: {self.told()}"
            self.look()
            time.sleep(1.0)
        return time.monotonic() - begun

    def told(self) -> str:
        """What is there when something does not come."""
        runs = Counter((run.job_name, run.status.value) for run in self.runs())
        logs = "\n".join(f"--- {path.name}\n{path.read_text()[-1500:]}" for path in self.folder.glob("*.log"))
        return f"{runs}\n{self.handed()} handed over, {self.redis.waiting()} messages wait\n{logs}"

    def runs(self, job: str | None = None) -> list[dg.DagsterRun]:
        """All runs, the newest first."""
        with self.instance() as instance:
            return list(instance.get_runs(dg.RunsFilter(job_name=job)))

    def submit(self, job: str, each: Sequence[Mapping[str, str]]) -> list[str]:
        """Queues runs with these tags, as the webserver and the daemon do; returns their ids."""
        target = GrpcServerTarget(host="127.0.0.1", port=self.port, socket=None, location_name="octavia")
        with self.instance() as instance, WorkspaceProcessContext(instance, target) as context:
            workspace = context.create_request_context()
            found = workspace.get_code_location("octavia").get_repository("__repository__").get_full_job(job)
            made: list[str] = []
            for tags in each:
                run = create_run_for_test(
                    instance, job_name=job, tags=dict(tags), remote_job_origin=found.get_remote_origin(),
                    job_code_origin=found.get_python_origin(), job_snapshot=found.job_snapshot,
                )  # fmt: skip
                instance.run_coordinator.submit_run(SubmitRunContext(run, workspace))
                made.append(run.run_id)
        return made

    def ended(self) -> int:
        """How many runs that ask engines are over."""
        return sum(run.is_finished for job in ("analyse_video", "dub_video") for run in self.runs(job))

    @contextmanager
    def instance(self) -> Generator[dg.DagsterInstance]:
        with dg.DagsterInstance.from_config(str(self.octavia.home / "dagster")) as instance:
            yield instance

    def handed(self) -> int:
        """How many results there are."""
        return len(self.results())

    def results(self) -> list[dict[str, Any]]:
        """Every result.json that is there, delivered or held."""
        paths = [path for place in ("delivered", "held") for path in self.storage.glob(f"{place}/*/*/result.json")]
        return [json.loads(path.read_bytes()) | {"folder": path.parent} for path in paths]

    def whole(self, videos: Sequence[Path]) -> None:
        """What holds at rest: every video into every language, once, whole; nothing is left behind."""
        known = records(self.tools.store)
        assert sorted(one.sha256 for one in known) == sorted(
            hashlib.sha256(path.read_bytes()).hexdigest() for path in videos
        )
        results = self.results()
        assert Counter((one["video"], one["language"]) for one in results) == Counter(
            (one.id, tag) for one in known for tag in self.languages
        )
        for one in results:
            for name, file in one["files"].items():
                assert hashlib.sha256((one["folder"] / name).read_bytes()).hexdigest() == file["sha256"]
        assert [path for path in (self.storage / "incoming").rglob("*") if path.is_file()] == []
        assert list((self.octavia.home / "scratch").iterdir()) == []

    def stop(self) -> None:
        """Ends all of it."""
        with suppress(Exception):
            self.look()
        for process in self.processes.values():
            process.send_signal(SIGTERM)
        end = time.monotonic() + 20.0
        for process in self.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, end - time.monotonic()))
            process.kill()
            process.wait()
        for pid in self.seen:
            with suppress(ProcessLookupError):
                os.kill(pid, SIGKILL)


def _configuration(fleet: Fleet) -> dict[str, Any]:
    database = {"username": USER, "password": {"env": "DAGSTER_PG_PASSWORD"}, "hostname": "127.0.0.1",
                "port": fleet.postgres.port, "db_name": "dagster", "scheme": "postgresql+psycopg2"}  # fmt: skip
    celery = {"broker": {"env": "OCTAVIA_BROKER_URL"}, "claims": {"env": "OCTAVIA_MEMORY_URL"}, "lost_s": LOST_S}
    runpod = {"endpoint": _ENDPOINT, "jobs_url": fleet.provider.address, "rest_url": fleet.provider.address,
              "claim_s": 40}  # fmt: skip
    launchers = {
        "local": {"module": "dagster", "class": "DefaultRunLauncher"},
        "cpu": {"module": "octavia_dag.fleet.celery_runs", "class": "CeleryRunLauncher", "config": celery},
        "gpu": {"module": "octavia_dag.fleet.runpod", "class": "RunPodRunLauncher", "config": runpod},
    }
    return {
        "storage": {"postgres": {"postgres_db": database}},
        "run_coordinator": {"module": "octavia_dag.fleet.queue", "class": "FleetRunCoordinator",
                            "config": {"home": str(fleet.octavia.home), "dequeue_interval_seconds": 2}},
        "run_launcher": {"module": "octavia_dag.fleet.routing", "class": "RoutingRunLauncher",
                         "config": {"default": "local", "launchers": launchers}},
        "concurrency": {"runs": {"max_concurrent_runs": AT_ONCE + 2, "tag_concurrency_limits": [PER_TENANT]},
                        "pools": {"granularity": "run", "default_limit": AT_ONCE}},
        "run_monitoring": {"enabled": True, "poll_interval_seconds": 5, "start_timeout_seconds": 90,
                           "cancel_timeout_seconds": 30, "free_slots_after_run_end_seconds": 30},
        "run_retries": {"enabled": True, "max_retries": 3, "retry_on_asset_or_op_failure": False},
        "telemetry": {"enabled": False},
    }  # fmt: skip


def pod(environment: Callable[[], dict[str, str]], log: Path) -> Callable[[dict[str, Any], str], dict[str, Any]]:
    """What a pod does with a job: the same as deploy/runpod/handler.py, in a process of its own."""

    def handle(job: dict[str, Any], job_id: str) -> dict[str, Any]:
        code = (
            "import json, sys, dagster as dg;"
            "from octavia_dag import environment; from octavia_dag.definitions import workshop;"
            "from octavia_dag.fleet.worker import work;"
            "here = environment.read(); environment.enter(here); instance = dg.DagsterInstance.get();"
            "print(json.dumps(work(json.loads(sys.argv[1]), sys.argv[2], instance, workshop(here).memory)))"
        )
        with log.open("ab") as err:
            done = subprocess.run(
                [sys.executable, "-c", code, json.dumps(job), job_id],
                env=environment(), stdout=subprocess.PIPE, stderr=err, check=False,
            )  # fmt: skip
        lines = done.stdout.decode().strip().splitlines()
        return json.loads(lines[-1]) if done.returncode == 0 and lines else {"exit_code": done.returncode}

    return handle


@contextmanager
def fleet_room(
    octavia: Octavia,
    folder: Path,
    settings: dict[str, Any],
    *,
    steps: str = "here",
    languages: tuple[str, ...] = LANGUAGES,
) -> Generator[Fleet]:
    """The fleet, at work. `settings` are the catalogue's; `steps` is where the steps of a run go."""
    home = octavia.home
    (home / "dagster").mkdir(parents=True)
    (home / "store").mkdir()
    (home / "store" / "settings.yaml").write_text(yaml.safe_dump(settings))
    with serving(folder / "servers", "dagster", "octavia") as (broker, database), running() as provider:
        fleet = Fleet(octavia, folder, broker, database, provider, free_port(), steps, languages)
        fleet.provider.worker = pod(fleet.environment, folder / "pods.log")
        fleet.storage.mkdir()
        (home / "dagster" / "dagster.yaml").write_text(yaml.safe_dump(_configuration(fleet)))
        where = [{"grpc_server": {"host": "127.0.0.1", "port": fleet.port, "location_name": "octavia"}}]
        (folder / "workspace.yaml").write_text(yaml.safe_dump({"load_from": where}))
        os.environ["DAGSTER_PG_PASSWORD"] = PASSWORD  # this process asks the database too
        os.environ |= {name: fleet.environment()[name] for name in ("OCTAVIA_BROKER_URL", "OCTAVIA_MEMORY_URL")}
        os.environ["OCTAVIA_RUNPOD_KEY"] = _KEY
        try:
            for name in ("code server", "daemon", "webserver", *WORKERS):
                fleet.start(name)
            yield fleet
        finally:
            fleet.stop()
            provider.settle()
