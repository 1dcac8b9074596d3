"""At risk: two workers on one run, work for a run that was given up, and processes that outlive a cancelled run."""

import sys
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import dagster as dg
import pytest

from octavia_dag.fleet import worker
from octavia_dag.fleet.runpod import CLAIMED_TAG
from octavia_dag.resources.claims import claim, claimed_by
from octavia_dag.resources.memory import Memory

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
    assert found.tags[CLAIMED_TAG] == claimed_by(memory, run.run_id)


def test_a_run_that_has_ended_is_left_alone(instance: dg.DagsterInstance, memory: Memory, tmp_path: Path) -> None:
    run, path = started(instance), tmp_path / "done"
    instance.report_run_failed(run, "given up")
    told = worker.work({"run_id": run.run_id, "command": counting(path)}, "job-1", instance, memory)
    assert told["left"] == "it has ended"
    assert not path.exists()


def test_a_run_that_nobody_knows_is_left_alone(instance: dg.DagsterInstance, memory: Memory, tmp_path: Path) -> None:
    told = worker.work({"run_id": "nobody", "command": counting(tmp_path / "done")}, "job-1", instance, memory)
    assert told["left"] == "nobody knows it"


def test_of_many_that_ask_at_once_one_has_it(memory: Memory) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(partial(claim, memory, "run"), [f"worker-{number}" for number in range(16)]))
    assert answers.count(True) == 1


def test_who_has_it_may_ask_again(memory: Memory) -> None:
    assert claim(memory, "run", "worker")
    assert claim(memory, "run", "worker")
    assert not claim(memory, "run", "another")


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
