"""`octavia review`: a dub as a table, the corrected table back, and the word of approval.

The command keeps what was corrected and makes nothing: the next run makes what depends on it, and nothing else.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import click

from octavia_dag import environment as surroundings
from octavia_dag.cli.home import home_option
from octavia_dag.cli.reviewing import PENDING, Desk, rows_of
from octavia_dag.cli.which import meant
from octavia_dag.cli.who import operator
from octavia_dag.dubbing.review import COLUMNS, TOLD, Changes, Refusal, table
from octavia_dag.dubbing.review_changes import changes_of
from octavia_dag.partitions import checked_language
from octavia_dag.resources.tables import read_table, write_table

REFUSED = 2
_TO = click.option("--to", "language", required=True, metavar="LANG", help="The dub's language, such as pt-BR.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of sentences.")


@click.group()
def review() -> None:
    """Correct a dub in a spreadsheet, and approve it."""


@review.command("export")
@click.argument("video")
@_TO
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write, .csv or .xlsx; must not exist yet."
)
@home_option
def export_table(video: str, language: str, out: Path | None, home: Path | None) -> None:
    """Write the lines of VIDEO (an id, its beginning, or a file) in one language as a table."""
    desk = _desk(home, video, language)
    path = out or Path(f"{desk.video}.{desk.language}.csv")
    rows = table(desk.state())
    write_table(path, rows, COLUMNS)
    _warn(desk)
    click.echo(f"{path}: {len(rows)} lines")


@review.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--video", required=True, help="The video: an id, its beginning, or a file.")
@_TO
@click.option("--skip-refused", is_flag=True, help="Take the good rows even if others are refused.")
@home_option
@_JSON
def import_table(file: Path, video: str, language: str, skip_refused: bool, home: Path | None, as_json: bool) -> int:
    """Take back a table: changed texts, speakers, voices, locks and actions (drop, merge, split)."""
    desk = _desk(home, video, language)
    rows = rows_of(read_table(file, [name for name in COLUMNS if name not in TOLD]))
    changes, refused = changes_of(rows, desk.state())
    written = bool(changes.told) and (skip_refused or not refused)
    if written:
        desk.keep(changes, operator())
    if not as_json:
        _warn(desk)
    _say(changes, refused, {row.number: row.line for row in rows}, written=written, as_json=as_json)
    return REFUSED if refused and not skip_refused else 0


@review.command("approve")
@click.argument("video")
@_TO
@home_option
def approve_translation(video: str, language: str, home: Path | None) -> None:
    """Approve the current translation of VIDEO, so that it may be spoken."""
    desk = _desk(home, video, language)
    approval = desk.approve(operator())
    click.echo(f"{desk.video} in {desk.language}: approved by {approval.who} at {approval.when}")


@review.command("changes")
@click.argument("video")
@_TO
@home_option
def show_changes(video: str, language: str, home: Path | None) -> None:
    """Show what was corrected in tables of VIDEO, by whom and when."""
    for sentence in _desk(home, video, language).changes():
        click.echo(sentence)


def _desk(home: Path | None, video: str, language: str) -> Desk:
    environment = surroundings.read(home)
    surroundings.enter(environment)
    from octavia_dag.definitions import workshop

    tools = workshop(environment)
    return Desk(tools, meant(tools.store, video).id, checked_language(language))


def _warn(desk: Desk) -> None:
    if desk.pending():
        click.echo(PENDING, err=True)


def _say(changes: Changes, refused: list[Refusal], lines: Mapping[int, str], *, written: bool, as_json: bool) -> None:
    if as_json:
        rows = [{**asdict(one), "line": lines.get(one.row, "")} for one in refused]
        told = {"written": written, "changed": list(changes.told), "refused": rows}
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
        return
    for one in refused:
        click.echo(f"refused: row {one.row} ({lines.get(one.row) or 'no line'}): {one.reason}", err=True)
    if written:
        for sentence in changes.told:
            click.echo(sentence)
        click.echo(f"{len(changes.told)} changes taken; 'octavia dub' makes what depends on them.")
    elif refused:
        click.echo(f"Nothing was taken: {len(refused)} refusals; mend them, or add --skip-refused.", err=True)
    else:
        click.echo("Nothing was changed.")
