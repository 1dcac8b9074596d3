"""What `octavia dub` does with one video: registers and analyses it once, then dubs, and hands over each language.

A language is noted as wanted when it is known to be possible: from the language that was heard, and with a transcript
that can be used. Private voices are kept for wanted languages, so a refused one must not be among them, and all are
noted before the first is dubbed: the first to be done must not let go of what the others need.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
from sqlalchemy.exc import DatabaseError

from octavia_dag.assets.admission import record_of, refuse_pairs, register
from octavia_dag.assets.judging import Judge
from octavia_dag.assets.slices import sync_settings
from octavia_dag.cli import running
from octavia_dag.cli.alongside import Answer, at_once, run_side_by_side
from octavia_dag.cli.checking import Wish
from octavia_dag.cli.failing import HANDLED, told
from octavia_dag.cli.handing import hand_over
from octavia_dag.cli.planning import told_plan
from octavia_dag.cli.progress import Progress
from octavia_dag.cli.who import operator
from octavia_dag.environment import Environment
from octavia_dag.errors import InputError, OctaviaError, PairError
from octavia_dag.layers import Place, change_layer, settings_of
from octavia_dag.partitions import dub_key
from octavia_dag.plan import Plan, plan
from octavia_dag.resources import videos as registry
from octavia_dag.resources.approvals import command, waits
from octavia_dag.resources.ghosts import clear_ghosts
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import QaReport, Transcript
from octavia_dag.sensors.automation import DESIRED_TAG

_NOTHING = running.Outcome({}, 0.0, 0.0)


@dataclass
class Dubbed:
    """What the command says about one video in one language."""

    video: str
    language: str
    outputs: list[str] = field(default_factory=list[str])
    nothing_to_dub: bool = False
    waiting: str | None = None
    flags: list[str] = field(default_factory=list[str])
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    wall_seconds: float = 0.0
    engine_seconds: float = 0.0
    orchestration_ratio: float | None = None
    error: str | None = None
    exit_code: int = 0


@dataclass(frozen=True)
class Session:
    """One run of the command: registers, analyses, dubs and hands over."""

    environment: Environment
    definitions: dg.Definitions
    instance: dg.DagsterInstance
    tools: Workshop
    out: Path
    progress: Progress

    @property
    def store_root(self) -> Path:
        """Where artifacts, records and settings lie."""
        return Path(self.tools.store.root)

    def dub(self, wish: Wish) -> list[Dubbed]:
        """One video into all languages."""
        self.progress.begin(wish.path.name, len(wish.targets))
        try:
            record = self._registered(wish)
            found = self._planned(record.id, wish.targets)
            self.progress.planned(told_plan(found, settings_of(self.store_root, record.id)))
            analysed = self._run("analyse_video", record.id, found.desired[None], needed=found.stale_video)
            refused = self._wanted(record.id, wish.targets)
            stale = Judge(self.tools).plan(record.id, tuple(wish.targets))
        except HANDLED as error:
            self.progress.failed(told(error)[0])
            return failed(wish, wish.targets, error)
        for error in refused.values():
            self.progress.failed(told(error)[0])
        possible = [tag for tag in wish.targets if tag not in refused]
        dubbed = self._dubbed(wish, stale, possible, analysed)
        return [failed(wish, [tag], refused[tag])[0] if tag in refused else dubbed[tag] for tag in wish.targets]

    def _dubbed(self, wish: Wish, found: Plan, tags: Sequence[str], analysed: running.Outcome) -> dict[str, Dubbed]:
        """The dubs by language: side by side where more than one must run and there are cores for it, else here."""
        one = partial(self._one, wish, found.video, analysed)
        desired = {tag: found.desired[tag] for tag in tags if tag in found.stale_languages}
        if at_once(self.environment.threads, len(desired)) < 2:
            return {tag: one(tag, partial(self._run_here, found.video, tag)) for tag in tags}
        done = {tag: one(tag, self._passed) for tag in tags if tag not in desired}

        def ended(tag: str, answer: Answer) -> None:
            self.progress.passed("dub_video")
            done[tag] = one(tag, partial(_outcome, answer))

        try:
            run_side_by_side(self.environment, found.video, desired, begins=self.progress.begins, ended=ended)
        finally:  # of one that was killed: its run is not left at work, nor its scratch
            clear_ghosts(self.instance, self.environment.scratch)
        return done

    def _wanted(self, video: str, targets: Sequence[str]) -> dict[str, PairError]:
        """Notes the languages that are possible, all before the first is dubbed; returns why the others are not."""
        transcript: Transcript = self._read("transcript", video, None, Transcript)
        if not transcript.verdict.ok:
            raise InputError(f"Dubbing {video} stops at its transcript. {' '.join(transcript.verdict.reasons)}")
        settings = settings_of(self.store_root, video)
        refused: dict[str, PairError] = {}
        for tag in targets:
            try:
                refuse_pairs(self.tools, settings, transcript.language, [tag])
                registry.request(self.tools.store, video, tag)
            except PairError as error:
                refused[tag] = error
        return refused

    def _one(
        self, wish: Wish, video: str, analysed: running.Outcome, tag: str, run: Callable[[], running.Outcome]
    ) -> Dubbed:
        result = Dubbed(str(wish.path), tag)
        try:
            dubbed = run()
            if waits(self.tools.store, video, tag, settings_of(self.store_root, video, tag)):
                # An earlier report may be there, of what was approved before.
                result.waiting = f"waiting for approval: {command(video, tag)}"
                self.progress.waits(tag, result.waiting)
                return result
            report = self._read("qa_report", video, tag, QaReport)
            result.outputs = [str(path) for path in hand_over(self.tools.store, video, tag, wish.path, self.out)]
        except HANDLED as error:
            self.progress.failed(told(error)[0], tag)
            return failed(wish, [tag], error)[0]
        result.nothing_to_dub, result.flags = report.nothing_to_dub, list(report.flags)
        result.seconds = {**analysed.seconds, **dubbed.seconds}
        result.wall_seconds = round(analysed.wall_seconds + dubbed.wall_seconds, 3)
        result.engine_seconds = round(analysed.engine_seconds + dubbed.engine_seconds, 3)
        if result.engine_seconds:
            result.orchestration_ratio = round(result.wall_seconds / result.engine_seconds, 3)
        self.progress.done(tag, result.outputs, result.flags, nothing=result.nothing_to_dub)
        return result

    def _registered(self, wish: Wish) -> registry.VideoRecord:
        record = record_of(self.tools.store, wish.path.name, wish.sha256)
        if wish.layer is not None:
            change_layer(self.store_root, Place(record.id), wish.layer, who=operator())
        return register(self.tools.store, self.instance, record, wish.path, wish.seconds)

    def _planned(self, video: str, targets: Sequence[str]) -> Plan:
        """The plan; what it judged by is told to Dagster first, where something is to run."""
        judge = Judge(self.tools)
        sight = judge.sight(video, tuple(targets))
        found = plan(sight, judge)
        if not found.empty:
            sync_settings(self.instance, video, sight.settings)
        return found

    def _run_here(self, video: str, tag: str) -> running.Outcome:
        """One dub in this process, as the plan has it when its turn comes."""
        found = Judge(self.tools).plan(video, (tag,))
        return self._run("dub_video", dub_key(video, tag), found.desired[tag], needed=tag in found.stale_languages)

    def _passed(self) -> running.Outcome:
        self.progress.passed("dub_video")
        return _NOTHING

    def _run(self, job: str, key: str, desired: str, *, needed: bool) -> running.Outcome:
        if not needed:
            self.progress.passed(job)
            return _NOTHING
        with self.progress.of(job):
            return running.run_job(self.definitions, self.instance, job, key, {DESIRED_TAG: desired})

    def _read(self, name: str, video: str, language: str | None, kind: Any) -> Any:
        artifact = self.tools.store.current(name, video, language)
        if artifact is None:
            raise OctaviaError(f"{name} of {video} is not there after its run; run the command again.")
        return artifact.read(kind)


def failed(wish: Wish, tags: Sequence[str], error: OctaviaError | OSError | DatabaseError) -> list[Dubbed]:
    """What is said of languages that could not be dubbed."""
    sentence, code = told(error)
    return [Dubbed(str(wish.path), tag, error=sentence, exit_code=code) for tag in tags]


def _outcome(answer: Answer) -> running.Outcome:
    if isinstance(answer, OctaviaError):
        raise answer
    return answer
