"""At risk: a run handed to nobody, to two workers, or to one that is dead; a secret in what is handed out.

Redis and Postgres are the real ones; the worker is the command.
"""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM

import dagster as dg
import pytest
import redis
import yaml
from dagster._core.launcher import LaunchRunContext, WorkerStatus
from octavia_command import Octavia, make_octavia
from servers import PASSWORD, USER, Postgres, Redis, serving

from octavia_dag.errors import SettingsError
from octavia_dag.fleet.celery_queue import QueueAwayError, queue_app, send, urgency
from octavia_dag.graph import COMPUTE_TAG
from octavia_dag.resources.claims import claim, claimed
from octavia_dag.resources.memory import Memory

pytestmark = pytest.mark.fleet
LOST_S = 12.0


@dg.op
def sleep() -> None:
    time.sleep(60)


@dg.job
def long() -> None:
    sleep()


@dataclass
class House:
    broker: Redis
    database: Postgres
    instance: dg.DagsterInstance
    octavia: Octavia

    @property
    def memory(self) -> Memory:
        return Memory(file="", url=self.database.url("octavia"))

    def launched(self, **tags: str) -> dg.DagsterRun:
        origin = dg.reconstructable(long).get_python_origin()
        run = self.instance.create_run_for_job(long, job_code_origin=origin, tags=tags)
        self.instance.run_launcher.launch_run(LaunchRunContext(run, None))
        return self.of(run)

    def of(self, run: dg.DagsterRun) -> dg.DagsterRun:
        found = self.instance.get_run_by_id(run.run_id)
        assert found is not None
        return found

    def health(self, run: dg.DagsterRun) -> WorkerStatus:
        return self.instance.run_launcher.check_run_worker_health(self.of(run)).status

    def handed_out(self) -> str:
        """Everything that lies in the broker."""
        client = redis.Redis(port=self.broker.port, decode_responses=True)
        lists = [key for key in client.keys("*") if client.type(key) == "list"]
        return "".join(str(message) for key in lists for message in client.lrange(key, 0, -1))

    def worker(self, log: Path) -> subprocess.Popen[bytes]:
        environment = self.octavia.environment() | {"PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", "from octavia_dag.cli import main; main()", "worker"]
        return subprocess.Popen(
            command,
            env={**environment, "DAGSTER_PG_PASSWORD": PASSWORD, "OCTAVIA_BROKER_URL": self.broker.url,
                 "OCTAVIA_MEMORY_URL": self.database.url("octavia")},
            stdout=log.open("wb"), stderr=subprocess.STDOUT,
        )  # fmt: skip


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Redis, Postgres]]:
    with serving(tmp_path_factory.mktemp("servers"), "dagster", "octavia") as found:
        yield found


@pytest.fixture
def house(
    servers: tuple[Redis, Postgres], tmp_path: Path, models_dir: str, monkeypatch: pytest.MonkeyPatch
) -> Generator[House]:
    broker, database = servers
    redis.Redis(port=broker.port).flushall()
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", PASSWORD)
    monkeypatch.setenv("OCTAVIA_BROKER_URL", broker.url)
    monkeypatch.setenv("OCTAVIA_MEMORY_URL", database.url("octavia"))
    place = {"username": USER, "password": {"env": "DAGSTER_PG_PASSWORD"}, "hostname": "127.0.0.1",
             "port": database.port, "db_name": "dagster", "scheme": "postgresql+psycopg2"}  # fmt: skip
    told = {"broker": {"env": "OCTAVIA_BROKER_URL"}, "claims": {"env": "OCTAVIA_MEMORY_URL"}, "lost_s": LOST_S}
    octavia = make_octavia(tmp_path, models_dir)
    home = octavia.home / "dagster"
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text(
        yaml.safe_dump(
            {
                "storage": {"postgres": {"postgres_db": place}},
                "run_launcher": {
                    "module": "octavia_dag.fleet.celery_runs",
                    "class": "CeleryRunLauncher",
                    "config": told,
                },
            }
        )
    )
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield House(broker, database, instance, octavia)


def until(house: House, run: dg.DagsterRun, *wanted: dg.DagsterRunStatus, limit_s: float = 90.0) -> float:
    begun = time.monotonic()
    while house.of(run).status not in wanted:
        assert time.monotonic() - begun < limit_s, house.of(run).status
        time.sleep(0.1)
    return time.monotonic() - begun


@pytest.mark.parametrize("queue", ["gpu", "cpu"])
def test_a_run_waits_in_the_queue_that_its_tag_names(house: House, queue: str) -> None:
    house.launched(**{COMPUTE_TAG: queue})
    client = redis.Redis(port=house.broker.port, decode_responses=True)
    waiting = {str(key).split("\x06")[0] for key in client.keys("*") if client.type(key) == "list"}
    assert waiting == {queue}


def test_no_secret_is_handed_out(house: House) -> None:
    run = house.launched()
    handed_out = house.handed_out()
    body = json.loads(handed_out)["body"]
    assert run.run_id in base64.b64decode(body).decode()
    assert PASSWORD not in handed_out
    assert PASSWORD not in base64.b64decode(body).decode()


def test_a_run_that_waits_is_taken_back_at_once_and_no_worker_gets_it(house: House) -> None:
    run = house.launched()
    assert house.instance.run_launcher.terminate(run.run_id)
    assert house.of(run).status is dg.DagsterRunStatus.CANCELED
    assert not claim(house.memory, run.run_id, "late")


def test_a_run_that_its_worker_speaks_of_is_alive_and_one_that_nobody_speaks_of_is_lost(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = house.launched()
    assert house.health(run) is WorkerStatus.NOT_FOUND
    assert claim(house.memory, run.run_id, "somebody")
    assert house.health(run) is WorkerStatus.RUNNING
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + LOST_S + 1)
    assert house.health(run) is WorkerStatus.NOT_FOUND


def test_a_worker_runs_it_and_a_cancel_ends_it_within_five_seconds(house: House, tmp_path: Path) -> None:
    process = house.worker(tmp_path / "worker.log")
    try:
        run = house.launched()
        until(house, run, dg.DagsterRunStatus.STARTED)
        assert house.health(run) is WorkerStatus.RUNNING
        assert house.instance.run_launcher.terminate(run.run_id)
        took = until(house, run, dg.DagsterRunStatus.CANCELED)
        has = claimed(house.memory, run.run_id)
        while has is not None and has.ended is None and took < 30:  # it is over when its process is
            time.sleep(0.1)
            took, has = took + 0.1, claimed(house.memory, run.run_id)
        assert took < 5.0 + 2.0  # slack for a busy machine
    finally:
        process.send_signal(SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def test_a_broker_that_is_restarted_is_waited_for(house: House) -> None:
    house.broker.kill()
    timer = threading.Timer(5.0, house.broker.start)
    timer.start()
    try:
        run = house.launched()
    finally:
        timer.join()
    assert run.run_id in base64.b64decode(json.loads(house.handed_out())["body"]).decode()


def test_a_broker_that_stays_away_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octavia_dag.fleet.celery_queue._PATIENCE", {"max_retries": 1, "interval_start": 0.1})
    with pytest.raises(QueueAwayError, match="Handing r1 to the queue cpu failed: its broker cannot be reached"):
        send(queue_app("redis://127.0.0.1:1/0"), {"run_id": "r1"}, {})


def test_an_address_that_is_no_redis_is_refused_without_showing_it() -> None:
    with pytest.raises(SettingsError, match="OCTAVIA_BROKER_URL") as refused:
        queue_app("amqp://me:hush@host")
    assert "hush" not in str(refused.value)


def test_a_queue_that_nobody_listens_to_is_refused() -> None:
    with pytest.raises(SettingsError, match="'tpu' has no queue; there are gpu and cpu"):
        send(queue_app("redis://127.0.0.1:1/0"), {"run_id": "r1"}, {COMPUTE_TAG: "tpu"})


def test_what_is_urgent_goes_before_the_usual_and_that_before_a_catalogue() -> None:
    levels = [urgency({"dagster/priority": told}) for told in ("3", "0", "-12")]
    assert levels == sorted(set(levels))
    assert urgency({}) == levels[1]
