"""Makes what the plan finds stale, as whole jobs, without anybody asking.

A tick must not read ten thousand histories. Each video has a mark: the times of change of its settings, corrections
and pointers, a handful of `stat` calls. A video whose mark is the one under which nothing was left to do is passed
over; the others are planned, as many as a tick has time for, and a slow sweep plans the rest again and again, so that
nothing depends on a mark. A partition at work is skipped, and so is a desired state that was attempted and failed: that
one waits for an operator, for another change, or for the video to be dropped again. A video of the catalogue is left
to its nights: it is launched only while the night that asked for it is open, behind everything that people wait for,
and that is closed here once nothing is left to do.
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from octavia_dag.assets.drops import dropped_at
from octavia_dag.assets.judging import Judge
from octavia_dag.assets.slices import sync_settings
from octavia_dag.errors import OctaviaError
from octavia_dag.fleet.queue import PRIORITY_TAG, TENANT_TAG
from octavia_dag.graph import GRAPH
from octavia_dag.partitions import VIDEOS, dub_key
from octavia_dag.plan import Plan, plan
from octavia_dag.resources.artifacts import write_atomically
from octavia_dag.resources.ghosts import clear_ghosts, was_killed
from octavia_dag.resources.nights import Listed, close, read_listed
from octavia_dag.resources.workshop import Workshop
from octavia_dag.settings import digest

DESIRED_TAG = "octavia/desired"
WHY_TAG = "octavia/why"
NIGHT_TAG, DEADLINE_TAG = "octavia/night", "octavia/deadline"
AT_WORK = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
ENDED_BADLY = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
_INTERVAL_S = 10
# A tick plans changed videos for so long at the most, and others for so long.
_PLANNING_S, _SWEEP_S = 2.0, 0.5
_MOST_WHY = 200
# So many runs in a row that succeeded at the same desired state and did not reach it are a loop, not a coincidence.
_LOOP = 3
# A run that was killed tried nothing; but one that is killed again and again (no memory, say) is left alone.
_MOST_KILLED = 5


@dataclass(frozen=True)
class Request:
    """One job to launch: for which partition, towards which desired state, and why."""

    job: str
    partition: str
    desired: str
    why: str
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


def decide(found: Plan, busy: Iterable[str], attempted: Callable[[str, str, str], bool]) -> list[Request]:
    """What to launch for one video: its own job first, and the dubs when that has nothing left to do.

    `busy` are the partitions at work; `attempted(job, partition, desired)` says whether that was tried in vain.
    """
    at_work = set(busy)
    if found.video in at_work:
        return []
    if found.stale_video:
        keys = {str(dub_key(found.video, item.language)) for item in found.items if item.language}
        wanted = [] if keys & at_work else [_request(found, "analyse_video", found.video, None)]
    else:
        dubs = [(tag, str(dub_key(found.video, tag))) for tag in found.stale_languages]
        wanted = [_request(found, "dub_video", key, tag) for tag, key in dubs if key not in at_work]
    return [one for one in wanted if not attempted(one.job, one.partition, one.desired)]


def _request(found: Plan, job: str, partition: str, language: str | None) -> Request:
    causes = [
        f"{item.asset}: {', '.join(item.causes)}" for item in found.of("make", "reuse") if item.language == language
    ]
    return Request(job, partition, found.desired[language], "; ".join(causes)[:_MOST_WHY])


@dataclass
class Marks:
    """Under which mark each video had nothing left to do, kept in the store between ticks and restarts."""

    path: Path
    seen: dict[str, str]

    @classmethod
    def read(cls, store: Path, name: str = "automation.json") -> "Marks":
        """The marks of the last tick; none where there are none or they cannot be read: then all are planned again."""
        path = store / name
        try:
            loaded = json.loads(path.read_bytes())
        except (OSError, ValueError):
            loaded = {}
        return cls(path, {str(k): str(v) for k, v in loaded.items()} if isinstance(loaded, dict) else {})

    def write(self) -> None:
        """Keeps them for the next tick."""
        write_atomically(self.path, json.dumps(self.seen).encode())


def video_marks(store: Path, shared: str) -> dict[str, str]:
    """The mark of every registered video: times of change of the files in its folder, and of its pointers."""
    found: dict[str, str] = {}
    try:
        folders = list(os.scandir(store / "videos"))
    except FileNotFoundError:
        return {}
    for folder in folders:
        with os.scandir(folder.path) as entries:
            told = [f"{one.name} {one.stat().st_mtime_ns}" for one in entries if one.name == "current" or one.is_file()]
        if any(one.startswith("video.json ") for one in told):
            found[folder.name] = digest([shared, sorted(told)])[:16]
    return found


def shared_mark(workshop: Workshop) -> str:
    """The mark of what all videos share: the catalogue's files, the code, the engines' revisions."""
    store = Path(workshop.store.root)
    files = sorted(f"{one.name} {one.stat().st_mtime_ns}" for one in store.iterdir() if one.suffix in _CATALOGUE)
    judge, usual = Judge(workshop), Judge(workshop).catalogue()
    engines = {node.name: [node.code_version, judge.engines(node, usual)] for node in GRAPH.values()}
    return digest([files, engines])


_CATALOGUE = (".yaml", ".csv", ".sqlite")


def order(marks: Mapping[str, str], seen: Mapping[str, str], after: str) -> tuple[list[str], list[str]]:
    """Changed videos, and the others in the order of the sweep, which goes on behind the video `after`."""
    changed = sorted(video for video, mark in marks.items() if seen.get(video) != mark)
    others = sorted(set(marks) - set(changed))
    behind = [video for video in others if video > after]
    return changed, [*behind, *others[: len(others) - len(behind)]]


def tick(
    workshop: Workshop, instance: dg.DagsterInstance, cursor: str, now: Callable[[], float] = time.monotonic
) -> tuple[list[Request], list[str], str]:
    """One look at the installation: what to launch, what could not be judged (in sentences), and the next cursor."""
    store = Path(workshop.store.root)
    if not store.is_dir():
        return [], [], cursor
    marks = Marks.read(store)
    current = video_marks(store, shared_mark(workshop))
    changed, sweep = order(current, marks.seen, cursor)
    judge, busy = Judge(workshop), partitions_at_work(instance)
    requests: list[Request] = []
    troubles: list[str] = []
    before = dict(marks.seen)
    for videos, allowed_s in ((changed, _PLANNING_S), (sweep, _SWEEP_S)):
        begun = now()
        for video in videos:
            if now() - begun > allowed_s:
                break
            cursor = video if videos is sweep else cursor
            wanted, settled = _judged(judge, instance, video, busy, troubles, told=videos is changed)
            requests += wanted
            if settled:
                marks.seen[video] = current[video]
            else:
                marks.seen.pop(video, None)
    marks.seen = {video: mark for video, mark in marks.seen.items() if video in current}
    if marks.seen != before:
        marks.write()
    return requests, troubles, cursor


def partitions_at_work(instance: dg.DagsterInstance) -> list[str]:
    """Partitions that a run is at work on, or waits to be."""
    runs = instance.get_runs(dg.RunsFilter(statuses=list(AT_WORK)))
    return [run.tags["dagster/partition"] for run in runs if "dagster/partition" in run.tags]


def video_of(partition: str) -> str:
    """The video of a partition of its own, or of one of its dubs."""
    return partition.rpartition("|")[2]


def attempted_in(instance: dg.DagsterInstance, since: float = 0.0) -> Callable[[str, str, str], bool]:
    """Whether the latest run of a job for a partition went for this desired state and failed, or runs go in a loop.

    Runs from before `since` do not count: what failed then is to be tried once more.
    """
    after = datetime.fromtimestamp(since, UTC) if since else None

    def attempted(job: str, partition: str, desired: str) -> bool:
        wanted = dg.RunsFilter(job_name=job, tags={"dagster/partition": partition}, created_after=after)
        runs = instance.get_runs(wanted, limit=_MOST_KILLED)
        same = [run for run in runs if run.tags.get(DESIRED_TAG) == desired]
        if len(same) == _MOST_KILLED:
            return True
        lived = [run for run in runs if not was_killed(instance, run)]
        failed = bool(lived) and lived[0] in same and lived[0].status in ENDED_BADLY
        return failed or len([run for run in lived if run in same]) >= _LOOP

    return attempted


def _judged(
    judge: Judge, instance: dg.DagsterInstance, video: str, busy: Sequence[str], troubles: list[str], *, told: bool
) -> tuple[list[Request], bool]:
    """What to launch for one video, and whether it is settled until something of it changes.

    `told`: its settings may be others than Dagster was told last, though nothing is stale (one was put back).
    """
    store = judge.workshop.store
    try:
        listed = read_listed(store, video)
        sight = judge.sight(video)
        found = plan(sight, judge)
        since = 0.0 if found.empty else max(listed.since if listed else 0.0, dropped_at(store, video))
    except OctaviaError as error:
        troubles.append(f"{video}: {error}")
        return [], True
    if found.empty or (listed is not None and not listed.open):
        if told:
            sync_settings(instance, video, sight.settings)
        if found.empty:
            close(store, video)
        return [], True
    working = video in busy or any(key.endswith(f"|{video}") for key in busy)
    wanted = decide(found, busy, attempted_in(instance, since))
    if wanted:
        sync_settings(instance, video, sight.settings)
    return [replace(one, tags=_of_the_night(listed)) for one in wanted], not wanted and not working


def _of_the_night(listed: Listed | None) -> dict[str, str]:
    """What marks a run that a night asked for: the first row of the night goes before the second."""
    if listed is None:
        return {}
    tags = {NIGHT_TAG: listed.night, PRIORITY_TAG: str(-listed.place)}
    if listed.deadline is not None:
        tags[DEADLINE_TAG] = listed.deadline.isoformat()
    return {**tags, TENANT_TAG: listed.tenant} if listed.tenant else tags


def automation_sensor(jobs: Sequence[Any]) -> dg.SensorDefinition:
    """The sensor over both jobs; it runs unless somebody stops it."""

    def automation(context: dg.SensorEvaluationContext, workshop: Workshop) -> dg.SensorResult | dg.SkipReason:
        clear_ghosts(context.instance, Path(workshop.store.scratch))
        requests, troubles, cursor = tick(workshop, context.instance, context.cursor or "")
        for trouble in troubles:
            context.log.warning(trouble)
        if not requests:
            context.update_cursor(cursor)
            return dg.SkipReason(" ".join(troubles) or "Everything is as it should be, or at work.")
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    job_name=one.job,
                    partition_key=one.partition,
                    tags={DESIRED_TAG: one.desired, WHY_TAG: one.why, **one.tags},
                )
                for one in requests
            ],
            # With the requests, so that a video whose registration was killed halfway has its partition all the same.
            dynamic_partitions_requests=[
                VIDEOS.build_add_request(sorted({video_of(one.partition) for one in requests}))
            ],
            cursor=cursor,
        )

    return dg.sensor(
        name="automation",
        jobs=jobs,
        minimum_interval_seconds=_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Launches whole jobs for what the plan finds stale.",
    )(automation)
