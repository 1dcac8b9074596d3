"""Finds videos of which something new is to be put into the storage, and has it put there by a run.

As with the automation, a tick must not read ten thousand histories: each of these videos has a mark, the times of
change of its drops, its row and its pointers, and one whose mark is settled is passed over. A run that failed changes
no file, so those that ended since the last tick unsettle their video.
"""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from octavia_dag.errors import OctaviaError
from octavia_dag.resources.nights import LISTED
from octavia_dag.resources.workshop import Workshop
from octavia_dag.sensors.automation import AT_WORK, Marks, video_of
from octavia_dag.sensors.handing_over import JOB, DeliverConfig, DubConfig, judged, languages_of

_INTERVAL_S = 10
_LOOKING_S = 2.0
_BATCH = 20
_PRIORITY = {"dagster/priority": "5"}
# After a delivery that failed; and how far back a tick looks for runs that failed, since clocks differ a little.
_AGAIN_S, _OVERLAP_S = 60.0, 30.0
_JOBS = ("analyse_video", "dub_video")


def marks_of(store: Path) -> dict[str, str]:
    """The mark of every video that was dropped or that the catalogue lists."""
    found: dict[str, str] = {}
    try:
        folders = list(os.scandir(store / "videos"))
    except FileNotFoundError:
        return {}
    for folder in folders:
        asked = [_changed(f"{folder.path}/{name}") for name in ("drop/drops.json", LISTED)]
        if any(asked):
            found[folder.name] = " ".join([*asked, _changed(f"{folder.path}/current")])
    return found


def tick(
    workshop: Workshop, instance: dg.DagsterInstance, cursor: str, now: Callable[[], float] = time.time
) -> tuple[list[tuple[str, str]], list[str], str]:
    """One look: the dubs about which something is to be done, what could not be judged, and the next cursor."""
    begun = now()
    store = Path(workshop.store.root)
    current, marks = marks_of(store), Marks.read(store, "delivering.json")
    before = dict(marks.seen)
    for video in _failed_since(instance, _since(cursor)):
        marks.seen.pop(video, None)
    wanted: list[tuple[str, str]] = []
    troubles: list[str] = []
    for video in sorted(video for video, mark in current.items() if marks.seen.get(video) != mark):
        if now() - begun > _LOOKING_S or len(wanted) >= _BATCH:
            break
        try:
            found = [
                (video, tag) for tag in languages_of(workshop.store, video) if judged(workshop, instance, video, tag)[1]
            ]
        except OctaviaError as error:
            troubles.append(str(error))
            continue
        wanted += found
        if not found:
            marks.seen[video] = current[video]
    marks.seen = {video: mark for video, mark in marks.seen.items() if video in current}
    if marks.seen != before:
        marks.write()
    return wanted, troubles, json.dumps({"since": begun})


def delivering_sensor(job: Any) -> dg.SensorDefinition:
    """The sensor; it runs unless somebody stops it."""

    def delivering(context: dg.SensorEvaluationContext, workshop: Workshop) -> dg.SensorResult | dg.SkipReason:
        obstacle = _obstacle(context.instance, time.time())
        if obstacle:
            return dg.SkipReason(obstacle)
        wanted, troubles, cursor = tick(workshop, context.instance, context.cursor or "")
        for trouble in troubles:
            context.log.warning(trouble)
        if not wanted:
            context.update_cursor(cursor)
            return dg.SkipReason(" ".join(troubles) or "All that became of dropped videos is in the storage.")
        config = DeliverConfig(dubs=[DubConfig(video=video, language=tag) for video, tag in wanted])
        one = dg.RunRequest(run_config=dg.RunConfig(ops={"deliver": config}), tags=_PRIORITY)
        return dg.SensorResult(run_requests=[one], cursor=cursor)

    return dg.sensor(
        name="delivering",
        job=job,
        minimum_interval_seconds=_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Puts finished dubs of dropped videos, or why there are none, into the storage.",
    )(delivering)


def _obstacle(instance: dg.DagsterInstance, now: float) -> str:
    """Why no delivery is asked for now, empty where one may be."""
    latest = instance.get_run_records(dg.RunsFilter(job_name=JOB), limit=1)
    if latest and latest[0].dagster_run.status in AT_WORK:
        return "A delivery is at work."
    failed = latest and latest[0].dagster_run.status is dg.DagsterRunStatus.FAILURE
    if failed and now - (latest[0].end_time or now) < _AGAIN_S:
        return "The last delivery failed; it is tried again in a minute."
    return ""


def _failed_since(instance: dg.DagsterInstance, since: float) -> set[str]:
    """Videos of which a run ended badly since then."""
    found: set[str] = set()
    for job in _JOBS:
        wanted = dg.RunsFilter(
            job_name=job,
            statuses=[dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED],
            updated_after=datetime.fromtimestamp(max(0.0, since - _OVERLAP_S), UTC),
        )
        found |= {video_of(run.tags.get("dagster/partition", "")) for run in instance.get_runs(wanted)}
    return found


def _since(cursor: str) -> float:
    try:
        return float(json.loads(cursor or "{}").get("since", 0.0))
    except (ValueError, TypeError, AttributeError):
        return 0.0


def _changed(path: str) -> str:
    try:
        return str(os.stat(path).st_mtime_ns)
    except FileNotFoundError:
        return ""
