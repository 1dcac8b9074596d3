"""The page over the catalogue: every dub that is wanted, the worst first, from the reports alone.

Worst is what holds a delivery back, then a broken promise, then a dub that has no report yet, then flags. A dub links
to its page where that lies beside the index, under the name the command gives it or as a delivery or a dub that is held
lies in the storage; never to the page of another report, such as that of an earlier dub that was delivered.
"""

from collections import Counter
from pathlib import Path
from typing import Any

from octavia_dag.assets.judging import wanted_languages
from octavia_dag.assets.reporting import MARK, page_name, verdict
from octavia_dag.dubbing import charts
from octavia_dag.dubbing.quality import in_words
from octavia_dag.layers import settings_of
from octavia_dag.resources import videos
from octavia_dag.resources.approvals import waits
from octavia_dag.resources.page import write_page
from octavia_dag.resources.storage import DELIVERED, HELD
from octavia_dag.resources.videos import VideoRecord
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import QaReport, Transcript

DELIVERED_NAME = "qa_report.html"
_HEAD = 1024
# What of the measures stands in the table, and what it is called there.
FIGURES = {
    "round trip WER": "WER",
    "fastest line": "Fastest",
    "onset error, median": "Onset s",
    "dubbed speech against the original": "Loudness LU",
}
_RANKS = ("held", "broken", "missing", "flagged", "kept", "untouched")
_TOLD = {
    "held": "held back",
    "broken": "with broken promises",
    "missing": "without a report",
    "flagged": "with flags",
    "kept": "with every promise kept",
    "untouched": "with nothing to dub",
}


def write_index(workshop: Workshop, path: Path) -> int:
    """Writes the index to `path`; returns how many dubs it lists."""
    rows = [row for record in videos.records(workshop.store) for row in _rows(workshop, record, path.parent)]
    rows.sort(key=_worst_first)
    states = Counter(row["state"] for row in rows)
    facts = {
        "rows": rows,
        "figures": list(FIGURES.values()),
        "counts": {_TOLD[state]: states[state] for state in _RANKS if states[state]},
    }
    write_page("index.html", facts, path)
    return len(rows)


def _rows(workshop: Workshop, record: VideoRecord, beside: Path) -> list[dict[str, Any]]:
    wanted = wanted_languages(record, settings_of(Path(workshop.store.root), record.id))
    return [_row(workshop, record, tag, beside) for tag in wanted]


def _row(workshop: Workshop, record: VideoRecord, language: str, beside: Path) -> dict[str, Any]:
    artifact = workshop.store.current("qa_report", record.id, language)
    common = {
        "video": record.id,
        "name": record.name,
        "language": language,
        "length": charts.clock(round(record.seconds)),
        "page": None,
    }
    if artifact is None:
        reason = _why_missing(workshop, record.id, language)
        nothing = dict.fromkeys(FIGURES.values())
        return {**common, "state": "missing", "verdict": None, "reason": reason, "flags": 0, "figures": nothing}
    report = artifact.read(QaReport)
    told = verdict(report)
    broken = [in_words(one) for one in report.measures if not one.ok]
    values = {one.name: one.value for one in report.measures}
    return {
        **common,
        "page": _page(record.id, language, beside, artifact.manifest.data_version),
        "state": told["state"],
        "verdict": told,
        "reason": next(iter((*told["held_by"], *broken, *report.flags)), ""),
        "flags": len(report.flags),
        "figures": {name: values.get(measure) for measure, name in FIGURES.items()},
    }


def _why_missing(workshop: Workshop, video: str, language: str) -> str:
    transcript = workshop.store.current("transcript", video, None)
    verdict_of = transcript.read(Transcript).verdict if transcript else None
    if verdict_of is not None and not verdict_of.ok:
        return " ".join(verdict_of.reasons)
    settings = settings_of(Path(workshop.store.root), video, language)
    if workshop.store.pointer("translation", video, language) and waits(workshop.store, video, language, settings):
        return "waits for its approval"
    return "not made yet, or failed on the way"


def _worst_first(row: dict[str, Any]) -> tuple[Any, ...]:
    told = row["verdict"]
    held, broken = (len(told["held_by"]), told["broken"]) if told else (0, 0)
    return _RANKS.index(row["state"]), -held, -broken, -row["flags"], -(row["figures"]["WER"] or 0.0), row["name"]


def _page(video: str, language: str, beside: Path, version: str) -> str | None:
    """Where the page of this version of the report lies, seen from the index."""
    laid = f"{video}/{language}/{DELIVERED_NAME}"
    names = (page_name(video, language), laid, f"../{HELD}{laid}", f"../{DELIVERED}{laid}")
    mark = f'name="{MARK}" content="{version}"'.encode()
    return next((name for name in names if mark in _head(beside / name)), None)


def _head(path: Path) -> bytes:
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(_HEAD)
