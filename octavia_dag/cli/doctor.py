"""`octavia doctor`: what is installed, which pairs can be dubbed and how well, what is missing and how to get it."""

import shutil
from pathlib import Path

import click

from octavia_dag import environment as surroundings
from octavia_dag.environment import Environment
from octavia_dag.errors import ModelError, OctaviaError
from octavia_dag.graph import ROLE_SETTINGS, RoleName
from octavia_dag.resources.engines import Engine, EngineRoom, Synthesizer, Translator
from octavia_dag.resources.media import program
from octavia_dag.resources.models import lock, model_dir
from octavia_dag.settings import Settings, slice_values

GIB = 1 << 30
_LEAST_FREE_GIB = 2
_RULES = "rule-based"
_WORTH = {"neural": "good", _RULES: "rough, understandable at best"}


@click.command()
@click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), help="Where everything is kept (OCTAVIA_HOME)."
)
def doctor(home: Path | None) -> int:
    """Say what is installed, what can be dubbed, and what is missing."""
    environment = surroundings.read(home)
    missing = [*_programs(environment), *_models(environment), *_room(environment)]
    rough = _pairs(environment)
    if rough:
        click.echo(rough)
    for sentence in missing:
        click.echo(f"missing: {sentence}")
    click.echo("Nothing is missing." if not missing else f"{len(missing)} missing.")
    return 1 if missing else 0


def _programs(environment: Environment) -> list[str]:
    missing: list[str] = []
    for name in ("ffmpeg", "ffprobe"):
        try:
            click.echo(f"{name}: {program(name, str(environment.models_dir))}")
        except OctaviaError as error:
            missing.append(str(error))
    return missing


def _models(environment: Environment) -> list[str]:
    missing: list[str] = []
    for model in lock():
        try:
            model_dir(str(environment.models_dir), model.name)
            click.echo(f"model {model.name}: {model.licence}")
        except ModelError as error:
            if model.name != "ffmpeg":
                missing.append(str(error))
    return missing


def _room(environment: Environment) -> list[str]:
    place = next(path for path in (environment.home, *environment.home.parents) if path.exists())
    free = shutil.disk_usage(place).free / GIB
    click.echo(f"home: {environment.home} ({free:.0f} GiB free)")
    if free < _LEAST_FREE_GIB:
        return [f"Only {free:.1f} GiB are free at {place}; a dub of an hour needs about {_LEAST_FREE_GIB} GiB."]
    return []


def _pairs(environment: Environment) -> str:
    """Prints engines and pairs; returns a sentence where more pairs could be had."""
    room = EngineRoom(models_dir=str(environment.models_dir), threads=environment.threads)
    engines: dict[RoleName, Engine] = {}
    for role, place in ROLE_SETTINGS.items():
        path = str(next(iter(slice_values(Settings(), [place]).values())))
        engines[role] = room.get(Engine, path)
        info = engines[role].info()
        click.echo(f"{role}: {info.name} ({info.licence})")
    translator, synthesizer = engines["translator"], engines["synthesizer"]
    assert isinstance(translator, Translator)
    assert isinstance(synthesizer, Synthesizer)
    pairs = sorted(pair for pair in translator.pairs() if synthesizer.voices(pair[1]))
    kinds = {pair: translator.quality(*pair) or "" for pair in pairs}
    for (source, target), kind in kinds.items():
        click.echo(f"pair {source} -> {target}: {kind} translation, {_WORTH.get(kind, 'unrated')}")
    if _RULES not in kinds.values():
        return "More pairs, rough ones: 'make system' (as root) installs Apertium."
    return ""
