"""Runs a job in this process as an ordinary named run that the UI shows.

The run is tagged with this process, so that it is closed at the next start where it was killed. A run that ends without
success, which is also how an interruption ends, is looked at here: `execute_in_process` returns normally in both cases.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
import yaml

from octavia_dag import environment as surroundings
from octavia_dag.cli.failing import one_line
from octavia_dag.cli.folders import refuse_home
from octavia_dag.environment import Environment
from octavia_dag.errors import InputError, OctaviaError
from octavia_dag.resources.artifacts import guarded, write_atomically
from octavia_dag.resources.ghosts import process_tags
from octavia_dag.resources.stopwatch import intervals, union_seconds

_INTERRUPTIONS = {"DagsterExecutionInterruptedError", "KeyboardInterrupt"}
# Nothing leaves the machine, and no pop-up covers the first page. Runs with engines wait for one another: each holds
# its models in memory, and speaks on as many cores as there are. What takes an upload, or hands over a dub, waits for
# none of them.
DAGSTER_YAML: dict[str, Any] = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},
    "concurrency": {
        "runs": {"max_concurrent_runs": 4},
        "pools": {"granularity": "run", "default_limit": 1},  # the pool of graph.ENGINES
    },
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
    """Makes the home, Dagster's configuration in it, and points Dagster at it; an InputError where it is unusable."""
    surroundings.enter(environment)
    refuse_home(environment)
    with guarded(f"Preparing the home {environment.home}"):
        environment.dagster_home.mkdir(parents=True, exist_ok=True)
        environment.store.mkdir(parents=True, exist_ok=True)
        configuration = environment.dagster_home / "dagster.yaml"
        if not configuration.exists():
            write_atomically(configuration, yaml.safe_dump(DAGSTER_YAML).encode())


def run_job(
    definitions: dg.Definitions, instance: dg.DagsterInstance, job: str, key: str, tags: Mapping[str, str] | None = None
) -> Outcome:
    """Runs `job` for one partition; an OctaviaError carries the sentence of the step that failed."""
    started = time.monotonic()
    result = definitions.resolve_job_def(job).execute_in_process(
        instance=instance,
        partition_key=key,
        raise_on_error=False,
        run_config=_QUIET,
        tags={**process_tags(), **(tags or {})},
    )
    ended = time.monotonic()
    if not result.success:
        _raise_failure(instance, result, job, key)
    return Outcome(_seconds(result), ended - started, union_seconds(intervals(started)))


def _raise_failure(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult, job: str, key: str) -> None:
    run = instance.get_run_by_id(result.run_id)
    canceled = run is not None and run.status in (dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.CANCELING)
    if canceled or any(name in _INTERRUPTIONS for error in _errors(result) for name in _class_names(error)):
        raise Interrupted
    stopping = [check for check in result.get_asset_check_evaluations() if check.blocking]
    reasons = [check.description for check in stopping if not check.passed]
    if reasons:
        raise InputError(f"Dubbing {key} stops at its transcript. {reasons[0]}")
    for event in result.all_events:
        data: Any = event.event_specific_data
        failure = getattr(data, "user_failure_data", None) if event.is_step_failure else None
        if failure is not None and failure.description:
            code = failure.metadata.get("exit_code")
            kind = InputError if code is not None and code.value == InputError.exit_code else OctaviaError
            raise kind(failure.description)
        if event.is_step_failure and data is not None and data.error is not None:
            raise OctaviaError(
                f"Running {event.step_key} of {key} failed ({one_line(_root(data.error).message)}); "
                f"the run {result.run_id} in the UI tells more."
            )
    raise OctaviaError(f"The run of {job} for {key} failed; look at run {result.run_id} in the UI.")


def _errors(result: dg.ExecuteInProcessResult) -> Iterator[Any]:
    """What the events of the failure carry, of a step or of the whole run."""
    for event in result.all_events:
        error = getattr(event.event_specific_data, "error", None) if event.is_failure else None
        if error is not None:
            yield error


def _class_names(error: Any) -> Iterator[str]:
    """Names of the classes of an error and of its causes."""
    while error is not None:
        yield error.cls_name or ""
        error = error.cause


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
