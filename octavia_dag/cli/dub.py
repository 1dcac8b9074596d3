"""`octavia dub`: checks everything that can be checked, then runs both jobs here, then hands over the files.

Whatever can be refused is refused before a video is registered, so a refusal leaves nothing behind. Several videos
and languages go one after another; one that fails does not stop the others.
"""

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
import dagster as dg
import yaml

from octavia_dag import environment as surroundings
from octavia_dag.assets.step import engine_for
from octavia_dag.cli import running
from octavia_dag.cli.progress import Progress
from octavia_dag.environment import Environment
from octavia_dag.errors import InputError, OctaviaError, PairError, SettingsError
from octavia_dag.partitions import VIDEOS, checked_language, dub_key, video_id
from octavia_dag.resources import videos as registry
from octavia_dag.resources.artifacts import guarded, write_atomically
from octavia_dag.resources.engines import Synthesizer, Translator
from octavia_dag.resources.mux import CONTAINERS
from octavia_dag.resources.probe import probe_video, sha256_cached
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import FinalMux, QaReport, SourceVideo, Transcript
from octavia_dag.settings import Layer, Settings, effective, read_layer


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


@dataclass(frozen=True)
class Wish:
    """One video that was asked for and passed the checks."""

    path: Path
    sha256: str
    layer: Layer


def spread_languages(arguments: Sequence[str]) -> list[str]:
    """`--to pt-BR es` as `--to pt-BR --to es`: the words after a language that are languages too, and no files."""
    spread: list[str] = []
    for argument in arguments:
        if len(spread) > 1 and spread[-2] == "--to" and _is_language(argument) and not Path(argument).exists():
            spread.append("--to")
        spread.append(argument)
    return spread


@click.command()
@click.argument("video", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--to", "languages", multiple=True, required=True, metavar="LANG...", help="Language(s) to dub into, such as pt-BR."
)
@click.option("--from", "spoken", metavar="LANG", help="Language spoken in the video; unset: heard.")
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
    from octavia_dag.definitions import build, workshop

    tools = workshop(environment)
    targets = list(dict.fromkeys(checked_language(tag) for part in languages for tag in part.replace(",", " ").split()))
    wishes = _checked(tools, environment, video, targets, _layer(settings, spoken), keep=settings is None)
    running.prepare(environment)
    with dg.DagsterInstance.get() as instance:
        running.clear_ghosts(instance, environment.scratch)
        session = Session(build(environment), instance, tools, out, Progress(quiet=as_json))
        results = [result for wish in wishes for result in session.dub(wish, targets)]
    if as_json:
        click.echo(json.dumps({"dubs": [asdict(result) for result in results]}, indent=1, ensure_ascii=False))
    return max(result.exit_code for result in results)


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
        record = self._registered(wish, targets)
        self.progress.begin(wish.path.name, len(targets))
        try:
            analysed = self._run("analyse_video", record.id)
            transcript = self._read("transcript", record.id, None, Transcript)
            refuse_pairs(self.tools, self._settings(record.id), transcript.language, targets)
        except OctaviaError as error:
            self.progress.failed(str(error))
            return [Dubbed(str(wish.path), tag, error=str(error), exit_code=error.exit_code) for tag in targets]
        return [self._one(wish, record, tag, analysed) for tag in targets]

    def _one(self, wish: Wish, record: registry.VideoRecord, tag: str, analysed: running.Outcome) -> Dubbed:
        result = Dubbed(str(wish.path), tag)
        try:
            dubbed = self._run("dub_video", dub_key(record.id, tag))
            report = self._read("qa_report", record.id, tag, QaReport)
            result.outputs = [str(path) for path in self._hand_over(wish.path, record.id, tag)]
        except OctaviaError as error:
            result.error, result.exit_code = str(error), error.exit_code
            self.progress.failed(str(error))
            return result
        result.nothing_to_dub, result.flags = report.nothing_to_dub, list(report.flags)
        result.seconds = {**analysed.seconds, **dubbed.seconds}
        result.wall_seconds = round(analysed.wall_seconds + dubbed.wall_seconds, 3)
        result.engine_seconds = round(analysed.engine_seconds + dubbed.engine_seconds, 3)
        if result.engine_seconds:
            result.orchestration_ratio = round(result.wall_seconds / result.engine_seconds, 3)
        self.progress.done(tag, result.outputs, result.flags, nothing=result.nothing_to_dub)
        return result

    def _registered(self, wish: Wish, targets: Sequence[str]) -> registry.VideoRecord:
        store = self.tools.store
        known = registry.find(store, wish.sha256)
        if known is None:
            taken = {one.id for one in registry.records(store)}
            candidates = (video_id(wish.path.name, wish.sha256, hash_length=n) for n in registry.HASH_LENGTHS)
            name = next(one for one in candidates if one not in taken)
            known = registry.VideoRecord(id=name, name=wish.path.name, path="", sha256=wish.sha256, size=0)
        moved = {"path": str(wish.path.absolute()), "size": wish.path.stat().st_size}
        wanted = {"requested": tuple(sorted({*known.requested, *targets}))}
        record = registry.save(store, known.model_copy(update=moved | wanted))
        if wish.layer:
            layer = yaml.safe_dump(wish.layer, allow_unicode=True).encode()
            write_atomically(registry.layer_path(store, record.id), layer)
        self.instance.add_dynamic_partitions(VIDEOS.name or "", [record.id])
        return record

    def _run(self, job: str, key: str) -> running.Outcome:
        with self.progress.of(job):
            return running.run_job(self.definitions, self.instance, job, key)

    def _settings(self, video: str) -> Settings:
        path = registry.layer_path(self.tools.store, video)
        return effective([read_layer(path)] if path.exists() else [])

    def _read(self, name: str, video: str, language: str | None, kind: Any) -> Any:
        artifact = self.tools.store.current(name, video, language)
        if artifact is None:
            raise OctaviaError(f"{name} of {video} is not there after its run; run the command again.")
        return artifact.read(kind)

    def _hand_over(self, source: Path, video: str, tag: str) -> list[Path]:
        store = self.tools.store
        mux, report = (store.current(name, video, tag) for name in ("final_mux", "qa_report"))
        assert mux is not None
        assert report is not None
        document = mux.read(FinalMux)
        pairs = [(mux.file(document.video), source.suffix), (report.file("qa_report.json"), ".qa.json")]
        pairs += [(mux.file(name), kind) for name, kind in ((document.srt, ".srt"), (document.vtt, ".vtt")) if name]
        return [_copied(path, self.out / f"{source.stem}.{tag}{suffix}") for path, suffix in pairs]


def refuse_pairs(tools: Workshop, settings: Settings, spoken: str | None, targets: Sequence[str]) -> None:
    """A PairError for a target that cannot be reached from `spoken` (None: from any language)."""
    translator = engine_for(tools, settings, Translator, "translator")
    synthesizer = engine_for(tools, settings, Synthesizer, "synthesizer")
    pairs = sorted((a, b) for a, b in translator.pairs() if synthesizer.voices(b))
    for target in targets:
        if spoken is not None and _same(spoken, target):
            raise PairError(f"Dubbing into {target}: the video is spoken in {spoken} already; choose another language.")
        if not any(b == target and (spoken is None or _same(a, spoken)) for a, b in pairs):
            can = ", ".join(f"{a} to {b}" for a, b in pairs) or "none"
            raise PairError(
                f"Dubbing from {spoken or 'any language'} into {target} is not possible here; these pairs are: {can}."
            )


def _checked(
    tools: Workshop,
    environment: Environment,
    paths: Sequence[Path],
    targets: Sequence[str],
    layer: Layer,
    *,
    keep: bool,
) -> list[Wish]:
    """The wishes, each refused here if it can be: nothing is registered before."""
    wishes: list[Wish] = []
    for path in paths:
        _refuse_container(path, probe_video(tools.media, path, "", None))
        sha256 = sha256_cached(path, environment.store / "hashes.json")
        known = registry.find(tools.store, sha256)
        old = registry.layer_path(tools.store, known.id) if known and keep else None
        merged = _merged(read_layer(old) if old and old.exists() else {}, layer)
        settings = effective([merged])
        probe_video(tools.media, path, sha256, settings.separation.track)
        refuse_pairs(tools, settings, settings.transcription.language, targets)
        wishes.append(Wish(path, sha256, merged))
    names = [wish.path.stem + wish.path.suffix for wish in wishes]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"Two of the videos are called {name} and would be written to the same file; dub them one by one."
            )
    return wishes


def _refuse_container(path: Path, source: SourceVideo) -> None:
    if source.audio and source.container not in CONTAINERS:
        raise InputError(
            f"Dubbing {path.name}: no dub can be put into a {source.container} file; "
            f"remux it into one of {', '.join(sorted(CONTAINERS))} first."
        )


def _layer(settings: Path | None, spoken: str | None) -> Layer:
    layer = read_layer(settings) if settings else {}
    return _merged(layer, {"transcription": {"language": _spoken(spoken)}}) if spoken else layer


def _spoken(tag: str) -> str:
    from langcodes import Language, tag_is_valid

    if not tag_is_valid(tag):
        raise SettingsError(f"--from has the value {tag!r}, which is no language tag; give one such as en or pt.")
    return Language.get(tag).language or tag


def _merged(low: Layer, high: Layer) -> Layer:
    return {name: {**low.get(name, {}), **high.get(name, {})} for name in {**low, **high}}


def _copied(path: Path, target: Path) -> Path:
    with guarded(f"Writing {target}"):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as beside:
            temporary = Path(beside.name)
        try:
            shutil.copyfile(path, temporary)
            temporary.chmod(0o644)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    return target


def _is_language(text: str) -> bool:
    try:
        checked_language(text)
    except PairError:
        return False
    return True


def _same(one: str, other: str) -> bool:
    return one.split("-", maxsplit=1)[0].lower() == other.split("-", maxsplit=1)[0].lower()
