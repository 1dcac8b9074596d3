"""What a worker of the fleet does with a piece of work: claims it, works on it in a process of its own, tells that it
lives, ends it when asked.

A piece is a run, or a step of one. It may come twice (a queue, a provider that repeats itself), or too late (its run
was given up): a piece that somebody claimed before, or whose run has ended, is left alone, and that is no failure.
Nothing that the process started outlives it, nor this worker. Where the database is away the work goes on, but not for
ever: nobody can hear of this worker then, so the run will be given to another.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
from dagster_shared.error import DagsterError
from sqlalchemy.exc import SQLAlchemyError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from octavia_dag.errors import StorageError
from octavia_dag.fleet.runpod import CLAIMED_TAG
from octavia_dag.resources import claims
from octavia_dag.resources.memory import Memory
from octavia_dag.resources.own_tags import own

T = TypeVar("T")
LOST_S = 180.0
_LOOK_S = 1.0
# A canceled run has so long to clean up (scratch, uploads) before its group is killed.
_GRACE_S = 3.5
_ENDS_WITHIN_S = 10.0
_LEASH = Path(__file__).with_name("leash.py")
# The database is away, as SQLAlchemy, Dagster's storage and our own memory say it.
_AWAY = (SQLAlchemyError, DagsterError, StorageError)


def work(job: dict[str, Any], job_id: str, instance: dg.DagsterInstance, memory: Memory) -> dict[str, Any]:
    """Works on the piece that `job` names (`run_id`, `command`, for a step also `piece`); `lost_s` is how long nothing
    may be heard of it. Returns what became of it, for the queue's own log.
    """
    run_id, command = str(job["run_id"]), _here([str(part) for part in job["command"]])
    piece = str(job.get("piece") or run_id)
    run = patiently(lambda: instance.get_run_by_id(run_id))
    if run is None or run.is_finished:
        return {"piece": piece, "left": "its run has ended" if run else "nobody knows its run"}
    if not patiently(lambda: claims.claim(memory, piece, f"{job_id} {uuid.uuid4().hex}")):
        return {"piece": piece, "left": "another worker has it"}
    patiently(lambda: instance.add_run_tags(run_id, {CLAIMED_TAG: own(run_id, job_id)}))
    watch = _Watch(instance, memory, run_id, piece, float(job.get("lost_s", LOST_S)))
    code = supervised(command, watch.unwanted)
    patiently(lambda: claims.tell(memory, piece, ended=code))
    if piece == run_id:
        patiently(lambda: _settle(instance, run_id, code))
    return {"piece": piece, "exit_code": code}


def supervised(command: Sequence[str], unwanted: Callable[[], bool]) -> int:
    """The exit code of `command`, which runs until it ends or is no longer wanted; nothing it started outlives it, nor
    this process.
    """
    leash = [sys.executable, "-I", str(_LEASH), str(_GRACE_S), *command]
    process = subprocess.Popen(leash, stdin=subprocess.PIPE, start_new_session=True)
    assert process.stdin is not None
    try:
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_S)
            if process.poll() is None and unwanted():
                break
    finally:
        process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2 * _GRACE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # whatever is left of its group
        process.wait()
    return process.returncode


def patiently(ask: Callable[[], T]) -> T:
    """What `ask` returns, asked again while the database is away; its own error where that takes ten minutes."""
    again = Retrying(
        retry=retry_if_exception_type(_AWAY),
        stop=stop_after_delay(600),
        wait=wait_random_exponential(multiplier=0.5, max=10),
        reraise=True,
    )
    return again(ask)


def _here(command: list[str]) -> list[str]:
    """Dagster's command with the Python of this machine, whatever the launching one calls its own."""
    return [sys.executable, "-m", "dagster", *command[command.index("api") :]] if "api" in command else command


@dataclass
class _Watch:
    """Looks whether a piece is still wanted, and tells meanwhile that its worker lives."""

    instance: dg.DagsterInstance
    memory: Memory
    run_id: str
    piece: str
    lost_s: float
    heard: float = field(default_factory=time.monotonic)
    over: float | None = None

    def unwanted(self) -> bool:
        """Whether its run has ended or is to end, or nobody has heard of this worker for too long."""
        silent_s = time.monotonic() - self.heard
        try:
            if silent_s > self.lost_s / 12:
                claims.tell(self.memory, self.piece)
                self.heard = time.monotonic()
            run = self.instance.get_run_by_id(self.run_id)
        except _AWAY:
            return silent_s > self.lost_s * 2 / 3
        if run is None or run.status in (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED):
            return True
        # Ended by the process itself, most likely, which is about to end too; or given up by others.
        self.over = (self.over or time.monotonic()) if run.is_finished else None
        return self.over is not None and time.monotonic() - self.over > _ENDS_WITHIN_S


def _settle(instance: dg.DagsterInstance, run_id: str, code: int) -> None:
    """Says how a run ended whose process could not: it was told to end, or was killed (no memory, say)."""
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        return
    if run.status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, "Its worker has ended.")
    else:
        instance.report_run_failed(run, f"Its process ended with code {code} and told nothing.")
