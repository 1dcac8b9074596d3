"""At risk: a run whose process was killed and that is at work for ever; a run at work that is called a ghost."""

import subprocess
import sys
import time
import uuid
from collections.abc import Generator
from pathlib import Path

import dagster as dg
import pytest

from octavia_dag.resources.ghosts import HOST_TAG, PROCESS_TAG, clear_ghosts, process_tags

LAUNCHED = {".dagster/grpc_info": '{"host": "127.0.0.1", "port": 1}'}


@dg.job
def some_job() -> None:
    """Nothing."""


@pytest.fixture
def instance() -> Generator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


def started(instance: dg.DagsterInstance, tags: dict[str, str]) -> str:
    """A run at work; of "{run}" in a tag it is the run's own."""
    run_id = str(uuid.uuid4())
    told = {tag: value.replace("{run}", run_id) for tag, value in tags.items()}
    return instance.create_run_for_job(some_job, run_id=run_id, tags=told, status=dg.DagsterRunStatus.STARTED).run_id


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def ended_process() -> str:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return f"{process.pid} 1"


def test_a_run_whose_process_is_gone_is_closed(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run_id = started(instance, {**process_tags("{run}"), PROCESS_TAG: f"{{run}} {ended_process()}"})
    assert clear_ghosts(instance, tmp_path) == 1
    assert status(instance, run_id) is dg.DagsterRunStatus.FAILURE


def test_a_run_that_was_executed_again_is_not_closed_for_the_process_of_the_one_before(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    again = started(instance, {**process_tags("another-run"), PROCESS_TAG: f"another-run {ended_process()}"})
    assert clear_ghosts(instance, tmp_path) == 0
    assert status(instance, again) is dg.DagsterRunStatus.STARTED


@pytest.mark.parametrize("tags", [process_tags("{run}"), {HOST_TAG: "elsewhere", PROCESS_TAG: "{run} 1 1"}, {}])
def test_a_run_that_may_be_at_work_is_left_alone_however_long(
    instance: dg.DagsterInstance, tmp_path: Path, tags: dict[str, str]
) -> None:
    run_id = started(instance, tags)
    assert clear_ghosts(instance, tmp_path, time.time() + 1e6) == 0
    assert status(instance, run_id) is dg.DagsterRunStatus.STARTED


def test_a_run_that_was_launched_and_never_told_its_process_is_given_up_after_a_while(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run_id = started(instance, LAUNCHED)
    assert clear_ghosts(instance, tmp_path, time.time() + 60) == 0
    assert clear_ghosts(instance, tmp_path, time.time() + 600) == 1
    assert status(instance, run_id) is dg.DagsterRunStatus.FAILURE


def test_scratch_of_a_process_that_is_gone_is_removed_and_no_other(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    from octavia_dag.resources.processes import host, owner_prefix

    pid, _, begun = ended_process().partition(" ")
    (tmp_path / f"{pid}-{begun}-{host()}-x").mkdir()
    (tmp_path / f"{owner_prefix()}y").mkdir()
    clear_ghosts(instance, tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == [f"{owner_prefix()}y"]
