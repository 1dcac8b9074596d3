"""Runs whose process is gone: they would stay at work for ever, and what they held with them.

A run tells which process works on it as soon as its tools are set up. One that never came that far is given up after a
while. Dagster's code server notices that itself where it lives on; this is for when it was killed too.
"""

import json
import shutil
import time
from pathlib import Path

import dagster as dg

from octavia_dag.resources.own_tags import own, own_value
from octavia_dag.resources.processes import Owner, host, owner_of, this_process

PROCESS_TAG = "octavia/process"
HOST_TAG = "octavia/host"
# Names where a run was launched by the daemon; a run that the command starts tells its process from the beginning.
_LAUNCHED_TAG = ".dagster/grpc_info"
_ALIVE = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_BEGINS_WITHIN_S = 180.0
KILLED = "The process of this run is gone; it was killed."


def process_tags(run_id: str) -> dict[str, str]:
    """What a run says of the process that works on it, which is this one."""
    process = this_process()
    return {HOST_TAG: process.host, PROCESS_TAG: own(run_id, f"{process.pid} {process.started}".strip())}


def clear_ghosts(instance: dg.DagsterInstance, scratch: Path, now: float | None = None) -> int:
    """Closes runs whose process on this machine is gone, and removes their scratch; returns how many runs."""
    cleared = 0
    for record in instance.get_run_records(dg.RunsFilter(statuses=_ALIVE)):
        still_s = (time.time() if now is None else now) - record.update_timestamp.timestamp()
        if _gone(record.dagster_run, still_s):
            instance.report_run_failed(record.dagster_run, KILLED)
            cleared += 1
    for folder in scratch.glob("*"):
        owner = owner_of(folder.name)
        if owner is not None and owner.gone:
            shutil.rmtree(folder, ignore_errors=True)
    return cleared


def was_killed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether a run ended without any step of it having failed by itself: its process was killed, or never came up, or
    Dagster's own database was away in the middle of a step.
    """
    if run.status is not dg.DagsterRunStatus.FAILURE:
        return False
    failed = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
    return all(_database_was_away(one.event_log_entry.dagster_event) for one in failed)


def _database_was_away(event: dg.DagsterEvent | None) -> bool:
    """Whether a step met an error of Dagster's database; what our own steps meet they tell as a dg.Failure."""
    if event is None or event.step_failure_data.user_failure_data is not None:
        return False
    error = event.step_failure_data.error
    while error is not None and error.cls_name != "OperationalError":
        error = error.cause
    return error is not None


def _gone(run: dg.DagsterRun, still_s: float) -> bool:
    pid, _, started = own_value(run, PROCESS_TAG).partition(" ")
    if pid.isdecimal():
        return Owner(run.tags.get(HOST_TAG, ""), int(pid), started).gone
    launched = json.loads(run.tags.get(_LAUNCHED_TAG, "{}"))
    here = launched.get("host") in ("localhost", "127.0.0.1", host())
    return here and still_s > _BEGINS_WITHIN_S
