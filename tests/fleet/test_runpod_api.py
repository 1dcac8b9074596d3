"""At risk: a job submitted twice, one given up that is being worked on, and a key in a message."""

from collections.abc import Generator

import pytest
from provider import Provider, running

from octavia_dag.fleet.runpod_api import AnswerLostError, ProviderError, RunPod

pytestmark = pytest.mark.fleet

JOB = {"run_id": "one"}


@pytest.fixture
def provider() -> Generator[Provider]:
    with running() as found:
        yield found


def api(provider: Provider, key: str = "right") -> RunPod:
    return RunPod("dub", key, provider.address, provider.address, timeout_s=5.0, longest_wait_s=0.02)


def submitted(provider: Provider) -> str:
    return api(provider).submit(JOB, timeout_s=60, wait_s=600)


@pytest.mark.parametrize("faults", [[], ["429"], ["500", "429", "500"], ["429"] * 5])
def test_what_is_refused_for_now_is_asked_again_until_it_is_taken_once(provider: Provider, faults: list[str]) -> None:
    provider.faults = list(faults)
    job = submitted(provider)
    assert provider.jobs == {job: JOB}
    assert provider.submissions == len(faults) + 1


def test_it_does_not_ask_for_ever(provider: Provider) -> None:
    provider.faults = ["500"] * 100
    with pytest.raises(ProviderError, match=r"failed 6 times \(status 500\)"):
        submitted(provider)
    assert provider.submissions == 6


@pytest.mark.parametrize(("fault", "jobs"), [("lost", 1), ("dropped", 0), ("garbled", 1)])
def test_a_submission_whose_answer_is_lost_is_never_made_again(provider: Provider, fault: str, jobs: int) -> None:
    provider.faults = [fault]
    with pytest.raises(AnswerLostError):
        submitted(provider)
    assert (provider.submissions, len(provider.jobs)) == (1, jobs)


@pytest.mark.parametrize(
    ("told", "state"),
    [("IN_QUEUE", "waiting"), ("IN_PROGRESS", "working"), ("RUNNING", "working"), ("COMPLETED", "done"),
     ("FAILED", "failed"), ("CANCELLED", "failed"), ("TIMED_OUT", "failed"), ("SOMETHING_NEW", "unknown")],
)  # fmt: skip
def test_every_state_has_a_meaning(provider: Provider, told: str, state: str) -> None:
    job = submitted(provider)
    provider.states[job] = told
    assert api(provider).state(job) == state


def test_a_job_that_the_provider_forgot_is_unknown_and_not_an_error(provider: Provider) -> None:
    assert api(provider).state("job-99") == "unknown"


def test_a_wrong_key_is_said_at_once_and_never_shown(provider: Provider) -> None:
    with pytest.raises(ProviderError, match=r"refused with status 401 \(is the key right\?\)") as caught:
        api(provider, "a-secret").health()
    assert "a-secret" not in str(caught.value)


def test_what_the_provider_has_to_do_is_counted(provider: Provider) -> None:
    submitted(provider)
    api(provider).keep_workers(3)
    found = api(provider).health()
    assert (found.waiting, found.working, found.idle) == (1, 0, 3)


def test_a_job_is_cancelled(provider: Provider) -> None:
    job = submitted(provider)
    api(provider).cancel(job)
    assert api(provider).state(job) == "failed"
