"""`octavia glossary`: which terms are said how, and a file of one's own in their place.

An import replaces a whole glossary, since the file is what people keep and edit; a file with one unusable row changes
nothing.
"""

import json
from pathlib import Path
from typing import Any

import click

from octavia_dag import environment as surroundings
from octavia_dag.cli.folders import refuse_home
from octavia_dag.cli.home import home_option
from octavia_dag.cli.tables import aligned
from octavia_dag.cli.which import meant
from octavia_dag.environment import Environment
from octavia_dag.partitions import checked_language
from octavia_dag.resources.artifacts import ArtifactStore, guarded
from octavia_dag.resources.glossary_files import COLUMNS, Entry, effective_entries, entries, replace_glossary

_VIDEO = click.option("--video", help="A video's own glossary; unset: the one for all videos.")


@click.group()
def glossary() -> None:
    """How terms are said in a dub: show and import."""


@glossary.command()
@_VIDEO
@click.option("--language", help="Only what counts for dubs into this language.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
@home_option
def show(video: str | None, language: str | None, as_json: bool, home: Path | None) -> None:
    """Show the entries, with those of --video what counts for it too."""
    environment = surroundings.read(home)
    video = _known(environment, video)
    root = environment.store
    if language:
        found = effective_entries(root, video, checked_language(language))
    else:
        found = (*entries(root, None), *(entries(root, video) if video else ()))
    rows = [_row(entry) for entry in found]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
    elif rows:
        heads = [*COLUMNS, "of"]
        told = [["" if row[head] is None else _word(row[head]) for head in heads] for row in rows]
        click.echo("\n".join(aligned([[head.upper() for head in heads], *told])))
    else:
        which = f" for {language}" if language else ""
        click.echo(f"There are no entries{which}; import some with 'octavia glossary import FILE'.")


@glossary.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_VIDEO
@home_option
def import_file(file: Path, video: str | None, home: Path | None) -> None:
    """Make FILE (CSV) the glossary in place of the one that is there."""
    environment = surroundings.read(home)
    refuse_home(environment)
    video = _known(environment, video)
    with guarded(f"Reading {file}"):
        content = file.read_bytes()
    found = replace_glossary(environment.store, video, content, str(file))
    click.echo(f"The glossary of {video or 'all videos'} has {len(found)} entries.")


def _known(environment: Environment, video: str | None) -> str | None:
    """The id of the video that is meant, if any; an InputError where it was never registered."""
    if not video:
        return None
    return meant(ArtifactStore(root=str(environment.store), scratch=str(environment.scratch)), video).id


def _row(entry: Entry) -> dict[str, Any]:
    term = entry.term
    cells = (term.term, entry.language, term.wording, term.match_case, term.term == term.wording)
    return {**dict(zip(COLUMNS, cells, strict=True)), "of": entry.video or "all videos"}


def _word(cell: str | bool) -> str:
    return cell if isinstance(cell, str) else "yes" if cell else ""
