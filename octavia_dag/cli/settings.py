"""`octavia settings`: show, set and unset fields of a layer, and see how layers differ.

A change is checked together with the layers around it before it is written, and is recorded with who and when. What it
would make again is `octavia plan`'s to say; what takes effect now is told to Dagster at once.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import yaml

from octavia_dag import environment as surroundings
from octavia_dag.cli.home import home_option
from octavia_dag.cli.observing import tell_dagster
from octavia_dag.cli.which import meant
from octavia_dag.cli.who import operator
from octavia_dag.errors import InputError, SettingsError
from octavia_dag.layers import (
    Change,
    Place,
    differences,
    edit_layer,
    layer_at,
    layers_of,
    places,
    recorded_changes,
    settings_of,
)
from octavia_dag.partitions import checked_language
from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.settings import Layer, Settings, effective

# The schedule is made when the definitions are loaded.
BEGINS_LATER = "Nights begin at another time once 'octavia ui' is started again, or its definitions are reloaded."


def _place_options(command: Any) -> Any:
    for option in (
        home_option,
        click.option("--language", metavar="LANG", help="One dub of the video."),
        click.option("--video", help="One video, by id or file; without it, the catalogue."),
    ):
        command = option(command)
    return command


@click.group("settings")
def settings() -> None:
    """The settings: defaults < catalogue < video < video and language."""


@settings.command()
@_place_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--changes", is_flag=True, help="Show what was changed here, by whom and when.")
def show(video: str | None, language: str | None, home: Path | None, as_json: bool, changes: bool) -> None:
    """Show the effective settings, with the layer that each comes from."""
    store, place = _where(home, video, language)
    if changes:
        for row in recorded_changes(store, place):
            click.echo(f"{row['when']}  {row['who']}  {_told(Change(row['setting'], row['before'], row['after']))}")
        return
    found = settings_of(store, place.video, place.language)
    if as_json:
        click.echo(json.dumps(found.model_dump(mode="json"), indent=1, ensure_ascii=False))
        return
    origins = _origins(store, place)
    for name, fields in found.model_dump(mode="json").items():
        for field, value in fields.items():
            click.echo(f"{name}.{field}: {_yaml(value)}  ({origins.get(f'{name}.{field}', 'default')})")


@settings.command("set")
@click.argument("assignments", nargs=-1, required=True, metavar="SLICE.FIELD=VALUE...")
@_place_options
def set_command(assignments: tuple[str, ...], video: str | None, language: str | None, home: Path | None) -> None:
    """Set fields of one layer; VALUE is YAML."""
    store, place = _where(home, video, language)
    wanted = [_assigned(assignment) for assignment in assignments]

    def edit(layer: Layer) -> Layer:
        for name, field, value in wanted:
            layer.setdefault(name, {})[field] = value
        return layer

    _changed(home, store, place, edit)


@settings.command()
@click.argument("names", nargs=-1, required=True, metavar="SLICE.FIELD...")
@_place_options
def unset(names: tuple[str, ...], video: str | None, language: str | None, home: Path | None) -> None:
    """Take fields out of one layer, so that the layer below it counts again."""
    store, place = _where(home, video, language)
    unwanted = [_split(setting) for setting in names]
    usual = Settings().model_dump()
    for name, field in unwanted:
        if field not in usual.get(name, {}):
            raise SettingsError(f"There is no setting {name}.{field}; 'octavia settings show' lists those there are.")

    def edit(layer: Layer) -> Layer:
        for name, field in unwanted:
            layer.get(name, {}).pop(field, None)
        return {name: fields for name, fields in layer.items() if fields}

    _changed(home, store, place, edit)


@settings.command()
@_place_options
def diff(video: str | None, language: str | None, home: Path | None) -> None:
    """Show what is set otherwise than by default."""
    store, place = _where(home, video, language)
    usual = Settings().model_dump(mode="json")
    now = effective(layers_of(store, place.video, place.language)).model_dump(mode="json")
    origins = _origins(store, place)
    for change in differences(usual, now):
        click.echo(f"{_told(change)}  ({origins.get(change.setting, 'default')})")


def _where(home: Path | None, video: str | None, language: str | None) -> tuple[Path, Place]:
    environment = surroundings.read(home)
    store = ArtifactStore(root=str(environment.store), scratch=str(environment.scratch))
    if language is not None and video is None:
        raise InputError("--language is a language of one video; name it with --video.")
    known = meant(store, video).id if video is not None else None
    return environment.store, Place(known, checked_language(language) if language else None)


def _origins(store: Path, place: Place) -> dict[str, str]:
    """The strongest layer that sets each field."""
    return {
        f"{name}.{field}": str(one)
        for one in places(place.video, place.language)
        for name, fields in layer_at(store, one).items()
        for field in fields
    }


def _split(setting: str) -> tuple[str, str]:
    name, dot, field = setting.strip().partition(".")
    if not dot or not name or not field:
        raise SettingsError(f"{setting!r} is no setting; write it as slice.field, such as mix.duck_depth_db.")
    return name, field


def _value(text: str, setting: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"The value of {setting} is not YAML; put it in quotes.") from error


def _assigned(assignment: str) -> tuple[str, str, Any]:
    setting, found, text = assignment.partition("=")
    if not found:
        raise SettingsError(f"{assignment!r} sets nothing; write it as slice.field=value.")
    return (*_split(setting), _value(text, setting))


def _changed(home: Path | None, store: Path, place: Place, edit: Callable[[Layer], Layer]) -> None:
    """Makes `edit` of the layer at `place`, and says what changed: here, and to Dagster."""
    changes = edit_layer(store, place, edit, who=operator())
    for change in changes:
        click.echo(f"{place}: {_told(change)}")
    if not changes:
        click.echo(f"{place}: nothing changed.")
        return
    if any(change.setting in ("catalogue.cron", "catalogue.timezone") for change in changes):
        click.echo(BEGINS_LATER)
    tell_dagster(surroundings.read(home), place)


def _told(change: Change) -> str:
    before, after = (_yaml(one) if one is not None else "not set" for one in (change.before, change.after))
    return f"{change.setting}: {before} -> {after}"


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True).replace("\n...\n", "").strip()
