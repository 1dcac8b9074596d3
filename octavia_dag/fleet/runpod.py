"""A run launcher that hands whole runs to workers of a RunPod serverless endpoint.

A run is submitted once. That it is asked for is noted on the run before it is, the job's id after: a launch that is
repeated finds the note and submits nothing. Where the answer was lost, the job may exist or not, so nothing is asked
again: a worker that has the job claims the run and notes its id; if none does in `claim_s`, the run counts as lost, and
Dagster's run retries make another one. A job of a lost run that surfaces later finds that its run has ended.

The worker needs the same code, this dagster.yaml, and the database behind it (Postgres: a SQLite file is for one
machine). The account's key is read from the environment, by name, when it is needed; it stands in no configuration and
in no message.
"""

import os
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from octavia_dag.errors import SettingsError
from octavia_dag.fleet.runpod_api import AnswerLostError, ProviderError, RunPod, State
from octavia_dag.resources.own_tags import own, own_value

ASKED_TAG = "octavia/runpod_asked"
JOB_TAG = "octavia/runpod_job"
# The worker that claimed the run notes its job here, whoever may have lost the answer to the submission.
CLAIMED_TAG = "octavia/runpod_claimed"

_HEALTH: dict[State, WorkerStatus] = {
    "waiting": WorkerStatus.RUNNING,
    "working": WorkerStatus.RUNNING,
    "done": WorkerStatus.FAILED,  # and its run has not ended, or nobody would ask: its worker could not say how
    "failed": WorkerStatus.FAILED,
    "unknown": WorkerStatus.NOT_FOUND,
}


class RunPodRunLauncher(RunLauncher[dg.DagsterInstance], ConfigurableClass):
    """Runs on workers of `endpoint`; `key_env` names the variable that holds the key."""

    def __init__(
        self,
        endpoint: str,
        key_env: str,
        jobs_url: str,
        rest_url: str,
        most_s: int,
        wait_s: int,
        claim_s: int,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        self._key_env, self._endpoint, self._urls = key_env, endpoint, (jobs_url, rest_url)
        self._most_s, self._wait_s, self._claim_s = most_s, wait_s, claim_s
        self._inst_data = inst_data
        super().__init__()

    @property
    def endpoint(self) -> str:
        """The endpoint whose workers get the runs."""
        return self._endpoint

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """Where it was configured."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """What dagster.yaml may say."""
        return {
            "endpoint": dg.Field(dg.StringSource),
            "key_env": dg.Field(str, default_value="OCTAVIA_RUNPOD_KEY"),
            "jobs_url": dg.Field(str, default_value="https://api.runpod.ai"),
            "rest_url": dg.Field(str, default_value="https://rest.runpod.io"),
            "most_s": dg.Field(int, default_value=6 * 3600, description="A run takes no longer."),
            "wait_s": dg.Field(int, default_value=24 * 3600, description="A run waits no longer for a worker."),
            "claim_s": dg.Field(int, default_value=600, description="After a lost answer, so long for a worker."),
        }

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """The launcher as dagster.yaml describes it."""
        return cls(**config_value, inst_data=inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Submits the run, unless that was done before."""
        run = self._afresh(context.dagster_run)
        if own_value(run, ASKED_TAG):
            return
        origin = context.job_code_origin
        if origin is None:
            raise SettingsError(f"Launching run {run.run_id}: it does not say which code it is of; launch it again.")
        ref = self._instance.get_ref()
        command = ExecuteRunArgs(origin, run.run_id, ref, set_exit_code_on_failure=True).get_command_args()
        self._note(run, ASKED_TAG, str(time.time()))
        try:
            job = self._api.submit(
                {"run_id": run.run_id, "command": command}, timeout_s=self._most_s, wait_s=self._wait_s
            )
        except AnswerLostError as error:
            self._instance.report_engine_event(f"{error} Waiting for a worker to claim the run.", run)
            return
        self._note(run, JOB_TAG, job)
        self._instance.report_engine_event(f"Submitted to {self._endpoint} as job {job}.", run)

    def terminate(self, run_id: str) -> bool:
        """Marks the run as being canceled, which its worker looks for; a job that still waits is taken back."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        job = _job(run)
        if job is not None and self._api.state(job) == "waiting":
            self._api.cancel(job)
            self._instance.report_run_canceled(self._afresh(run), "Its job was taken back before a worker had it.")
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Yes."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """What the provider says of the run's job. A provider that cannot be asked says nothing against the run."""
        run = self._afresh(run)
        if run.is_finished:
            return CheckRunHealthResult(WorkerStatus.SUCCESS)
        job = _job(run)
        if job is None:
            asked = float(own_value(run, ASKED_TAG) or "0")
            if time.time() - asked < self._claim_s:
                return CheckRunHealthResult(WorkerStatus.RUNNING, "the answer to its submission was lost")
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"no worker claimed it in {self._claim_s} s")
        try:
            state = self._api.state(job)
        except ProviderError as error:
            return CheckRunHealthResult(WorkerStatus.RUNNING, str(error), transient=True)
        return CheckRunHealthResult(_HEALTH[state], f"job {job} of {self._endpoint}: {state}", run_worker_id=job)

    def get_run_worker_debug_info(self, run: dg.DagsterRun, include_container_logs: bool | None = True) -> str | None:
        """Where to look."""
        return f"endpoint {self._endpoint}, job {_job(self._afresh(run)) or 'not known'}"

    @cached_property
    def _api(self) -> RunPod:
        key = os.environ.get(self._key_env, "")
        if not key:
            raise SettingsError(
                f"Runs for {self._endpoint} need the variable {self._key_env} with the account's key; set it for the "
                "daemon and the webserver."
            )
        return RunPod(self._endpoint, key, *self._urls)

    def _note(self, run: dg.DagsterRun, tag: str, value: str) -> None:
        self._instance.add_run_tags(run.run_id, {tag: own(run.run_id, value)})

    def _afresh(self, run: dg.DagsterRun) -> dg.DagsterRun:
        return self._instance.get_run_by_id(run.run_id) or run


def _job(run: dg.DagsterRun) -> str | None:
    """The run's job; the one that a worker claimed it with counts first."""
    return own_value(run, CLAIMED_TAG) or own_value(run, JOB_TAG) or None
