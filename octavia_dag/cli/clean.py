"""`octavia clean`: says what artifacts nobody needs any more, and removes them when told to."""

from pathlib import Path

import click

from octavia_dag import environment as surroundings
from octavia_dag.cli.home import home_option
from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.cleaning import remove, unneeded, unneeded_sounds

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
    grace_s = grace_days * _DAY_S
    artifacts = list(unneeded(store, grace_s=grace_s))
    sounds = list(unneeded_sounds(store, {one.path for one in artifacts}, grace_s=grace_s))
    gone = [one for one in artifacts if not for_real or remove(store, one)]
    for one in gone:
        name = one.asset if one.language is None else f"{one.asset} ({one.language})"
        click.echo(f"{one.video}  {name}  {one.path.name[:8]}  {_size(one.bytes)}  {one.age_s / _DAY_S:.0f} days")
    silent = [one for one in sounds if not for_real or remove(store, one)]
    told = "removed" if for_real else "would go; give --yes to remove them"
    total = _size(sum(one.bytes for one in (*gone, *silent)))
    click.echo(f"{len(gone)} artifacts and {len(silent)} sounds of lines, {total}, {told}.")


def _size(count: int) -> str:
    return f"{count / _MB:.1f} MB"
