"""Why a run failed, in one sentence that may be shown to anybody.

A failure of the tree of errors carries its sentence. Of anything else only the kind of the error is told: its text was
written for whoever debugs it, and may hold what nobody should read.
"""

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
        kind = _kind(data.error)
        checks = _checks(instance, run) if kind == _CHECK_FAILED else ""
        return checks or f"The step {event.step_key} failed ({kind}); the run in the UI tells more."
    return f"The run of {run.job_name} was killed, or could not start; the run in the UI tells more."


def _kind(error: Any) -> str:
    while error is not None and error.cause is not None:
        error = error.cause
    return (error.cls_name if error is not None else None) or "an error without a name"


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
