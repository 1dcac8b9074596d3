"""`octavia videos`: which videos this installation knows, and what was asked of them."""

from pathlib import Path

import click

from octavia_dag import environment as surroundings
from octavia_dag.cli.home import home_option
from octavia_dag.resources import videos as registry
from octavia_dag.resources.artifacts import ArtifactStore


@click.command()
@home_option
def videos(home: Path | None) -> None:
    """List the registered videos."""
    environment = surroundings.read(home)
    store = ArtifactStore(root=str(environment.store), scratch=str(environment.scratch))
    for record in registry.records(store):
        click.echo(f"{record.id}  {', '.join(record.requested)}  {record.path}")
