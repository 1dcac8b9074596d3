"""Keeps workers of a provider up for what waits, within a budget, and lets them down when nothing comes.

A tick counts the runs that the endpoint gets, decides by the settings, and tells the provider where that is another
number than before. It launches nothing. Where it cannot be carried out, the tick says why and leaves the lease to its
end; where the settings cannot be used, it still lets down what nobody asks for.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from octavia_dag.errors import InputError, OctaviaError
from octavia_dag.fleet.endpoint import Endpoint
from octavia_dag.fleet.keeping import Kept, keep
from octavia_dag.fleet.routing import RoutingRunLauncher
from octavia_dag.fleet.runpod import CLAIMED_TAG, RunPodRunLauncher
from octavia_dag.fleet.warm_pool import Policy, Seen
from octavia_dag.fleet.watch import Watchdog, moment
from octavia_dag.graph import COMPUTE_TAG
from octavia_dag.layers import settings_of
from octavia_dag.resources.memory import Memory
from octavia_dag.resources.own_tags import own_value
from octavia_dag.resources.workshop import Workshop
from octavia_dag.sensors.automation import AT_WORK, DEADLINE_TAG
from octavia_dag.settings import Settings

NAME = "warm_pool"
_INTERVAL_S = 30
_QUEUED = (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED)


def demand(instance: dg.DagsterInstance, endpoint: str, now: float) -> tuple[Seen, list[str]]:
    """The runs that wait for the endpoint and those at work there, and what cannot be read of them, in sentences.

    A run that was handed over waits in the provider's own queue until a worker claims it.
    """
    runs = [run for run in instance.get_runs(dg.RunsFilter(statuses=list(AT_WORK))) if _is_for(instance, run, endpoint)]
    waiting = [run for run in runs if _waits(run)]
    leaving = [run for run in runs if run.status is dg.DagsterRunStatus.CANCELING and not own_value(run, CLAIMED_TAG)]
    moments: list[float] = []
    troubles: list[str] = []
    for run in waiting:
        told = run.tags.get(DEADLINE_TAG)
        try:
            moments += [_moment(told)] if told else []
        except ValueError:
            troubles.append(f"The tag {DEADLINE_TAG} of run {run.run_id} is no moment; it counts for nothing.")
    nearest = min(moments) - now if moments else None
    return Seen(now, len(waiting), len(runs) - len(waiting) - len(leaving), nearest), troubles


def _is_for(instance: dg.DagsterInstance, run: dg.DagsterRun, endpoint: str) -> bool:
    """Whether the launcher hands the run to the endpoint; what another launcher does, the run's tag must say."""
    launcher = instance.run_launcher
    if isinstance(launcher, RoutingRunLauncher):
        child = launcher.child(run)
        return isinstance(child, RunPodRunLauncher) and child.endpoint == endpoint
    if isinstance(launcher, RunPodRunLauncher):
        return launcher.endpoint == endpoint
    return run.tags.get(COMPUTE_TAG) == "gpu"


def _waits(run: dg.DagsterRun) -> bool:
    return run.status in _QUEUED or (run.status is dg.DagsterRunStatus.STARTING and not own_value(run, CLAIMED_TAG))


def _moment(text: str) -> float:
    when = datetime.fromisoformat(text)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def policy_of(settings: Settings) -> Policy:
    """What the settings want; an InputError where they hold a budget and no price."""
    pool, price = settings.warm_pool, settings.costs.gpu_hour
    if pool.budget_per_day and not price:
        raise InputError(
            "Keeping workers up has a budget in money (warm_pool.budget_per_day), but no price; set costs.gpu_hour, or "
            "take the budget out."
        )
    return Policy(
        most=0 if pool.budget_per_day == 0 else pool.most,
        pace_s=pool.pace_s,
        drain_s=pool.drain_s,
        standby=pool.standby,
        standby_s=pool.standby_s,
        lease_s=pool.lease_s,
        price_per_hour=price,
        budget=pool.budget_per_day or 0.0,
    )


def tick(
    instance: dg.DagsterInstance,
    memory: Memory,
    endpoint: Endpoint,
    store: Path,
    now: Callable[[], float] = time.time,
) -> str:
    """One look, in a sentence. An OctaviaError where it could not be carried out."""
    try:
        settings = settings_of(store)
        policy = policy_of(settings)
    except InputError as error:
        sight = Watchdog(endpoint.name, endpoint.api(), memory, now).look()
        raise InputError(f"{error} {sight.said}") from error
    seen, troubles = demand(instance, endpoint.name, now())
    kept = keep(endpoint.name, endpoint.api(), memory, seen, policy)
    return " ".join([_told(seen, kept, settings), *troubles])


def _told(seen: Seen, kept: Kept, settings: Settings) -> str:
    """What is kept up, why, until when, and what that has cost."""
    pool, budget = kept.pool, settings.warm_pool.budget_per_day
    before = "" if kept.before == pool.minimum else f", {kept.before} before"
    near = "" if seen.deadline_s is None else f", the nearest deadline in {seen.deadline_s / 60:.0f} min"
    limit = "" if budget is None else f" of {budget:.2f}"
    cost = f" {pool.spent:.2f}{limit} {settings.costs.currency} spent today." if settings.costs.gpu_hour else ""
    return (
        f"{pool.minimum} workers are kept up{before}, until {moment(pool.until)}: {seen.waiting} runs wait, "
        f"{seen.working} are at work{near}.{cost}"
    )


def warm_pool_sensor() -> dg.SensorDefinition:
    """The sensor that keeps the pool; it runs unless somebody stops it, and then its lease ends."""

    @dg.sensor(
        name=NAME,
        minimum_interval_seconds=_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Keeps workers of the provider up for what waits, within a budget; lets them down when idle.",
    )
    def warm_pool(context: dg.SensorEvaluationContext, workshop: Workshop, endpoint: Endpoint) -> dg.SkipReason:
        try:
            return dg.SkipReason(tick(context.instance, workshop.memory, endpoint, Path(workshop.store.root)))
        except OctaviaError as error:
            context.log.warning(str(error))
            return dg.SkipReason(str(error))

    return warm_pool
