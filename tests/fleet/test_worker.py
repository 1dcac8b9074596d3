"""At risk: two workers on one run, work for a run that was given up, and processes that outlive a cancelled run."""

import subprocess
import sys
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy.exc import OperationalError

from octavia_dag.errors import StorageError
from octavia_dag.fleet import worker
from octavia_dag.fleet.runpod import CLAIMED_TAG
from octavia_dag.resources import claims
from octavia_dag.resources.claims import claim, claimed, tell
from octavia_dag.resources.memory import Memory
from octavia_dag.resources.own_tags import own_value

pytestmark = pytest.mark.fleet


@dg.job
def nothing() -> None:
    return


@pytest.fixture
def instance(tmp_path: Path) -> Generator[dg.DagsterInstance]:
    (tmp_path / "home").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "home")) as found:
        yield found


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(file=str(tmp_path / "memory.sqlite"))


def started(instance: dg.DagsterInstance) -> dg.DagsterRun:
    return instance.create_run_for_job(nothing)


def lives(pid: int) -> bool:
    """Whether a process is there and no zombie, which only waits to be counted."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def counting(path: Path) -> list[str]:
    return [sys.executable, "-c", f"open({str(path)!r}, 'a').write('once ')"]


def test_a_job_that_comes_twice_is_worked_on_once(instance: dg.DagsterInstance, memory: Memory, tmp_path: Path) -> None:
    run, path = started(instance), tmp_path / "done"
    job = {"run_id": run.run_id, "command": counting(path)}
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(partial(worker.work, job, instance=instance, memory=memory), ["job-1", "job-2"]))
    assert path.read_text() == "once "
    assert sorted("left" in one for one in told) == [False, True]
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    has = claimed(memory, run.run_id)
    assert has is not None
    assert has.worker.startswith(own_value(found, CLAIMED_TAG))
    assert has.ended == 0


def test_a_job_that_is_handed_out_again_under_its_own_id_is_worked_on_once(
    instance: dg.DagsterInstance, memory: Memory, tmp_path: Path
) -> None:
    run, path = started(instance), tmp_path / "done"
    job = {"run_id": run.run_id, "piece": f"{run.run_id}:stems:0", "command": counting(path)}
    told = [worker.work(job, "job-1", instance, memory) for _ in range(2)]
    assert path.read_text() == "once "
    assert [one.get("left") for one in told] == [None, "another worker has it"]


def test_a_run_that_has_ended_is_left_alone(instance: dg.DagsterInstance, memory: Memory, tmp_path: Path) -> None:
    run, path = started(instance), tmp_path / "done"
    instance.report_run_failed(run, "given up")
    told = worker.work({"run_id": run.run_id, "command": counting(path)}, "job-1", instance, memory)
    assert told["left"] == "its run has ended"
    assert not path.exists()


def test_a_run_that_nobody_knows_is_left_alone(instance: dg.DagsterInstance, memory: Memory, tmp_path: Path) -> None:
    told = worker.work({"run_id": "nobody", "command": counting(tmp_path / "done")}, "job-1", instance, memory)
    assert told["left"] == "nobody knows its run"


def test_of_many_that_ask_at_once_one_has_it(memory: Memory) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(partial(claim, memory, "run"), [f"worker-{number}" for number in range(16)]))
    assert answers.count(True) == 1


def test_a_worker_that_is_not_heard_of_is_lost_and_one_that_ended_is_not(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert claim(memory, "silent", "one")
    assert claim(memory, "over", "two")
    tell(memory, "over", ended=0)
    monkeypatch.setattr(time, "time", partial(float, time.time() + 61))
    assert claim(memory, "fresh", "three")
    told = {name: claimed(memory, name) for name in ("silent", "over", "fresh")}
    assert [name for name, one in told.items() if one is not None and one.lost(60)] == ["silent"]


def test_a_run_whose_process_was_killed_has_failed(instance: dg.DagsterInstance, memory: Memory) -> None:
    run = started(instance)
    killed = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    worker.work({"run_id": run.run_id, "command": killed}, "job-1", instance, memory)
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.FAILURE


def test_what_a_killed_worker_had_started_ends_with_it(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    child = f"import os, time; open({str(pids)!r}, 'a').write(f'{{os.getpid()}} '); time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}]); {child}"
    code = "import sys; from octavia_dag.fleet.worker import supervised; supervised(sys.argv[1:], lambda: False)"
    supervisor = subprocess.Popen([sys.executable, "-c", code, sys.executable, "-c", parent])
    try:
        until = time.monotonic() + 60
        while not (pids.exists() and len(pids.read_text().split()) == 2) and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        supervisor.kill()
        supervisor.wait()
    until = time.monotonic() + 10
    started_by_it = [int(pid) for pid in pids.read_text().split()]
    while any(lives(pid) for pid in started_by_it) and time.monotonic() < until:
        time.sleep(0.05)
    assert len(started_by_it) == 2
    assert not any(lives(pid) for pid in started_by_it)


def test_work_goes_on_while_the_database_is_away_but_not_for_ever(
    instance: dg.DagsterInstance, memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, away = started(instance), tmp_path / "away"
    asked, told_of = instance.get_run_by_id, claims.tell

    def ask(run_id: str) -> dg.DagsterRun | None:
        if away.exists():
            raise OperationalError("select", None, Exception("no connection"))
        return asked(run_id)

    def tell_of(*given: Any, **named: Any) -> None:
        if away.exists():
            raise StorageError("The database is away.")
        told_of(*given, **named)

    monkeypatch.setattr(instance, "get_run_by_id", ask)
    monkeypatch.setattr(claims, "tell", tell_of)
    command = [sys.executable, "-c", f"open({str(away)!r}, 'w'); import time; time.sleep(60)"]
    thread = threading.Thread(target=lambda: (time.sleep(12), away.unlink()))
    thread.start()
    begun = time.monotonic()
    told = worker.work({"run_id": run.run_id, "command": command, "lost_s": 12}, "job-1", instance, memory)
    thread.join()
    assert 8 <= time.monotonic() - begun < 30
    assert told["exit_code"] != 0


def test_a_cancelled_run_ends_with_everything_it_started_within_five_seconds(
    instance: dg.DagsterInstance, memory: Memory, tmp_path: Path
) -> None:
    run, child = started(instance), tmp_path / "child"
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    stubborn = (
        f"{deaf} import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {deaf + ' time.sleep(60)'!r}]);"
        f"open({str(child)!r}, 'w').write(str(p.pid)); time.sleep(60)"
    )
    job = {"run_id": run.run_id, "command": [sys.executable, "-c", stubborn]}
    thread = threading.Thread(target=worker.work, args=(job, "job-1", instance, memory))
    thread.start()
    until = time.monotonic() + 30
    while not (child.exists() and child.read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    instance.report_run_canceling(run)
    asked = time.monotonic()
    thread.join(30)
    assert time.monotonic() - asked < 5 + 2  # of which up to 1 s until it looks, and slack for a busy machine
    assert not lives(int(child.read_text()))
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.CANCELED
