"""`octavia worker`: takes work from the queues of a fleet, one piece after the other, until it is stopped.

Told to end (SIGTERM), it takes no more, and ends when its piece is over; a second signal, or SIGQUIT, ends the piece
too. What it had begun is lost to it then, and given to another.
"""

from pathlib import Path
from typing import Any

import click

from octavia_dag import environment as surroundings
from octavia_dag.cli.home import home_option
from octavia_dag.cli.running import prepare
from octavia_dag.environment import BROKER, MEMORY_URL
from octavia_dag.errors import SettingsError


@click.command()
@click.option("--queue", "queues", multiple=True, type=click.Choice(["gpu", "cpu"]), help="Only this one; repeatable.")
@click.option("--at-once", type=click.IntRange(1, 64), default=1, show_default=True, help="Pieces worked on at a time.")
@click.option("--name", default="octavia@%h", show_default=True, help="Of this worker; %h is the machine's.")
@home_option
def worker(queues: tuple[str, ...], at_once: int, name: str, home: Path | None) -> None:
    """Work on what a fleet's queue hands out."""
    environment = surroundings.read(home)
    broker = environment.broker()
    if not broker or not environment.has_memory_url:
        raise SettingsError(
            f"A worker needs {BROKER}, where work is handed out, and {MEMORY_URL}, the database of the fleet; set both."
        )
    prepare(environment)
    import dagster as dg

    from octavia_dag.definitions import workshop
    from octavia_dag.fleet.celery_queue import QUEUES, WORK, queue_app
    from octavia_dag.fleet.worker import work

    app, memory = queue_app(broker), workshop(environment).memory

    def hand(task: Any, job: dict[str, Any]) -> dict[str, Any]:
        with dg.DagsterInstance.get() as instance:
            return work(job, task.request.id, instance, memory)

    app.task(name=WORK, bind=True)(hand)
    listening = ",".join(queues or QUEUES)
    app.worker_main(
        ["worker", "-Q", listening, "--pool", "threads", "-c", str(at_once), "-n", name, "-l", "INFO", "-E"]
    )
