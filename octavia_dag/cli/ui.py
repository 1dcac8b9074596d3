"""`octavia ui`: the Dagster webserver over this installation, on this machine only unless told otherwise."""

import os
import sys
from pathlib import Path

import click
import dagster as dg

from octavia_dag import environment as surroundings
from octavia_dag.cli import running


@click.command()
@click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), help="Where everything is kept (OCTAVIA_HOME)."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; there is no sign-in.")
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="Port to listen on.")
def ui(home: Path | None, host: str, port: int) -> None:
    """Show the asset graph, the runs and their results in a browser."""
    environment = surroundings.read(home)
    running.prepare(environment)
    with dg.DagsterInstance.get() as instance:
        running.clear_ghosts(instance, environment.scratch)
    os.environ["OCTAVIA_HOME"] = str(environment.home)  # the code server is another process
    command = ["dagster-webserver", "-m", "octavia_dag.definitions", "-h", host, "-p", str(port)]
    os.execv(Path(sys.executable).with_name(command[0]), command)  # noqa: S606 - no shell is wanted
