"""One page of what is not as it should be: stale, held, failed and waiting partitions of all videos, with the causes.

The UI shows staleness only inside one partition, so this is told as an asset of its own, `status`, whose latest
materialization is the page and whose numbers it plots. Nothing runs for it: a sensor looks twice a minute, plans again
only videos of which something changed, and tells where the page became another one.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from octavia_dag.assets.checks import reasons_to_hold
from octavia_dag.assets.judging import Judge
from octavia_dag.errors import OctaviaError
from octavia_dag.partitions import dub_key
from octavia_dag.plan import Item, Plan
from octavia_dag.resources.artifacts import ArtifactStore, write_atomically
from octavia_dag.resources.workshop import Workshop
from octavia_dag.sensors.automation import AT_WORK, DESIRED_TAG, ENDED_BADLY, shared_mark, video_marks
from octavia_dag.sensors.sentences import failure_sentence
from octavia_dag.settings import digest

ASSET = "status"
STATES = ("failed", "held", "stale", "waiting", "at work", "unreadable")
_INTERVAL_S = 30
_PLANNING_S = 5.0
_RUNS = 500
_MOST_ROWS, _MOST_WHY = 500, 400

status_spec = dg.AssetSpec(
    ASSET,
    group_name="operators",
    owners=["team:operations"],
    kinds={"python"},
    description="What is not as it should be: failed, held, stale and waiting partitions of all videos, with the "
    "causes. Told when it changes, by the sensor of the same name; on the command line: octavia status.",
)


@dataclass(frozen=True)
class Line:
    """One partition (language "": the video's own) that is not as it should be, and its desired state."""

    video: str
    language: str
    state: str
    assets: str
    why: str
    desired: str = ""
    run: str = ""

    @property
    def partition(self) -> str:
        """The key that Dagster knows it by."""
        return str(dub_key(self.video, self.language)) if self.language else self.video


@dataclass
class Page:
    """What was found of each video under its mark, kept between ticks; `told` is a hash of what was told last."""

    path: Path
    marks: dict[str, str]
    lines: dict[str, list[Line]]
    told: str = ""

    @classmethod
    def read(cls, store: ArtifactStore) -> "Page":
        """The page of the last tick; an empty one where none can be read: then every video is planned again."""
        path = Path(store.root) / "status.json"
        try:
            loaded = json.loads(path.read_bytes())
            lines = {str(video): [Line(**one) for one in rows] for video, rows in loaded["lines"].items()}
            return cls(path, dict(loaded["marks"]), lines, str(loaded["told"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls(path, {}, {})

    def write(self) -> None:
        """Keeps it for the next tick."""
        lines = {video: [asdict(one) for one in rows] for video, rows in self.lines.items()}
        write_atomically(self.path, json.dumps({"marks": self.marks, "lines": lines, "told": self.told}).encode())


def tell(workshop: Workshop, instance: dg.DagsterInstance, now: Callable[[], float] = time.monotonic) -> int | None:
    """Tells the page where it became another one, and returns how many lines it has; else None."""
    store = workshop.store
    if not Path(store.root).is_dir():
        return None
    page, marks, judge = Page.read(store), video_marks(Path(store.root), shared_mark(workshop)), Judge(workshop)
    page.marks = {video: mark for video, mark in page.marks.items() if video in marks}
    page.lines = {video: rows for video, rows in page.lines.items() if video in marks}
    begun = now()
    for video in sorted(marks):
        if page.marks.get(video) != marks[video] and now() - begun < _PLANNING_S:
            page.lines[video] = lines_of(judge, video)
            page.marks[video] = marks[video]
    found = with_runs(instance, [one for rows in page.lines.values() for one in rows])
    found.sort(key=lambda one: (STATES.index(one.state), one.video, one.language))
    told = digest([len(marks), [asdict(one) for one in found]])
    same, page.told = told == page.told, told
    if not same:
        metadata = told_page(found, len(marks))
        instance.report_runless_asset_event(dg.AssetMaterialization(asset_key=ASSET, metadata=metadata))
    page.write()
    return None if same else len(found)


def lines_of(judge: Judge, video: str) -> list[Line]:
    """What is not as it should be of one video, its runs aside."""
    try:
        found = judge.plan(video)
        return [*of_plan(found), *held_back(judge.workshop.store, found)]
    except OctaviaError as error:
        return [Line(video, "", "unreadable", "", str(error)[:_MOST_WHY])]


def of_plan(found: Plan) -> list[Line]:
    """What the plan finds of one video."""
    by_state: Mapping[str, tuple[Item, ...]] = {
        "stale": found.of("make", "reuse", "may follow"), "held": found.of("held"), "waiting": found.of("waiting")
    }  # fmt: skip
    lines: list[Line] = []
    for state, items in by_state.items():
        for language in dict.fromkeys(item.language for item in items):
            own = [item for item in items if item.language == language]
            causes = dict.fromkeys(cause for item in own for cause in item.causes)
            why = "; ".join(causes) or _USUAL.get(state, "")
            names = ", ".join(item.asset for item in own)
            desired = found.desired.get(language, "")
            lines.append(Line(found.video, language or "", state, names, why[:_MOST_WHY], desired))
    return lines


_USUAL = {"held": "its transcript cannot be used", "waiting": "its translation waits for approval"}


def held_back(store: ArtifactStore, found: Plan) -> list[Line]:
    """Dubs that are made and may not be delivered."""
    lines: list[Line] = []
    for language in dict.fromkeys(item.language for item in found.items if item.language is not None):
        if broken := reasons_to_hold(store, found.video, language):
            lines.append(Line(found.video, language, "held", "qa_report", " ".join(broken)[:_MOST_WHY]))
    return lines


def with_runs(instance: dg.DagsterInstance, lines: Sequence[Line]) -> list[Line]:
    """The same, with what the latest run of each stale partition says: it failed at this, or it is at work."""
    if not any(one.state == "stale" for one in lines):
        return list(lines)
    latest: dict[str, dg.DagsterRun] = {}
    for run in instance.get_runs(limit=_RUNS):
        latest.setdefault(run.tags.get("dagster/partition", ""), run)
    return [_with_run(instance, one, latest.get(one.partition)) if one.state == "stale" else one for one in lines]


def _with_run(instance: dg.DagsterInstance, line: Line, run: dg.DagsterRun | None) -> Line:
    told = asdict(line)
    if run is None:
        return line
    if run.status in AT_WORK:
        return Line(**{**told, "state": "at work", "run": run.run_id})
    if run.status in ENDED_BADLY and run.tags.get(DESIRED_TAG, line.desired) == line.desired:
        why = failure_sentence(instance, run)[:_MOST_WHY]
        return Line(**{**told, "state": "failed", "why": why, "run": run.run_id})
    return line


def told_page(lines: Sequence[Line], videos: int) -> dict[str, Any]:
    """The page as the UI shows it: numbers, which it plots, and a table."""
    counts = {state: sum(one.state == state for one in lines) for state in STATES}
    records = [
        dg.TableRecord({key: value for key, value in asdict(one).items() if key != "desired"})
        for one in lines[:_MOST_ROWS]
    ]
    said = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    more = f" The first {_MOST_ROWS} are shown." if len(lines) > _MOST_ROWS else ""
    summary = f"Videos: {videos}; {said or 'everything is as it should be'}.{more}"
    return {
        "summary": summary,
        **({"partitions": dg.MetadataValue.table(records)} if records else {}),
        "videos": videos,
        **{state.replace(" ", "_"): count for state, count in counts.items()},
    }


def overview_sensor() -> dg.SensorDefinition:
    """The sensor that tells the page; it runs unless somebody stops it."""

    @dg.sensor(
        name=ASSET,
        minimum_interval_seconds=_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells what is not as it should be, as the asset 'status', when it changes.",
    )
    def status(context: dg.SensorEvaluationContext, workshop: Workshop) -> dg.SkipReason:
        lines = tell(workshop, context.instance)
        if lines is None:
            return dg.SkipReason("Nothing became otherwise.")
        return dg.SkipReason(f"Told: {lines} partitions are not as they should be.")

    return status
