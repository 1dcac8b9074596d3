"""At risk: a run submitted twice, one that waits for ever for a job that never was, and a key that is written down."""

import time
from collections.abc import Generator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.launcher import LaunchRunContext, WorkerStatus
from provider import Provider, running

from octavia_dag.errors import SettingsError
from octavia_dag.fleet import worker
from octavia_dag.fleet.runpod import ASKED_TAG, CLAIMED_TAG, JOB_TAG
from octavia_dag.resources.memory import Memory
from octavia_dag.resources.own_tags import own, own_value

pytestmark = pytest.mark.fleet


@dg.job
def quick() -> None:
    return


@pytest.fixture
def provider() -> Generator[Provider]:
    with running() as found:
        yield found


@pytest.fixture
def instance(tmp_path: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Generator[dg.DagsterInstance]:
    monkeypatch.setenv("OCTAVIA_RUNPOD_KEY", "right")
    config = {"endpoint": "dub", "jobs_url": provider.address, "rest_url": provider.address}
    told = {"module": "octavia_dag.fleet.runpod", "class": "RunPodRunLauncher", "config": config}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({"run_launcher": told}), encoding="utf-8")
    with dg.DagsterInstance.from_config(str(tmp_path)) as found:
        yield found


def created(instance: dg.DagsterInstance) -> dg.DagsterRun:
    return instance.create_run_for_job(quick, job_code_origin=dg.reconstructable(quick).get_python_origin())


def launched(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRun:
    instance.run_launcher.launch_run(LaunchRunContext(run, None))
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


def long_ago(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """As if it had been submitted an hour ago."""
    instance.add_run_tags(run.run_id, {ASKED_TAG: own(run.run_id, str(time.time() - 3600))})


def health(instance: dg.DagsterInstance, run: dg.DagsterRun) -> WorkerStatus:
    return instance.run_launcher.check_run_worker_health(run).status


def test_a_run_is_submitted_with_the_command_that_executes_it(instance: dg.DagsterInstance, provider: Provider) -> None:
    run = launched(instance, created(instance))
    job = own_value(run, JOB_TAG)
    assert provider.jobs[job]["run_id"] == run.run_id
    assert provider.jobs[job]["command"][:4] == ["dagster", "api", "execute_run", provider.jobs[job]["command"][3]]
    assert health(instance, run) is WorkerStatus.RUNNING


def test_a_launch_that_is_repeated_submits_nothing(instance: dg.DagsterInstance, provider: Provider) -> None:
    run = launched(instance, created(instance))
    launched(instance, run)
    assert provider.submissions == 1


def test_a_run_that_is_executed_again_with_the_tags_of_a_lost_one_is_submitted(
    instance: dg.DagsterInstance, provider: Provider
) -> None:
    lost = launched(instance, created(instance))
    again = created(instance)
    instance.add_run_tags(again.run_id, {tag: lost.tags[tag] for tag in (ASKED_TAG, JOB_TAG)})
    assert own_value(launched(instance, again), JOB_TAG) not in ("", own_value(lost, JOB_TAG))
    assert provider.submissions == 2


@pytest.mark.parametrize("fault", ["lost", "dropped", "garbled"])
def test_after_a_lost_answer_nothing_is_submitted_again_and_the_run_is_lost_if_nobody_claims_it(
    instance: dg.DagsterInstance, provider: Provider, fault: str
) -> None:
    provider.faults = [fault]
    run = launched(instance, created(instance))
    assert ASKED_TAG in run.tags
    assert JOB_TAG not in run.tags
    launched(instance, run)
    assert provider.submissions == 1
    assert health(instance, run) is WorkerStatus.RUNNING
    long_ago(instance, run)
    assert health(instance, run) is WorkerStatus.NOT_FOUND


def test_a_worker_that_claims_the_run_makes_good_for_a_lost_answer(
    instance: dg.DagsterInstance, provider: Provider, tmp_path: Path
) -> None:
    memory = Memory(file=str(tmp_path / "memory.sqlite"))
    provider.faults = ["lost"]
    run = launched(instance, created(instance))
    (job,) = provider.jobs
    provider.states[job] = "IN_PROGRESS"
    instance.add_run_tags(run.run_id, {CLAIMED_TAG: own(run.run_id, job)})
    long_ago(instance, run)
    assert health(instance, run) is WorkerStatus.RUNNING
    worker.work({"run_id": run.run_id, "command": ["true"]}, job, instance, memory)
    assert health(instance, run) is WorkerStatus.SUCCESS


@pytest.mark.parametrize("told", ["FAILED", "TIMED_OUT", "COMPLETED"])
def test_a_job_that_ended_before_its_run_has_failed(
    instance: dg.DagsterInstance, provider: Provider, told: str
) -> None:
    run = launched(instance, created(instance))
    provider.states[own_value(run, JOB_TAG)] = told
    assert health(instance, run) is WorkerStatus.FAILED


def test_a_job_that_the_provider_forgot_is_a_lost_worker(instance: dg.DagsterInstance, provider: Provider) -> None:
    run = launched(instance, created(instance))
    provider.states.clear()
    assert health(instance, run) is WorkerStatus.NOT_FOUND


def test_a_job_that_waits_is_taken_back_when_its_run_is_ended(instance: dg.DagsterInstance, provider: Provider) -> None:
    run = launched(instance, created(instance))
    assert instance.run_launcher.terminate(run.run_id)
    assert provider.states[own_value(run, JOB_TAG)] == "CANCELLED"
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.CANCELED


def test_a_run_at_work_is_left_to_its_worker_to_end(instance: dg.DagsterInstance, provider: Provider) -> None:
    run = launched(instance, created(instance))
    provider.states[own_value(run, JOB_TAG)] = "IN_PROGRESS"
    assert instance.run_launcher.terminate(run.run_id)
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.CANCELING


def test_without_a_key_the_sentence_says_where_it_belongs(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCTAVIA_RUNPOD_KEY")
    with pytest.raises(SettingsError, match="need the variable OCTAVIA_RUNPOD_KEY"):
        launched(instance, created(instance))


def test_the_key_is_written_nowhere(
    instance: dg.DagsterInstance, provider: Provider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    provider.key = "a-secret-key"
    monkeypatch.setenv("OCTAVIA_RUNPOD_KEY", "a-secret-key")
    launched(instance, created(instance))
    found = [path for path in tmp_path.rglob("*") if path.is_file() and b"a-secret-key" in path.read_bytes()]
    assert found == []
