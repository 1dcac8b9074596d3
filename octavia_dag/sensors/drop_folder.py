"""Watches what is dropped, and has it taken by a run. What to take is a pure decision (dubbing/dropping.py).

The run key holds the ETags, so that a tick which is repeated after a restart asks for nothing twice. A storage that
cannot be reached is a reason to skip, with the cursor as it was.
"""

import base64
import json
import time
import zlib
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

import dagster as dg

from octavia_dag.dubbing.dropping import Decision, Seen, decide
from octavia_dag.errors import StorageError
from octavia_dag.resources.ghosts import clear_ghosts
from octavia_dag.resources.storage import INCOMING
from octavia_dag.resources.workshop import Workshop
from octavia_dag.sensors.automation import AT_WORK
from octavia_dag.sensors.taking import JOB, TakeConfig, UploadConfig

_INTERVAL_S = 10
# Unchanged for so long, an object is taken for whole. In a bucket it appears when it is; in a folder it grows, and
# whoever writes it may pause.
SETTLE_S, GROWING_S = 5.0, 30.0
# Before dubs, which take longer: what is dropped is soon known.
_PRIORITY = {"dagster/priority": "10"}
_MOST_TOLD = 5


def tick(workshop: Workshop, instance: dg.DagsterInstance, cursor: str, now: float) -> tuple[Decision, str]:
    """One look at the drop folder: what to take, and the next cursor. A StorageError where it cannot be reached."""
    listing = workshop.storage.listed(INCOMING)
    busy = bool(instance.get_runs(dg.RunsFilter(job_name=JOB, statuses=list(AT_WORK)), limit=1))
    settle_s = GROWING_S if workshop.storage.grows else SETTLE_S
    found = decide(listing, read_cursor(cursor), prefix=INCOMING, now=now, settle_s=settle_s, busy=busy)
    return found, written(found.state)


def read_cursor(text: str) -> dict[str, Seen]:
    """What the last tick saw; nothing where it cannot be read: then everything is looked at anew."""
    try:
        loaded: Any = json.loads(zlib.decompress(base64.b64decode(text, validate=True)) if text else "{}")
        return {str(key): Seen(*row) for key, row in loaded.items()}
    except (ValueError, TypeError, AttributeError, zlib.error):
        return {}


def written(state: Mapping[str, Seen]) -> str:
    """A state as the cursor's text, pressed: Dagster keeps it of every tick, and ten thousand objects may wait."""
    told = json.dumps({key: astuple(seen) for key, seen in state.items()}, separators=(",", ":"))
    return base64.b64encode(zlib.compress(told.encode())).decode()


def request(found: Decision) -> dg.RunRequest:
    """The run that takes what was decided."""
    config = TakeConfig(uploads=[UploadConfig.of(one) for one in found.take])
    return dg.RunRequest(run_key=found.run_key, run_config=dg.RunConfig(ops={"take": config}), tags=_PRIORITY)


def drop_folder_sensor(job: Any) -> dg.SensorDefinition:
    """The sensor; it runs unless somebody stops it."""

    def drop_folder(context: dg.SensorEvaluationContext, workshop: Workshop) -> dg.SensorResult | dg.SkipReason:
        clear_ghosts(context.instance, Path(workshop.store.scratch))
        try:
            found, cursor = tick(workshop, context.instance, context.cursor or "", time.time())
        except StorageError as error:
            return dg.SkipReason(str(error))
        if not found.take:
            context.update_cursor(cursor)
            return dg.SkipReason("; ".join(found.waiting[:_MOST_TOLD]) or "Nothing was dropped.")
        return dg.SensorResult(run_requests=[request(found)], cursor=cursor)

    return dg.sensor(
        name="drop_folder",
        job=job,
        minimum_interval_seconds=_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Takes what is dropped into incoming/ of the storage.",
    )(drop_folder)
