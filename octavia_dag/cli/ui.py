"""`octavia ui`: Dagster's webserver and daemon over this installation, on this machine only unless told otherwise.

The daemon is what starts queued runs, backfills and the automation; all of them end with this command.
"""

import os
import signal
import socket
import sys
from pathlib import Path

import click
import dagster as dg

from octavia_dag import environment as surroundings
from octavia_dag.cli import running
from octavia_dag.cli.home import home_option
from octavia_dag.environment import STORAGE, UI_URL
from octavia_dag.resources.ghosts import clear_ghosts
from octavia_dag.resources.storage import INCOMING


@click.command()
@home_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; there is no sign-in.")
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="Port to listen on.")
def ui(home: Path | None, host: str, port: int) -> None:
    """Show the asset graph, the runs and their results in a browser, and make what gets stale meanwhile."""
    environment = surroundings.read(home)
    running.prepare(environment)
    with dg.DagsterInstance.get() as instance:
        clear_ghosts(instance, environment.scratch)
    for sign in (signal.SIGINT, signal.SIGTERM):  # a shell starts what goes to the background deaf to Ctrl-C
        signal.signal(sign, signal.SIG_DFL)
    watched = (
        f"Watching {environment.storage}/{INCOMING}" if environment.storage else f"No drop folder: {STORAGE} is unset"
    )
    click.echo(f"{watched}.")
    os.environ["OCTAVIA_HOME"] = str(environment.home)  # the code server is another process
    if not os.environ.get(UI_URL):
        os.environ[UI_URL] = reached_at(host, port)
    click.echo(f"{reached_at(host, port)} shows it in a minute at most; Ctrl-C ends it.", err=True)
    where = ["-m", "octavia_dag.definitions", "-h", host, "-p", str(port)]
    command = ["dagster", "dev", "--log-level", "warning", *where]
    os.execv(Path(sys.executable).with_name(command[0]), command)  # noqa: S606 - no shell is wanted


def reached_at(host: str, port: int) -> str:
    """The address of what listens on `host`; of every address of this machine, its name."""
    name = socket.gethostname() if host in ("0.0.0.0", "::") else host  # noqa: S104 - only asked, not bound
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
