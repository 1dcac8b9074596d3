"""At risk: a step that is given up for a cause that would have passed, or tried again for one that never will."""

from typing import Any

import dagster as dg
import pytest

from octavia_dag.assets import failing
from octavia_dag.assets.failing import told_to_dagster
from octavia_dag.errors import InputError, OctaviaError, StorageError

AWAY = StorageError("The database is away; see that it runs.", passing=True)
NO_VIDEO = InputError("It is no video; give one.")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failing, "RETRIES", dg.RetryPolicy(max_retries=2, delay=0))


def run(*errors: BaseException) -> tuple[int, dg.ExecuteInProcessResult]:
    """A step that meets these errors one after the other: how often it was tried, and how its run ended."""
    left, times = list(errors), [0]

    @dg.asset
    def some(context: dg.AssetExecutionContext) -> None:
        times[0] += 1
        with told_to_dagster(context):
            if left:
                raise left.pop(0)

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([some], raise_on_error=False, instance=instance)
    return times[0], result


def told(result: dg.ExecuteInProcessResult) -> tuple[str | None, Any]:
    (event,) = [one for one in result.all_events if one.is_step_failure]
    data = event.step_failure_data.user_failure_data
    assert data is not None
    return data.description, data.metadata["exit_code"].value


@pytest.mark.parametrize("times", [1, 2])
def test_what_may_pass_is_tried_again(times: int) -> None:
    tries, result = run(*[AWAY] * times)
    assert (tries, result.success) == (times + 1, True)


def test_what_does_not_pass_in_three_tries_fails_with_its_sentence() -> None:
    tries, result = run(*[AWAY] * 4)
    assert (tries, result.success) == (3, False)
    assert told(result) == (str(AWAY), OctaviaError.exit_code)


def test_what_cannot_pass_fails_at_once() -> None:
    tries, result = run(NO_VIDEO)
    assert (tries, result.success) == (1, False)
    assert told(result) == (str(NO_VIDEO), InputError.exit_code)


def test_what_somebody_interrupts_is_not_tried_again() -> None:
    tries, result = run(dg.DagsterExecutionInterruptedError())
    assert (tries, result.success) == (1, False)
