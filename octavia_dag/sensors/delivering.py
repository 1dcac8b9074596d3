"""Finds videos of which something new is to be put into the storage, and has it put there by a run.

As with the automation, a tick must not read ten thousand histories: each of these videos has a mark, the storage and
the times of change of its drops, its row and its pointers, and one whose mark is settled is passed over. A run that
failed changes no file, so those that ended since the last tick unsettle their video. What is asked for in vain is asked
for again later and later and behind the others, so that it cannot keep them out; and while the storage is away nothing
is asked for at all.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from octavia_dag.dubbing.handing import Asked, once_more, waits
from octavia_dag.errors import OctaviaError, StorageError
from octavia_dag.resources.nights import LISTED
from octavia_dag.resources.workshop import Workshop
from octavia_dag.sensors.automation import AT_WORK, Marks, video_of
from octavia_dag.sensors.handing_over import JOB, DeliverConfig, DubConfig, judged, languages_of
from octavia_dag.settings import digest

_INTERVAL_S = 10
_LOOKING_S = 2.0
_BATCH = 20
_PRIORITY = {"dagster/priority": "5"}
# How far back a tick looks for runs that failed, since clocks differ a little.
_OVERLAP_S = 30.0
_JOBS = ("analyse_video", "dub_video")


def marks_of(store: Path, storage: str) -> dict[str, str]:
    """The mark of every video that was dropped or that the catalogue lists; `storage` is where dubs go to."""
    found: dict[str, str] = {}
    where = digest([storage])[:8]
    try:
        folders = list(os.scandir(store / "videos"))
    except FileNotFoundError:
        return {}
    for folder in folders:
        asked = [_changed(f"{folder.path}/{name}") for name in ("drop/drops.json", LISTED)]
        if any(asked):
            found[folder.name] = " ".join([where, *asked, _changed(f"{folder.path}/current")])
    return found


def tick(
    workshop: Workshop, instance: dg.DagsterInstance, cursor: str, now: Callable[[], float] = time.time
) -> tuple[list[tuple[str, str]], list[str], str]:
    """One look: the dubs about which something is to be done, what could not be judged, and the next cursor."""
    begun = now()
    store = Path(workshop.store.root)
    current, marks = marks_of(store, workshop.storage.address), Marks.read(store, "delivering.json")
    before, (since, asked) = dict(marks.seen), _read(cursor)
    for video in _failed_since(instance, since):
        marks.seen.pop(video, None)
    wanted: list[tuple[str, str]] = []
    troubles: list[str] = []
    for video in _in_turn(current, marks.seen, asked, begun):
        if now() - begun > _LOOKING_S or len(wanted) >= _BATCH:
            break
        seen = asked.pop(video, None)
        try:
            found = [
                (video, tag) for tag in languages_of(workshop.store, video) if judged(workshop, instance, video, tag)[1]
            ]
        except OctaviaError as error:
            troubles.append(str(error))
            asked[video] = once_more(seen, current[video], begun)
            continue
        wanted += found
        if found:
            asked[video] = once_more(seen, current[video], begun)
        else:
            marks.seen[video] = current[video]
    marks.seen = {video: mark for video, mark in marks.seen.items() if video in current}
    if marks.seen != before:
        marks.write()
    kept = {video: astuple(one) for video, one in asked.items() if video in current}
    return wanted, troubles, json.dumps({"since": begun, "asked": kept})


def _in_turn(
    current: Mapping[str, str], settled: Mapping[str, str], asked: Mapping[str, Asked], now: float
) -> list[str]:
    """The videos to look at, those first that were asked for least often."""
    found = [
        video
        for video, mark in current.items()
        if settled.get(video) != mark and not waits(asked.get(video), mark, now)
    ]
    return sorted(found, key=lambda video: (asked[video].tries if video in asked else 0, video))


def delivering_sensor(job: Any) -> dg.SensorDefinition:
    """The sensor; it runs unless somebody stops it."""

    def delivering(context: dg.SensorEvaluationContext, workshop: Workshop) -> dg.SensorResult | dg.SkipReason:
        if context.instance.get_runs(dg.RunsFilter(job_name=JOB, statuses=list(AT_WORK)), limit=1):
            return dg.SkipReason("A delivery is at work.")
        wanted, troubles, cursor = tick(workshop, context.instance, context.cursor or "")
        for trouble in troubles:
            context.log.warning(trouble)
        if not wanted:
            context.update_cursor(cursor)
            return dg.SkipReason(" ".join(troubles) or "All that became of dropped videos is in the storage.")
        try:
            workshop.storage.look()
        except StorageError as error:
            return dg.SkipReason(str(error))
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


def _read(cursor: str) -> tuple[float, dict[str, Asked]]:
    """Since when runs are looked for, and what was asked for; neither where the cursor cannot be read."""
    try:
        told: Any = json.loads(cursor or "{}")
        asked = {str(video): Asked(*row) for video, row in told.get("asked", {}).items()}
        return float(told.get("since", 0.0)), asked
    except (ValueError, TypeError, AttributeError):
        return 0.0, {}


def _changed(path: str) -> str:
    try:
        return str(os.stat(path).st_mtime_ns)
    except FileNotFoundError:
        return ""
