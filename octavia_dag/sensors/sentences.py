"""Why a run failed, as the one sentence that people are told."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

_CHECK_FAILED = "DagsterAssetCheckFailedError"


def failure_sentence(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """The sentence of the step that failed first; what is known where no step did."""
    if run.status is dg.DagsterRunStatus.CANCELED:
        return f"The run of {run.job_name} was cancelled; launch it again."
    for event in _events(instance, run, dg.DagsterEventType.STEP_FAILURE):
        data = event.step_failure_data
        if data.user_failure_data is not None and data.user_failure_data.description:
            return _one_line(data.user_failure_data.description)
        if data.error is None:
            continue
        error = data.error
        while error.cause is not None:
            error = error.cause
        if error.cls_name == _CHECK_FAILED:
            return _checks(instance, run) or _one_line(error.message)
        return f"The step {event.step_key} failed ({_one_line(error.message)}); run {run.run_id} in the UI tells more."
    return f"The run of {run.job_name} was killed again and again; look at run {run.run_id} in the UI."


def _checks(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """What the blocking checks that failed say."""
    found = (
        event.asset_check_evaluation_data
        for event in _events(instance, run, dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    )
    return " ".join(_one_line(one.description) for one in found if not one.passed and one.blocking and one.description)


def _events(instance: dg.DagsterInstance, run: dg.DagsterRun, kind: dg.DagsterEventType) -> Iterator[Any]:
    for record in instance.get_records_for_run(run.run_id, of_type=kind).records:
        if record.event_log_entry.dagster_event is not None:
            yield record.event_log_entry.dagster_event


def _one_line(text: str) -> str:
    return " ".join(text.split())
