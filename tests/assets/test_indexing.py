"""The page over the catalogue: the worst dub stands first, and nothing that is wanted is left out."""

import re
from pathlib import Path
from typing import Any

import pytest

from octavia_dag import environment as surroundings
from octavia_dag.assets.indexing import write_index
from octavia_dag.definitions import workshop
from octavia_dag.dubbing.quality import measure
from octavia_dag.resources.artifacts import Manifest, data_version
from octavia_dag.resources.videos import VideoRecord, save
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import LineQuality, Measure, QaReport, Transcript, Verdict

LANGUAGE = "pt-BR"
KEPT = measure("round trip WER", 0.1, "", "at most 0.2", True)
BROKEN = measure("bed level in gaps", -3.0, "dB", "0 within 0.5", False)
ALSO_BROKEN = measure("fastest line", 1.5, "x", "at most 1.3", False)


@pytest.fixture
def tools(tmp_path: Path) -> Workshop:
    return workshop(surroundings.read(tmp_path / "home"))


def registered(tools: Workshop, name: str, seconds: float = 61) -> str:
    video = f"{name}-1a2b3c4d"
    save(
        tools.store,
        VideoRecord(id=video, name=f"{name}.mp4", path="", sha256=name, size=0, seconds=seconds, requested=(LANGUAGE,)),
    )
    return video


def publish(
    tools: Workshop, video: str, asset: str, document: Any, language: str | None = None, key: str = "k" * 64
) -> None:
    with tools.store.workspace() as folder:
        told: dict[str, Any] = {"asset": asset, "video": video, "language": language, "inputs": {}, "files": {}}
        told |= {"key": key, "data_version": data_version(document, {}), "code_version": "1", "settings": {}}
        told |= {"engines": {}, "counts": {}, "seconds": 1, "busy_seconds": 1}
        tools.store.point(tools.store.publish(folder, document, Manifest(**told)))


def report(
    tools: Workshop,
    name: str,
    *measures: Measure,
    flags: tuple[str, ...] = (),
    seconds: float = 61,
    key: str = "k" * 64,
) -> None:
    line = LineQuality(
        id="1", speaker="A", onset_error_s=0.0, lateness_s=0, rate=1, length_ratio=1, round_trip_wer=0, heard="",
        flags=(),
    )  # fmt: skip
    video = registered(tools, name, seconds)
    document = QaReport(
        video=video, language=LANGUAGE, nothing_to_dub=False, measures=measures, lines=(line,), flags=flags
    )
    publish(tools, video, "qa_report", document, LANGUAGE, key)


def listed(path: Path) -> list[str]:
    return re.findall(r'<tr data-text="(\w+)\.mp4', path.read_text(encoding="utf-8"))


def test_the_worst_comes_first_and_nothing_is_left_out(tools: Workshop, tmp_path: Path) -> None:
    report(tools, "fine", KEPT)
    report(tools, "flagged", KEPT, flags=("spoken fast",))
    registered(tools, "missing")
    report(tools, "broken", KEPT, BROKEN)
    report(tools, "worst", KEPT, BROKEN, ALSO_BROKEN)
    assert write_index(tools, tmp_path / "index.html") == 5
    assert listed(tmp_path / "index.html") == ["worst", "broken", "missing", "flagged", "fine"]


def test_the_first_reason_is_told(tools: Workshop, tmp_path: Path) -> None:
    report(tools, "broken", KEPT, BROKEN)
    unusable = Transcript(language="en", lines=(), verdict=Verdict(ok=False, reasons=("It says one word for ever.",)))
    publish(tools, registered(tools, "garbage"), "transcript", unusable)
    write_index(tools, tmp_path / "index.html")
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "bed level in gaps: -3 dB, promised is 0 within 0.5" in text
    assert "It says one word for ever." in text


def indexed(tools: Workshop, folder: Path) -> str:
    write_index(tools, folder / "index.html")
    return (folder / "index.html").read_text(encoding="utf-8").partition("<main")[2]


def page_of(tools: Workshop, video: str, path: Path) -> None:
    """A page as the command writes it, of the report as it is now."""
    artifact = tools.store.current("qa_report", video, LANGUAGE)
    assert artifact is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<!doctype html><meta name="octavia-report" content="{artifact.manifest.data_version}">')


@pytest.mark.parametrize(
    "name",
    ["fine-1a2b3c4d.pt-BR.html", "fine-1a2b3c4d/pt-BR/qa_report.html", "../held/fine-1a2b3c4d/pt-BR/qa_report.html"],
)
def test_a_page_that_lies_beside_it_is_linked(name: str, tools: Workshop, tmp_path: Path) -> None:
    report(tools, "fine", KEPT)
    folder = tmp_path / "delivered"
    folder.mkdir()
    assert "<a href" not in indexed(tools, folder)
    page_of(tools, "fine-1a2b3c4d", folder / name)
    assert f'<a href="{name}">fine.mp4</a>' in indexed(tools, folder)


def test_a_dub_that_is_held_is_not_shown_by_the_page_of_an_earlier_one(tools: Workshop, tmp_path: Path) -> None:
    report(tools, "talk", KEPT)
    folder, laid = tmp_path / "delivered", "talk-1a2b3c4d/pt-BR/qa_report.html"
    page_of(tools, "talk-1a2b3c4d", folder / laid)
    report(tools, "talk", BROKEN, key="h" * 64)
    assert "<a href" not in indexed(tools, folder)
    page_of(tools, "talk-1a2b3c4d", tmp_path / "held" / laid)
    assert f'<a href="../held/{laid}">talk.mp4</a>' in indexed(tools, folder)


def test_flags_are_counted_as_a_delivery_tells_them_and_a_length_is_rounded(tools: Workshop, tmp_path: Path) -> None:
    report(tools, "flagged", KEPT, flags=("A: speaks in another's voice",), seconds=9.967)
    told = indexed(tools, tmp_path)
    assert '<td data-label="Flags" class="number">1</td>' in told
    assert '<td data-label="Length" class="number">0:10</td>' in told


def test_a_catalogue_of_nothing_is_a_page_too(tools: Workshop, tmp_path: Path) -> None:
    assert write_index(tools, tmp_path / "index.html") == 0
    assert "0 dubs" in (tmp_path / "index.html").read_text(encoding="utf-8")
