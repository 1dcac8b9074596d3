"""The report's page: what a report judged, gathered into one file that can be read, seen and heard anywhere.

It is written when somebody wants it, not with every report: a page changes whenever anything in it does, and a new mix
must not wait for its pictures. It shows the very documents that the report judged, by their data versions; where the
store has newer ones already, the page is refused rather than mixed.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavia_dag.assets import lineage, showing
from octavia_dag.assets.step import current
from octavia_dag.dubbing.promises import held
from octavia_dag.errors import RefusedError
from octavia_dag.graph import GRAPH
from octavia_dag.resources import preview, videos
from octavia_dag.resources.artifacts import Artifact
from octavia_dag.resources.page import Clip, write_page
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import FinalMux, QaReport, SourceVideo

_REPORT = "qa_report"


@dataclass(frozen=True)
class Judged:
    """One report and the artifacts that it judged, by asset."""

    report: QaReport
    parts: Mapping[str, Artifact]


# By this a page tells which report it shows, in its first bytes: it may lie beside a dub of which there is a newer one.
MARK = "octavia-report"


def page_name(video: str, language: str) -> str:
    """What a page is called where nobody chose a name."""
    return f"{video}.{language}.html"


def write_report(workshop: Workshop, video: str, language: str, path: Path, report: Artifact | None = None) -> None:
    """Writes the page of `video` in `language` to `path`; a RefusedError where its report is not there.

    It shows the current report, or `report` where one is given.
    """
    record = videos.record(workshop.store, video)
    found = judged(workshop, video, language, report)
    source, muxed = (found.parts["source_video"].read(SourceVideo), found.parts["final_mux"].read(FinalMux))
    small = None if muxed.untouched or not source.audio else preview.fitting(source.seconds)
    facts = {
        "name": record.name,
        "mark": MARK,
        "report_version": found.parts[_REPORT].manifest.data_version,
        "video": video,
        "language": language,
        "source": source,
        "verdict": verdict(found.report),
        "report": found.report,
        "plays": small is not None,
        "pictured": small is not None and small.picture_kbps > 0,
        "untouched": muxed.untouched,
        **showing.of(found.report, found.parts),
        **lineage.of(workshop, video, language, found.parts),
    }
    with tempfile.TemporaryDirectory(prefix=".page-") as scratch:
        clips: list[Clip] = []
        if small is not None:
            first = preview.original(workshop.store, workshop.storage, workshop.media, record, source, small)
            same = first if _same_picture(found.report) else None
            made = preview.dub(
                workshop.media, found.parts["final_mux"].file(muxed.video), small, Path(scratch) / "dub.mp4", same
            )
            clips = [Clip("original", first, preview.KIND), Clip("dub", made, preview.KIND)]
        write_page("report.html", facts, path, clips)


def judged(workshop: Workshop, video: str, language: str, report: Artifact | None = None) -> Judged:
    """A report, the current one where none is given, and what it judged."""
    mine = report or current(workshop, _REPORT, video, language)
    parts = {_REPORT: mine}
    for name, version in mine.manifest.inputs.items():
        own = language if GRAPH[name].granularity == "dub" else None
        parts[name] = _of_version(workshop, name, video, own, version, language)
    return Judged(mine.read(QaReport), {name: parts[name] for name in GRAPH})


def verdict(report: QaReport) -> dict[str, Any]:
    """What is said first: `state` is held, broken, flagged, kept or untouched; and why, in sentences."""
    held_by = held(report)
    broken = [one for one in report.measures if not one.ok]
    if report.nothing_to_dub:
        state = "untouched"
    elif held_by:
        state = "held"
    else:
        state = "broken" if broken else "flagged" if report.flags else "kept"
    return {"state": state, "held_by": held_by, "broken": len(broken), "promises": len(report.measures)}


def _of_version(workshop: Workshop, name: str, video: str, own: str | None, version: str, language: str) -> Artifact:
    newest = workshop.store.current(name, video, own)
    if newest is not None and newest.manifest.data_version == version:
        return newest
    for one in workshop.store.all(name, video, own):
        if one.manifest.data_version == version:
            return one
    raise RefusedError(
        f"Writing the report of {video} in {language}: the {name} that it judged is no longer there; "
        "dub it again, then write the report."
    )


def _same_picture(report: QaReport) -> bool:
    return any(one.name == "picture packets identical" and one.ok for one in report.measures)
