"""What a worker of the fleet does with a job: claims the run, works on it in a process of its own, ends it when asked.

The job may come twice (a provider that repeats itself), or too late (its run was given up): a run that somebody else
claimed, or that has ended, is left alone, and that is no failure. The run's process leads a group, so that whatever it
started ends with it: at once when the run is canceled, and when this worker itself is told to stop.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from octavia_dag.fleet.runpod import CLAIMED_TAG
from octavia_dag.resources.claims import claim
from octavia_dag.resources.memory import Memory

_LOOK_S = 1.0
# A canceled run has so long to clean up (scratch, uploads) before its group is killed.
_GRACE_S = 4.0


def work(job: dict[str, Any], job_id: str, instance: dg.DagsterInstance, memory: Memory) -> dict[str, Any]:
    """Works on the run that `job` names (`run_id`, `command`); what became of it, for the provider's own log."""
    run_id, command = str(job["run_id"]), [str(part) for part in job["command"]]
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        return {"run_id": run_id, "left": "it has ended" if run else "nobody knows it"}
    if not claim(memory, run_id, job_id):
        return {"run_id": run_id, "left": "another worker has it"}
    instance.add_run_tags(run_id, {CLAIMED_TAG: job_id})

    def unwanted() -> bool:
        found = instance.get_run_by_id(run_id)
        return found is None or found.is_finished or found.status is dg.DagsterRunStatus.CANCELING

    code = supervised(command, unwanted)
    found = instance.get_run_by_id(run_id)
    if found is not None and found.status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(found, "Its worker has ended.")
    return {"run_id": run_id, "exit_code": code}


def supervised(command: Sequence[str], unwanted: Callable[[], bool]) -> int:
    """The exit code of `command`, which runs until it ends or is no longer wanted; nothing it started outlives it."""
    process = subprocess.Popen(command, start_new_session=True)
    try:
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_S)
            if process.poll() is None and unwanted():
                _ended(process)
        return process.returncode
    finally:
        if process.poll() is None:
            _ended(process)
        _signalled(process, signal.SIGKILL)  # whatever is left of its group


def _ended(process: "subprocess.Popen[bytes]") -> None:
    """Asks the process to end, and ends it where it does not."""
    _signalled(process, signal.SIGTERM)
    until = time.monotonic() + _GRACE_S
    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    _signalled(process, signal.SIGKILL)
    process.wait()


def _signalled(process: "subprocess.Popen[bytes]", sign: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, sign)
