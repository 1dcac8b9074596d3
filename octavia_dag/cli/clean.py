"""`octavia clean`: says what artifacts nobody needs any more, and removes them when told to."""

from pathlib import Path

import click

from octavia_dag import environment as surroundings
from octavia_dag.cli.home import home_option
from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.cleaning import remove, unneeded

_DAY_S = 86400.0
_MB = 1e6


@click.command()
@click.option(
    "--grace-days",
    type=click.FloatRange(0.0, 3650.0),
    default=7.0,
    show_default=True,
    help="Keep what was made, or in use, within so many days.",
)
@click.option("--yes", "for_real", is_flag=True, help="Remove; without it, only say what would go.")
@home_option
def clean(grace_days: float, for_real: bool, home: Path | None) -> None:
    """Remove artifacts that no current result is made of; never a deliverable or its report."""
    environment = surroundings.read(home)
    store = ArtifactStore(root=str(environment.store), scratch=str(environment.scratch))
    total = count = 0
    for one in list(unneeded(store, grace_s=grace_days * _DAY_S)):
        if for_real and not remove(store, one):
            continue
        total, count = total + one.bytes, count + 1
        name = one.asset if one.language is None else f"{one.asset} ({one.language})"
        click.echo(
            f"{one.video}  {name}  {one.folder.name[:8]}  {one.bytes / _MB:.1f} MB  {one.age_s / _DAY_S:.0f} days"
        )
    told = "removed" if for_real else "would go; give --yes to remove them"
    click.echo(f"{count} artifacts, {total / _MB:.1f} MB {told}.")
