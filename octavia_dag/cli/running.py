"""Runs a job in this process as an ordinary named run that the UI shows.

The run is tagged with this process, so that a run whose process was killed (it stays STARTED for ever) is found and
closed at the next start. A run that ends without success, which is also how an interruption ends, is looked at here:
`execute_in_process` returns normally in both cases.
"""

import os
import shutil
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from octavia_dag import environment as surroundings
from octavia_dag.environment import Environment
from octavia_dag.errors import InputError, OctaviaError
from octavia_dag.resources.artifacts import guarded, write_atomically
from octavia_dag.resources.stopwatch import intervals, union_seconds

PROCESS_TAG = "octavia/process"
HOST_TAG = "octavia/host"
_ALIVE = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING]
# Nothing leaves the machine, no pop-up covers the first page, and a run started in the UI needs no daemon.
_DAGSTER_YAML = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},
    "run_coordinator": {"module": "dagster._core.run_coordinator", "class": "DefaultRunCoordinator"},
}
# Warnings and errors of a run are told by the command itself, in sentences.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Outcome:
    """How a run ended: seconds per asset, wall seconds, and the seconds in which an engine or ffmpeg worked."""

    seconds: Mapping[str, float]
    wall_seconds: float
    engine_seconds: float


class Interrupted(KeyboardInterrupt):
    """The run was interrupted by a signal."""


def prepare(environment: Environment) -> None:
    """Makes the home, Dagster's configuration in it, and points Dagster at it."""
    surroundings.enter(environment)
    with guarded(f"Preparing the home {environment.home}"):
        environment.dagster_home.mkdir(parents=True, exist_ok=True)
        environment.store.mkdir(parents=True, exist_ok=True)
        configuration = environment.dagster_home / "dagster.yaml"
        if not configuration.exists():
            write_atomically(configuration, yaml.safe_dump(_DAGSTER_YAML).encode())


def clear_ghosts(instance: dg.DagsterInstance, scratch: Path) -> int:
    """Closes runs whose process on this machine is gone, and removes their scratch; returns how many runs."""
    cleared = 0
    for run in instance.get_runs(dg.RunsFilter(statuses=_ALIVE, tags={HOST_TAG: socket.gethostname()})):
        process = run.tags.get(PROCESS_TAG, "")
        if process and process != _process(int(process.partition(" ")[0])):
            instance.report_run_failed(run, "The process of this run is gone; it was killed.")
            cleared += 1
    for folder in scratch.glob("*-*"):
        owner = folder.name.partition("-")[0]
        if owner.isdecimal() and not _process(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
    return cleared


def run_job(definitions: dg.Definitions, instance: dg.DagsterInstance, job: str, key: str) -> Outcome:
    """Runs `job` for one partition; an OctaviaError carries the sentence of the step that failed."""
    started = time.monotonic()
    result = definitions.resolve_job_def(job).execute_in_process(
        instance=instance,
        partition_key=key,
        raise_on_error=False,
        run_config=_QUIET,
        tags={HOST_TAG: socket.gethostname(), PROCESS_TAG: _process(os.getpid())},
    )
    ended = time.monotonic()
    if not result.success:
        _raise_failure(instance, result, job, key)
    return Outcome(_seconds(result), ended - started, union_seconds(intervals(started)))


def _raise_failure(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult, job: str, key: str) -> None:
    for event in result.all_events:
        data: Any = event.event_specific_data
        failure = getattr(data, "user_failure_data", None) if event.is_step_failure else None
        if failure is not None and failure.description:
            code = failure.metadata.get("exit_code")
            kind = InputError if code is not None and code.value == InputError.exit_code else OctaviaError
            raise kind(failure.description)
        if event.is_step_failure and data is not None and data.error is not None:
            cause = _root(data.error)
            if "Interrupt" in (cause.cls_name or ""):
                raise Interrupted
            raise OctaviaError(
                f"Running {event.step_key} of {key} failed ({cause.message.strip()}); "
                f"the run {result.run_id} in the UI tells more."
            )
    run = instance.get_run_by_id(result.run_id)
    if run is not None and run.status in (dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.CANCELING):
        raise Interrupted
    reasons = [check.description for check in result.get_asset_check_evaluations() if not check.passed]
    if reasons:
        raise InputError(f"Dubbing {key} stops at its transcript. {reasons[0]}")
    raise (
        Interrupted
        if _was_interrupted(result)
        else OctaviaError(f"The run of {job} for {key} failed; look at run {result.run_id} in the UI.")
    )


def _was_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    return any("nterrupt" in (event.message or "") for event in result.all_events if event.is_failure)


def _root(error: Any) -> Any:
    while error.cause is not None:
        error = error.cause
    return error


def _seconds(result: dg.ExecuteInProcessResult) -> dict[str, float]:
    found: dict[str, float] = {}
    for event in result.all_events:
        if event.is_step_materialization:
            materialization = event.step_materialization_data.materialization
            value = materialization.metadata["seconds"].value
            found[materialization.asset_key.path[-1]] = float(value) if isinstance(value, int | float) else 0.0
    return found


def _process(pid: int) -> str:
    """The process `pid` and when it started, so that a number used again is not mistaken for it; empty: it is gone."""
    with suppress(OSError):
        if Path("/proc/self/stat").exists():
            # Field 22 is the start time; the name before it may hold spaces, but ends at the last parenthesis.
            told = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
            return f"{pid} {told.rpartition(')')[2].split()[19]}"
        os.kill(pid, 0)
        return str(pid)
    return ""
