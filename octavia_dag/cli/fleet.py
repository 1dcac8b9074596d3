"""`octavia fleet`: what is kept up at the provider and why, and the watchdog that lets down what nobody asks for.

The watchdog needs the database (OCTAVIA_MEMORY_URL), the endpoint and its key, and neither a home nor models: it may
run anywhere, and should run elsewhere than the daemon whose end it is for.
"""

import json
import sys
import time
from pathlib import Path

import click
import dagster as dg

from octavia_dag import environment as surroundings
from octavia_dag.cli import running
from octavia_dag.cli.home import home_option
from octavia_dag.cli.tables import aligned
from octavia_dag.environment import RUNPOD_ENDPOINT, Environment
from octavia_dag.errors import OctaviaError, SettingsError
from octavia_dag.fleet import pool_state
from octavia_dag.fleet.endpoint import Endpoint
from octavia_dag.fleet.pool_state import Lease
from octavia_dag.fleet.warm_pool import expired
from octavia_dag.fleet.watch import Watchdog, moment
from octavia_dag.layers import settings_of
from octavia_dag.resources.memory import Memory

_HEADS = ("ENDPOINT", "WAITING", "AT WORK", "KEPT", "IDLE", "RUNNING", "STARTING", "LEASE", "SPENT TODAY")
_UNKNOWN = {"kept": None, "idle": None, "running": None, "starting": None}
_DAY_S = 86_400


@click.group()
def fleet() -> None:
    """Workers at a provider: what is kept up, and a watchdog over it."""


@fleet.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@home_option
def status(as_json: bool, home: Path | None) -> int:
    """Say what waits, what is up, until when it is asked for, and what that cost today."""
    environment = surroundings.read(home)
    from octavia_dag.sensors.warm_pool import demand

    memory, endpoint = _parts(environment)
    running.prepare(environment)
    now, costs = time.time(), settings_of(environment.store).costs
    with dg.DagsterInstance.get() as instance:
        seen, _ = demand(instance, endpoint.name, now)
    workers, trouble = _workers(endpoint)
    lease = pool_state.read(memory, endpoint.name)
    spent = lease.pool.spent if lease and lease.pool.day == int(now // _DAY_S) else 0.0
    told = {"endpoint": endpoint.name, "waiting": seen.waiting, "at work": seen.working, **workers}
    if as_json:
        until = None if lease is None else lease.pool.until
        click.echo(json.dumps(told | {"lease_until": until, "spent_today": spent, "currency": costs.currency}))
    else:
        cost = f"{spent:.2f} {costs.currency}" if costs.gpu_hour else "no price is set (costs.gpu_hour)"
        row = ["?" if one is None else str(one) for one in told.values()]
        click.echo("\n".join(aligned([_HEADS, [*row, _lease(lease, now), cost]])))
    if trouble:
        click.echo(f"octavia: {trouble}", err=True)
    return 1 if trouble else 0


@fleet.command()
@click.option("--once", is_flag=True, help="Look once, and say what was found.")
@click.option("--every", type=click.IntRange(5, 3600), metavar="SECONDS", help="Look as often, until interrupted.")
@home_option
def watch(once: bool, every: int | None, home: Path | None) -> None:
    """Let down workers that nobody asks for any more, since their keeper died."""
    if once == (every is not None):
        raise click.UsageError("either --once or --every must be given")
    memory, endpoint = _parts(surroundings.read(home))
    dog, said = Watchdog(endpoint.name, endpoint.api(), memory), ""
    if every is None:
        click.echo(dog.look().said)
        return
    while True:
        try:
            told, err = dog.look().said, False
        except OctaviaError as error:
            told, err = f"octavia: {error}", True
        if told != said:
            click.echo(told, err=err)
            (sys.stderr if err else sys.stdout).flush()
        said = told
        time.sleep(every)


def _parts(environment: Environment) -> tuple[Memory, Endpoint]:
    """The database and the endpoint; a SettingsError where none is named."""
    from octavia_dag.definitions import endpoint, workshop

    if not environment.runpod_endpoint:
        raise SettingsError(f"No endpoint is named whose workers are kept warm; set {RUNPOD_ENDPOINT}.")
    return workshop(environment).memory, endpoint(environment)


def _workers(endpoint: Endpoint) -> tuple[dict[str, int | None], str]:
    """How many workers there are of each kind, and why that is not known where it is not."""
    try:
        api = endpoint.api()
        scale, health = api.scale(), api.health()
    except OctaviaError as error:
        return dict(_UNKNOWN), str(error)
    up = {"idle": health.idle, "running": health.running, "starting": health.starting}
    return {"kept": scale.minimum, **up}, ""


def _lease(lease: Lease | None, now: float) -> str:
    if lease is None:
        return "none yet"
    if lease.holds(now):
        return f"{lease.pool.minimum} until {moment(lease.pool.until)}"
    over = "let down" if lease.let_down or not expired(lease.pool, now) else "nobody let it down yet"
    return f"ended {moment(lease.pool.until)}, {over}"
