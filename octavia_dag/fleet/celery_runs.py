"""A run launcher that hands whole runs to Celery workers.

    launchers:
      gpu:
        module: octavia_dag.fleet.celery_runs
        class: CeleryRunLauncher
        config: {broker: {env: OCTAVIA_BROKER_URL}, claims: {env: OCTAVIA_MEMORY_URL}}

dagster-celery has one too. Of a worker that was killed it never hears: the task's state stays "started" in the result
backend, and the run at work, for ever. Here a worker claims the run in the shared database and says there that it
lives; one that is silent for `lost_s` has lost its run, and Dagster's run retries make another.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

import dagster as dg
from celery import Celery
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from octavia_dag.errors import SettingsError, StorageError
from octavia_dag.fleet.celery_queue import queue_app, send
from octavia_dag.fleet.worker import LOST_S
from octavia_dag.resources.claims import claim, claimed
from octavia_dag.resources.memory import Memory

_NOBODY = "nobody; its run was canceled"


class CeleryRunLauncher(RunLauncher[dg.DagsterInstance], ConfigurableClass):
    """Runs on Celery workers that listen at `broker`; `claims` is the database that all machines share."""

    def __init__(self, broker: str, claims: str, lost_s: float, inst_data: ConfigurableClassData | None = None) -> None:
        self._broker, self._memory, self._lost_s = broker, Memory(file="", url=claims), lost_s
        self._inst_data = inst_data
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """Where it was configured."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """What dagster.yaml may say."""
        return {
            "broker": dg.Field(dg.StringSource),
            "claims": dg.Field(dg.StringSource),
            "lost_s": dg.Field(float, default_value=LOST_S, description="A worker so long silent is lost."),
        }

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """The launcher as dagster.yaml describes it."""
        return cls(**config_value, inst_data=inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Hands it to a queue. A launch that is repeated hands it out twice, and one worker claims it."""
        run, origin = context.dagster_run, context.job_code_origin
        if origin is None:
            raise SettingsError(f"Launching run {run.run_id}: it does not say which code it is of; launch it again.")
        ref = self._instance.get_ref()
        command = ExecuteRunArgs(origin, run.run_id, ref, set_exit_code_on_failure=True).get_command_args()
        send(self._app, {"run_id": run.run_id, "command": command, "lost_s": self._lost_s}, run.tags)
        self._instance.report_engine_event("Handed to a queue of workers.", run)

    def terminate(self, run_id: str) -> bool:
        """Marks the run as being canceled, which its worker looks for; one that waits is claimed: no worker gets it."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        if claim(self._memory, run_id, _NOBODY):
            self._instance.report_run_canceled(run, "It was taken back before a worker had it.")
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Yes."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """By what its worker said last. A database that cannot be asked says nothing against the run."""
        try:
            has = claimed(self._memory, run.run_id)
        except StorageError as error:
            return CheckRunHealthResult(WorkerStatus.RUNNING, str(error), transient=True)
        if has is None:
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "no worker has claimed it")
        if has.lost(self._lost_s):
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"nothing was heard of {has.worker}")
        if has.ended is not None:
            return CheckRunHealthResult(WorkerStatus.FAILED, f"its process ended with code {has.ended}")
        return CheckRunHealthResult(WorkerStatus.RUNNING, run_worker_id=has.worker)

    def get_run_worker_debug_info(self, run: dg.DagsterRun, include_container_logs: bool | None = True) -> str | None:
        """Who has it."""
        has = claimed(self._memory, run.run_id)
        return f"worker {has.worker}" if has else "no worker has claimed it"

    @cached_property
    def _app(self) -> Celery:
        return queue_app(self._broker)
