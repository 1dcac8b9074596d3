"""`octavia report`: a dub's report as one page to read, see and hear, and the page over the whole catalogue."""

from pathlib import Path

import click

from octavia_dag import environment as surroundings
from octavia_dag.assets.indexing import write_index
from octavia_dag.assets.reporting import page_name, write_report
from octavia_dag.cli.home import home_option
from octavia_dag.cli.which import meant
from octavia_dag.partitions import checked_language

_INDEX = "index.html"


@click.command()
@click.argument("video", required=False)
@click.option("--to", "language", metavar="LANG", help="The dub's language, such as pt-BR.")
@click.option("--index", "whole", is_flag=True, help="The page over the catalogue, the worst dub first.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write, .html.")
@home_option
def report(video: str | None, language: str | None, whole: bool, out: Path | None, home: Path | None) -> None:
    """Write the report of VIDEO (an id, its beginning, or a file) in one language as a page that holds all it shows."""
    if whole and (video or language):
        raise click.UsageError("--index is about all videos; leave out VIDEO and --to")
    if not whole and not (video and language):
        raise click.UsageError("name a VIDEO and a language with --to, or ask for the --index")
    environment = surroundings.read(home)
    surroundings.enter(environment)
    from octavia_dag.definitions import workshop

    tools = workshop(environment)
    if whole:
        path = out or Path(_INDEX)
        click.echo(f"{path}: {write_index(tools, path)} dubs")
        return
    assert video is not None
    assert language is not None
    known, tag = meant(tools.store, video).id, checked_language(language)
    path = out or Path(page_name(known, tag))
    write_report(tools, known, tag, path)
    click.echo(path)
