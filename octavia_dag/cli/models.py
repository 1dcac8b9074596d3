"""`octavia models`: what is in the model store, how it gets there, and whether it is right.

The commands say what is, and raise what is wrong: the top-level command turns an error into its sentence and exit
code. The static ffmpeg is fetched only where the system has none that is new enough, unless it is asked for by name.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from octavia_dag import environment
from octavia_dag.cli.tables import aligned
from octavia_dag.errors import ModelError
from octavia_dag.resources import models as store
from octavia_dag.resources import pulling
from octavia_dag.resources.hub import pull_weights
from octavia_dag.resources.media import system_program
from octavia_dag.resources.weights import seal

STATIC_FFMPEG = "ffmpeg"


def models_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option --models, whose default is this installation's model store."""
    return click.option(
        "--models",
        "models_dir",
        type=click.Path(file_okay=False, path_type=Path),
        default=lambda: environment.read().models_dir,
        show_default="~/.octavia/models, or OCTAVIA_MODELS",
        help="Folder of the model store.",
    )(command)


@click.group()
def models() -> None:
    """The models: list, fetch and check them."""


@models.command("list")
@models_option
def list_models(models_dir: Path) -> None:
    """Shows every model with its licence, size and state."""
    rows = [("NAME", "ROLE", "LICENCE", "SIZE", "STATE")]
    for entry in store.lock():
        rows.append((entry.name, entry.role, entry.licence, f"{entry.size / 1e6:.1f} MB", _state(models_dir, entry)))
    for line in aligned(rows):
        click.echo(line)


@models.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing about models that are ready.")
@models_option
def pull(names: tuple[str, ...], quiet: bool, models_dir: Path) -> None:
    """Fetches the models NAME, or all that are needed here; only what is missing or wrong.

    A NAME like owner/name@revision is fetched from the model hub; HF_TOKEN opens what is behind terms.
    """
    for reference in (name for name in names if "/" in name):
        pull_weights(str(models_dir), reference, click.echo)
    wanted = tuple(name for name in names if "/" not in name)
    if not names:
        wanted = tuple(entry.name for entry in store.lock() if _needed(entry.name))

    def tell(line: str) -> None:
        if not (quiet and line.endswith(pulling.READY)):
            click.echo(line)

    pulling.pull(str(models_dir), wanted, tell)


@models.command("seal")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def seal_folder(folder: Path) -> None:
    """Lists the files of FOLDER with their hashes, so that an engine can use them as its weights."""
    sealed = seal(folder.absolute(), str(folder.absolute()), "local")
    click.echo(f"{folder.absolute()}#sha256={sealed.digest}")


@models.command()
@models_option
def verify(models_dir: Path) -> None:
    """Hashes every model file anew; fails when one is missing or wrong."""
    found = [problem for problem in store.verify(str(models_dir)) if _needed(problem.model)]
    for problem in found:
        click.echo(problem.sentence())
    if found:
        raise ModelError(f"{len(found)} model files in {models_dir} are missing or wrong; mend them as said above.")
    click.echo(f"Every model file in {models_dir} is as models.lock names it.")


def _state(models_dir: Path, entry: store.Model) -> str:
    found = store.problems(str(models_dir), entry)
    if not found:
        return "installed" if entry.installed else "ready"
    if not _needed(entry.name):
        return "not needed: the system has it"
    if all(problem.kind == "missing" for problem in found):
        return "missing" if len(found) == len(entry.files) else f"incomplete: {found[0].file}"
    return f"wrong: {', '.join(problem.file for problem in found)}"


def _needed(name: str) -> bool:
    """Whether this machine needs the model `name`: all do, but for the static ffmpeg where the system has its own."""
    return name != STATIC_FFMPEG or any(system_program(one) is None for one in ("ffmpeg", "ffprobe"))
