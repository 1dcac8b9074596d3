"""A page shows the very documents that its report judged, or is refused."""

from pathlib import Path
from typing import Any

import pytest

from octavia_dag import environment as surroundings
from octavia_dag.assets.reporting import write_report
from octavia_dag.definitions import workshop
from octavia_dag.errors import InputError, RefusedError
from octavia_dag.graph import GRAPH
from octavia_dag.resources.artifacts import Manifest
from octavia_dag.resources.videos import VideoRecord, save
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import Verdict

VIDEO, LANGUAGE = "talk-1a2b3c4d", "pt-BR"


@pytest.fixture
def tools(tmp_path: Path) -> Workshop:
    tools = workshop(surroundings.read(tmp_path / "home"))
    save(tools.store, VideoRecord(id=VIDEO, name="talk.mp4", path="", sha256="1a2b3c4d", size=0))
    return tools


def publish(tools: Workshop, asset: str, version: str, inputs: dict[str, str]) -> None:
    own = LANGUAGE if GRAPH[asset].granularity == "dub" else None
    with tools.store.workspace() as folder:
        told: dict[str, Any] = {"asset": asset, "video": VIDEO, "language": own, "inputs": inputs, "files": {}}
        told |= {"key": version * 32, "data_version": version, "code_version": "1", "settings": {}}
        told |= {"engines": {}, "counts": {}, "seconds": 1, "busy_seconds": 1}
        tools.store.point(tools.store.publish(folder, Verdict(ok=True), Manifest(**told)))


def test_without_a_report_there_is_no_page(tools: Workshop, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=f"qa_report of {VIDEO} is not there yet; run dub_video"):
        write_report(tools, VIDEO, LANGUAGE, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_what_a_report_did_not_judge_is_not_shown_beside_it(tools: Workshop, tmp_path: Path) -> None:
    publish(tools, "stems", "2", {})
    publish(tools, "qa_report", "9", {"stems": "1"})
    with pytest.raises(RefusedError, match=f"the report of {VIDEO} in pt-BR: the stems that it judged is no longer"):
        write_report(tools, VIDEO, LANGUAGE, tmp_path / "page.html")


def test_a_video_that_nobody_registered_has_no_page(tools: Workshop, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no video other-12345678 here"):
        write_report(tools, "other-12345678", LANGUAGE, tmp_path / "page.html")
