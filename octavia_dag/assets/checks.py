"""Every promise as a check of the asset that it is a promise of, told from the report in one step.

One step for all: a step per promise would cost more than what it tells. None of them blocks a run: a dub with a
broken promise is made all the same, and says so; whoever delivers it asks dubbing/promises.py. A check that only warns
is shown as a warning. What was not measured, or measured of another version than what is there now, does not pass.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from octavia_dag.dubbing import quality
from octavia_dag.dubbing.promises import PROMISES, Promise, held
from octavia_dag.graph import GRAPH
from octavia_dag.partitions import DUBS, parts
from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import QaReport

REPORT = "qa_report"
_NOT_THERE = "It was not measured: there is no report; run dub_video for this partition."
_OUTDATED = (
    "It was not measured as it is now: the report is of another version of {}; run dub_video for this partition."
)


def reasons_to_hold(store: ArtifactStore, video: str, language: str) -> tuple[str, ...]:
    """Why the current dub may not be delivered, in sentences; empty where it may, or where there is no report."""
    report = store.current(REPORT, video, language)
    return held(report.read(QaReport)) if report else ()


def _spec(one: Promise) -> dg.AssetCheckSpec:
    told = f"It only warns, since {one.warns}." if one.warns else "A dub that breaks it is not delivered."
    return dg.AssetCheckSpec(
        one.check,
        asset=one.about,
        description=f"{one.says} {told}",
        additional_deps=[REPORT],
        partitions_def=DUBS,
    )


@dg.multi_asset_check(
    name="promises",
    specs=[_spec(one) for one in PROMISES.values()],
    description="Every promise, from the report.",
    can_subset=True,  # whoever makes one asset by itself has its checks alone
)
def promises(context: dg.AssetCheckExecutionContext, workshop: Workshop) -> Iterator[dg.AssetCheckResult]:
    """What the report says, as checks."""
    found = _report(workshop, context.partition_key)
    asked = {key.name for key in context.selected_asset_check_keys}
    for one in (promise for promise in PROMISES.values() if promise.check in asked):
        passed, description, metadata = (False, found, {}) if isinstance(found, str) else _judged(one, found)
        yield dg.AssetCheckResult(
            asset_key=one.about,
            check_name=one.check,
            passed=passed,
            severity=dg.AssetCheckSeverity.WARN if one.warns else dg.AssetCheckSeverity.ERROR,
            description=description,
            metadata=metadata,
        )


def _report(workshop: Workshop, partition: str) -> QaReport | str:
    """The report of what is there now, or why there is none."""
    video, language = parts(partition)
    artifact = workshop.store.current(REPORT, video, language)
    if artifact is None:
        return _NOT_THERE
    for name in GRAPH[REPORT].inputs:
        now = workshop.store.pointer(name, video, language if GRAPH[name].granularity == "dub" else None)
        if now is None or now.data_version != artifact.manifest.inputs.get(name):
            return _OUTDATED.format(name)
    return artifact.read(QaReport)


def _judged(one: Promise, report: QaReport) -> tuple[bool, str, dict[str, Any]]:
    if report.nothing_to_dub:
        return True, "There is nothing to dub: the source is handed on as it is.", {}
    found = next((measure for measure in report.measures if measure.name == one.name), None)
    if found is None:
        return False, _NOT_THERE, {}
    metadata: dict[str, Any] = {"limit": found.limit, "unit": found.unit or "none", "holds_back": found.blocking}
    if found.value is not None:
        metadata["value"] = float(found.value)
    return found.ok, quality.in_words(found), metadata
