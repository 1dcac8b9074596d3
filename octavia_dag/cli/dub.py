"""`octavia dub`: checks everything that can be checked, then runs both jobs here, then hands over the files.

Several videos and languages go one after another; one that fails does not stop the others, and is an entry of the JSON
like the rest. A language is noted as wanted when it is known to be possible: from the language that was heard, and
with a transcript that can be used. Private voices are kept for wanted languages, so a refused one must not be among
them.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
import dagster as dg
import yaml
from sqlalchemy.exc import DatabaseError

from octavia_dag import environment as surroundings
from octavia_dag.assets.step import settings_of
from octavia_dag.cli import running
from octavia_dag.cli.checking import Asked, Wish, checked, refuse_pairs
from octavia_dag.cli.failing import HANDLED, told
from octavia_dag.cli.folders import refuse_home
from octavia_dag.cli.handing import hand_over, refuse_out
from octavia_dag.cli.progress import Progress
from octavia_dag.environment import Environment
from octavia_dag.errors import OctaviaError, PairError
from octavia_dag.partitions import LANGUAGES, VIDEOS, checked_language, dub_key, video_id
from octavia_dag.resources import videos as registry
from octavia_dag.resources.artifacts import guarded, write_atomically
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import QaReport, Transcript


@dataclass
class Dubbed:
    """What the command says about one video in one language."""

    video: str
    language: str
    outputs: list[str] = field(default_factory=list[str])
    nothing_to_dub: bool = False
    flags: list[str] = field(default_factory=list[str])
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    wall_seconds: float = 0.0
    engine_seconds: float = 0.0
    orchestration_ratio: float | None = None
    error: str | None = None
    exit_code: int = 0


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
    "--to", "languages", multiple=True, required=True, metavar="LANG...", help="Language(s) to dub into, such as pt-BR."
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
@click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), help="Where everything is kept (OCTAVIA_HOME)."
)
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
    """Dub VIDEO... into one or more languages."""
    environment = surroundings.read(home)
    surroundings.enter(environment)
    from octavia_dag.definitions import workshop

    tools = workshop(environment)
    targets = list(dict.fromkeys(checked_language(tag) for part in languages for tag in part.replace(",", " ").split()))
    if not targets:
        raise PairError(f"--to names no language; name one of {', '.join(LANGUAGES)}.")
    refuse_home(environment)
    refuse_out(out, video, targets)
    wishes = checked(tools, environment, video, Asked(targets, settings, spoken))
    progress, results = Progress(quiet=as_json), list[Dubbed]()
    try:
        _dub_all(environment, tools, wishes, targets, out, progress, results)
    except HANDLED as error:
        left = wishes[len({one.video for one in results}) :]
        results += [one for wish in left for one in _failed(wish, targets, error)]
        progress.failed(told(error)[0])
    except Exception:
        _say(results, as_json)
        raise
    _say(results, as_json)
    return max(result.exit_code for result in results)


def _dub_all(
    environment: Environment,
    tools: Workshop,
    wishes: Sequence[Wish],
    targets: Sequence[str],
    out: Path,
    progress: Progress,
    results: list[Dubbed],
) -> None:
    """Appends to `results` what became of each wish."""
    from octavia_dag.definitions import build

    running.prepare(environment)
    with dg.DagsterInstance.get() as instance:
        running.clear_ghosts(instance, environment.scratch)
        session = Session(build(environment), instance, tools, out, progress)
        for wish in wishes:
            results += session.dub(wish, targets)


@dataclass(frozen=True)
class Session:
    """One run of the command: registers, analyses, dubs and hands over."""

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    tools: Workshop
    out: Path
    progress: Progress

    def dub(self, wish: Wish, targets: Sequence[str]) -> list[Dubbed]:
        """One video into all languages."""
        self.progress.begin(wish.path.name, len(targets))
        try:
            record = self._registered(wish)
            analysed = self._run("analyse_video", record.id)
            transcript = self._read("transcript", record.id, None, Transcript)
            refused = self._wanted(record.id, transcript.language, targets)
        except HANDLED as error:
            self.progress.failed(told(error)[0])
            return _failed(wish, targets, error)
        for error in refused.values():
            self.progress.failed(told(error)[0])
        return [
            _failed(wish, [tag], refused[tag])[0] if tag in refused else self._one(wish, record.id, tag, analysed)
            for tag in targets
        ]

    def _wanted(self, video: str, spoken: str | None, targets: Sequence[str]) -> dict[str, PairError]:
        """Notes the languages that are possible, all before the first is dubbed; returns why the others are not."""
        settings = settings_of(self.tools, video)
        refused: dict[str, PairError] = {}
        for tag in targets:
            try:
                refuse_pairs(self.tools, settings, spoken, [tag])
                registry.request(self.tools.store, video, tag)
            except PairError as error:
                refused[tag] = error
        return refused

    def _one(self, wish: Wish, video: str, tag: str, analysed: running.Outcome) -> Dubbed:
        result = Dubbed(str(wish.path), tag)
        try:
            dubbed = self._run("dub_video", dub_key(video, tag))
            report = self._read("qa_report", video, tag, QaReport)
            result.outputs = [str(path) for path in hand_over(self.tools.store, video, tag, wish.path, self.out)]
        except HANDLED as error:
            self.progress.failed(told(error)[0])
            return _failed(wish, [tag], error)[0]
        result.nothing_to_dub, result.flags = report.nothing_to_dub, list(report.flags)
        result.seconds = {**analysed.seconds, **dubbed.seconds}
        result.wall_seconds = round(analysed.wall_seconds + dubbed.wall_seconds, 3)
        result.engine_seconds = round(analysed.engine_seconds + dubbed.engine_seconds, 3)
        if result.engine_seconds:
            result.orchestration_ratio = round(result.wall_seconds / result.engine_seconds, 3)
        self.progress.done(tag, result.outputs, result.flags, nothing=result.nothing_to_dub)
        return result

    def _registered(self, wish: Wish) -> registry.VideoRecord:
        store = self.tools.store
        known = registry.find(store, wish.sha256)
        if known is None:
            taken = {one.id for one in registry.records(store)}
            candidates = (video_id(wish.path.name, wish.sha256, hash_length=n) for n in registry.HASH_LENGTHS)
            name = next(one for one in candidates if one not in taken)
            known = registry.VideoRecord(id=name, name=wish.path.name, path="", sha256=wish.sha256, size=0)
        moved = {"path": str(wish.path.absolute()), "size": wish.path.stat().st_size}
        record = registry.save(store, known.model_copy(update=moved))
        if wish.layer is not None:
            layer = yaml.safe_dump(wish.layer, allow_unicode=True).encode()
            with guarded(f"Keeping the settings of {record.id}"):
                write_atomically(registry.layer_path(store, record.id), layer)
        self.instance.add_dynamic_partitions(VIDEOS.name or "", [record.id])
        return record

    def _run(self, job: str, key: str) -> running.Outcome:
        with self.progress.of(job):
            return running.run_job(self.definitions, self.instance, job, key)

    def _read(self, name: str, video: str, language: str | None, kind: Any) -> Any:
        artifact = self.tools.store.current(name, video, language)
        if artifact is None:
            raise OctaviaError(f"{name} of {video} is not there after its run; run the command again.")
        return artifact.read(kind)


def _failed(wish: Wish, tags: Sequence[str], error: OctaviaError | OSError | DatabaseError) -> list[Dubbed]:
    sentence, code = told(error)
    return [Dubbed(str(wish.path), tag, error=sentence, exit_code=code) for tag in tags]


def _say(results: Sequence[Dubbed], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"dubs": [asdict(result) for result in results]}, indent=1, ensure_ascii=False))


def _is_language(text: str) -> bool:
    try:
        checked_language(text)
    except PairError:
        return False
    return True
