"""An executor whose steps go to Celery workers apart: what needs a GPU to the queue `gpu`, the rest to `cpu`.

dagster-celery's own waits for the task's result, which never comes where a worker was killed. Here each step is a piece
of work like a run: claimed by one worker, which says that it lives; one that is silent is lost, and the step is tried
again as its retry policy says. A step that nobody claims is handed out again, later and later, since a broker may lose
a message: whoever claims it first has it, and the others leave it alone.
"""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import dagster as dg
from celery import Celery
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode, get_retries_config
from dagster._core.executor.step_delegating import (
    CheckStepHealthResult,
    StepDelegatingExecutor,
    StepHandler,
    StepHandlerContext,
)

from octavia_dag.fleet.celery_queue import queue_app, send
from octavia_dag.fleet.worker import LOST_S
from octavia_dag.resources.claims import claimed
from octavia_dag.resources.ghosts import process_tags
from octavia_dag.resources.memory import Memory

_AGAIN_S = 60.0
_LOOK_S = 5


@dataclass
class CelerySteps(StepHandler):
    """Hands steps to workers that listen at `broker`, and looks after them in the database that all machines share."""

    broker: str
    memory: Memory
    lost_s: float
    _sent: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    @property
    def name(self) -> str:
        """In Dagster's events."""
        return "CelerySteps"

    def launch_step(self, step_handler_context: StepHandlerContext) -> Iterator[dg.DagsterEvent]:
        """Hands it out."""
        self._send(step_handler_context)
        yield from ()

    def check_step_health(self, step_handler_context: StepHandlerContext) -> CheckStepHealthResult:
        """By what its worker said last; where none has it, it is handed out again after a while."""
        piece = _piece(step_handler_context)
        has = claimed(self.memory, piece)
        if has is None:
            sent = self._sent.get(piece, [])
            if not sent or time.monotonic() - sent[-1] > _AGAIN_S * 2 ** (len(sent) - 1):
                self._send(step_handler_context)
            return CheckStepHealthResult.healthy()
        if has.lost(self.lost_s):
            return CheckStepHealthResult.unhealthy(f"nothing was heard of {has.worker}")
        if has.ended:
            return CheckStepHealthResult.unhealthy(f"its process ended with code {has.ended}")
        return CheckStepHealthResult.healthy()

    def terminate_step(self, step_handler_context: StepHandlerContext) -> Iterator[dg.DagsterEvent]:
        """Nothing is to be done: its worker sees that the run is to end."""
        yield from ()

    def _send(self, context: StepHandlerContext) -> None:
        piece, args = _piece(context), context.execute_step_args
        job = {"run_id": args.run_id, "piece": piece, "command": args.get_command_args(), "lost_s": self.lost_s}
        tags = next(iter(context.step_tags.values()))
        send(self._app, job, {**context.dagster_run.tags, **tags})
        self._sent.setdefault(piece, []).append(time.monotonic())

    @cached_property
    def _app(self) -> Celery:
        return queue_app(self.broker)


class CelerySteppingExecutor(StepDelegatingExecutor):
    """Tells which process looks after the run's steps, so that it is closed where that one is killed."""

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Generator[dg.DagsterEvent]:
        """The run, step by step."""
        plan_context.instance.add_run_tags(plan_context.run_id, process_tags(plan_context.run_id))
        yield from super().execute(plan_context, execution_plan)


def _piece(context: StepHandlerContext) -> str:
    """A name for this attempt of a step."""
    args = context.execute_step_args
    step = (args.step_keys_to_execute or [""])[0]
    known = args.known_state
    attempt = known.get_retry_state().get_attempt_count(step) if known else 0
    return f"{args.run_id}:{step}:{attempt}"


@dg.executor(
    name="celery_steps",
    config_schema={
        "broker": dg.Field(dg.StringSource, default_value={"env": "OCTAVIA_BROKER_URL"}),
        "claims": dg.Field(dg.StringSource, default_value={"env": "OCTAVIA_MEMORY_URL"}),
        "lost_s": dg.Field(float, default_value=LOST_S),
        "retries": get_retries_config(),
    },
    requirements=dg.multiple_process_executor_requirements(),
)
def celery_steps(context: dg.InitExecutorContext) -> Any:
    """Steps on Celery workers."""
    told = cast(dict[str, Any], context.executor_config)
    return CelerySteppingExecutor(
        CelerySteps(told["broker"], Memory(file="", url=told["claims"]), told["lost_s"]),
        retries=RetryMode.from_config(told["retries"]) or RetryMode.ENABLED,
        check_step_health_interval_seconds=_LOOK_S,
    )
