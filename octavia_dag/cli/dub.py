"""`octavia dub`: checks everything that can be checked, then runs both jobs, then hands over the files.

Several videos go one after another, the languages of each side by side where there are cores for it; one that fails
does not stop the others, and is an entry of the JSON like the rest. Without `--to` a video is dubbed into its own
languages, as the automation and `octavia refresh` dub it.
"""

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import dagster as dg

from octavia_dag import environment as surroundings
from octavia_dag.cli import running
from octavia_dag.cli.checking import Asked, Wish, checked
from octavia_dag.cli.failing import HANDLED, told
from octavia_dag.cli.folders import refuse_home
from octavia_dag.cli.handing import refuse_out
from octavia_dag.cli.home import home_option
from octavia_dag.cli.progress import Progress
from octavia_dag.cli.session import Dubbed, Session, failed
from octavia_dag.environment import Environment
from octavia_dag.errors import PairError
from octavia_dag.partitions import LANGUAGES, checked_language
from octavia_dag.resources.ghosts import clear_ghosts
from octavia_dag.resources.workshop import Workshop


def spread_languages(arguments: Sequence[str]) -> list[str]:
    """`--to pt-BR es` as `--to pt-BR --to es`: the words after a language that are languages too, and no files."""
    spread: list[str] = []
    for argument in arguments:
        after = (len(spread) > 1 and spread[-2] == "--to") or (bool(spread) and spread[-1].startswith("--to="))
        if after and _is_language(argument) and not Path(argument).exists():
            spread.append("--to")
        spread.append(argument)
    return spread


@click.command()
@click.argument("video", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--to",
    "languages",
    multiple=True,
    metavar="LANG...",
    help="Language(s) to dub into, such as pt-BR. Unset: the video's own, from its setting delivery.languages.",
)
@click.option(
    "--from",
    "spoken",
    metavar="LANG",
    help="Language spoken in the video; kept as a setting of the video for later runs too. Unset: as kept, else heard.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Folder for the results.")
@click.option(
    "--settings", type=click.Path(path_type=Path, dir_okay=False), help="YAML file; becomes the video's settings."
)
@home_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
def dub(
    video: tuple[Path, ...],
    languages: tuple[str, ...],
    spoken: str | None,
    out: Path,
    settings: Path | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Dub VIDEO... into one or more languages, side by side where there are cores for it."""
    results: list[Dubbed] = []
    with _answered(results, as_json):
        environment = surroundings.read(home)
        surroundings.enter(environment)
        from octavia_dag.definitions import workshop

        tools = workshop(environment)
        targets = _targets(languages) if languages else []
        refuse_home(environment)
        refuse_out(out, video, targets)
        wishes = checked(tools, environment, video, Asked(targets, settings, spoken, out))
        progress = Progress(quiet=as_json)
        try:
            _dub_all(environment, tools, wishes, out, progress, results)
        except HANDLED as error:
            left = wishes[len({one.video for one in results}) :]
            results += [one for wish in left for one in failed(wish, wish.targets, error)]
            progress.failed(told(error)[0])
    return max(result.exit_code for result in results)


@contextmanager
def _answered(results: Sequence[Dubbed], as_json: bool) -> Generator[None]:
    """Prints the JSON object in the end, however that comes about; a refusal and an interruption are told in it."""
    end: dict[str, Any] = {}
    try:
        yield
    except HANDLED as error:
        sentence, code = told(error)
        end = {"error": sentence, "exit_code": code}
        raise
    except KeyboardInterrupt:
        end = {"error": "interrupted; the same command goes on from the last finished step.", "exit_code": 130}
        raise
    finally:
        if as_json:
            answer = {"dubs": [asdict(result) for result in results], **end}
            click.echo(json.dumps(answer, indent=1, ensure_ascii=False))


def _targets(languages: Sequence[str]) -> list[str]:
    """Each wanted language once, in the project's spelling."""
    named = [tag for part in languages for tag in part.replace(",", " ").split()]
    if not named:
        raise PairError(f"--to names no language; name one of {', '.join(LANGUAGES)}.")
    return list(dict.fromkeys(checked_language(tag) for tag in named))


def _dub_all(
    environment: Environment,
    tools: Workshop,
    wishes: Sequence[Wish],
    out: Path,
    progress: Progress,
    results: list[Dubbed],
) -> None:
    """Appends to `results` what became of each wish."""
    from octavia_dag.definitions import build

    running.prepare(environment)
    with dg.DagsterInstance.get() as instance:
        clear_ghosts(instance, environment.scratch)
        session = Session(environment, build(environment), instance, tools, out, progress)
        for wish in wishes:
            results += session.dub(wish)


def _is_language(text: str) -> bool:
    try:
        checked_language(text)
    except PairError:
        return False
    return True
