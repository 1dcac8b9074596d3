"""`octavia people`: who is known from video to video, and what the register had wrong of them.

Nothing is made here: a name or a voice that changes makes the castings of those videos stale in which the person
speaks, and the next dub makes them again.
"""

import json
from pathlib import Path
from typing import Any

import click

from octavia_dag import environment as surroundings
from octavia_dag.cli.folders import refuse_home
from octavia_dag.cli.home import home_option
from octavia_dag.cli.tables import aligned
from octavia_dag.cli.which import meant as video_meant
from octavia_dag.cli.who import operator
from octavia_dag.resources import register, registrar
from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.register import Person

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_HEADS = ("ID", "NAME", "VIDEOS", "VOICES")
_NOBODY = "Nobody is in the register; it is used where voices.recognize is on, and fills as videos are cast."


@click.group()
def people() -> None:
    """The people of the catalogue: list, show, rename, merge, split."""


@people.command("list")
@_JSON
@home_option
def list_people(as_json: bool, home: Path | None) -> None:
    """List everybody who appears in a video or was given a name."""
    rows = _rows(_store(home))
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    elif rows:
        told = [[row["id"], row["name"], str(len(row["videos"])), _voices(row)] for row in rows]
        click.echo("\n".join(aligned([_HEADS, *told])))
    else:
        click.echo(_NOBODY)


@people.command()
@click.argument("person")
@_JSON
@home_option
def show(person: str, as_json: bool, home: Path | None) -> None:
    """Say as whom PERSON (id or name) speaks in which video, and with which voices."""
    store = _store(home)
    row = _row(registrar.meant(store, person), register.latest(store))
    if as_json:
        click.echo(json.dumps(row, ensure_ascii=False, indent=1))
        return
    click.echo(f"{row['id']}: {row['name'] or 'no name yet'}")
    for video, speaker in row["videos"].items():
        click.echo(f"  speaker {speaker} of {video}")
    for language, voices in row["voices"].items():
        for engine, voice in voices.items():
            click.echo(f"  {language}: {voice} ({engine.rpartition(':')[2]})")


@people.command()
@click.argument("person")
@click.argument("name")
@home_option
def rename(person: str, name: str, home: Path | None) -> None:
    """Give PERSON the name NAME; an empty one takes it away."""
    store = _store(home, changes=True)
    found = registrar.rename(store, person, name, who=operator())
    click.echo(f"{found.id} is {found.name or 'without a name'} now, in {_count(store, found)}.")


@people.command()
@click.argument("person")
@click.argument("others", nargs=-1, required=True)
@home_option
def merge(person: str, others: tuple[str, ...], home: Path | None) -> None:
    """Make OTHERS one person with PERSON, whose name and voices count."""
    store = _store(home, changes=True)
    found = registrar.merge(store, person, others, who=operator())
    click.echo(f"{found.shown} is one person now, in {_count(store, found)}.")


@people.command()
@click.argument("person")
@click.argument("videos", nargs=-1, required=True)
@click.option("--name", default="", help="The name of whoever it is in these videos.")
@home_option
def split(person: str, videos: tuple[str, ...], name: str, home: Path | None) -> None:
    """Say that whoever was taken for PERSON in VIDEOS is somebody else."""
    store = _store(home, changes=True)
    known = [video_meant(store, one).id for one in videos]
    found = registrar.split(store, person, known, name, who=operator())
    click.echo(f"{found.shown} is somebody else now, in {_count(store, found)}.")


def _store(home: Path | None, *, changes: bool = False) -> ArtifactStore:
    environment = surroundings.read(home)
    if changes:
        refuse_home(environment)
    return ArtifactStore(root=str(environment.store), scratch=str(environment.scratch))


def _rows(store: ArtifactStore) -> list[dict[str, Any]]:
    latest = register.latest(store)
    rows = [_row(one, latest) for one in register.everybody(store).values() if not one.merged]
    return [row for row in rows if row["videos"] or row["name"]]


def _row(one: Person, latest: dict[str, dict[str, str]]) -> dict[str, Any]:
    videos = {v: who for v, people in latest.items() for who, person in people.items() if person == one.id}
    return {"id": one.id, "name": one.name, "videos": videos, "voices": one.voices}


def _voices(row: dict[str, Any]) -> str:
    return ", ".join(f"{tag} {voice}" for tag, voices in sorted(row["voices"].items()) for voice in voices.values())


def _count(store: ArtifactStore, one: Person) -> str:
    count = len(_row(one, register.latest(store))["videos"])
    return f"{count} video" if count == 1 else f"{count} videos"
