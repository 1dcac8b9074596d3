"""`octavia memory`: which approved lines are taken word for word when they are said again."""

from pathlib import Path

import click

from octavia_dag import environment as surroundings
from octavia_dag.cli.home import home_option
from octavia_dag.cli.tables import aligned
from octavia_dag.partitions import checked_language
from octavia_dag.resources.memory import Approved


@click.group()
def memory() -> None:
    """The translation memory: approved lines, shared by all videos."""


@memory.command()
@click.option("--from", "source", required=True, metavar="LANG", help="Language of the originals.")
@click.option("--to", "target", required=True, metavar="LANG", help="Language of the dubs.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
@home_option
def show(source: str, target: str, as_json: bool, home: Path | None) -> None:
    """Show what counts for a pair: the newest approval of every line."""
    environment = surroundings.read(home)
    surroundings.enter(environment)
    from octavia_dag.definitions import workshop

    language = checked_language(target)
    found = workshop(environment).memory.newest(source, language)
    if as_json:
        click.echo(f"[{', '.join(one.model_dump_json() for one in found)}]")
    elif found:
        heads = ["ORIGINAL", "TRANSLATION", "VIDEO", "WHO", "WHEN"]
        click.echo("\n".join(aligned([heads, *(_row(one) for one in found)])))
    else:
        click.echo(f"Nothing was approved yet from {source} into {language}.")


def _row(one: Approved) -> list[str]:
    return [one.text, one.translation, one.video, one.who, f"{one.when:%Y-%m-%d %H:%M}"]
