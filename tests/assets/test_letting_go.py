"""Private voices are let go of while another language works: it must neither fail nor find an artifact half deleted."""

import threading
from pathlib import Path
from typing import Any

import pytest

from octavia_dag import environment as surroundings
from octavia_dag.assets.step import current
from octavia_dag.assets.voices import PAYLOAD, forget_when_done
from octavia_dag.definitions import workshop
from octavia_dag.resources import artifacts
from octavia_dag.resources.artifacts import Artifact, Manifest, data_version, stored_files, write_atomically
from octavia_dag.resources.videos import VideoRecord, save
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import Verdict

VIDEO = "talk-1a2b3c4d"


@pytest.fixture
def tools(tmp_path: Path) -> Workshop:
    return workshop(surroundings.read(tmp_path))


def _publish(tools: Workshop, asset: str, language: str | None = None, inputs: dict[str, str] | None = None) -> None:
    with tools.store.workspace() as folder:
        (folder / PAYLOAD).write_bytes(b"sealed")
        files, document = stored_files(folder), Verdict(ok=True)
        told: dict[str, Any] = {"asset": asset, "video": VIDEO, "language": language, "inputs": inputs or {}}
        told |= {"key": "k" * 64, "data_version": data_version(document, files), "code_version": "1", "files": files}
        told |= {"settings": {}, "engines": {}, "counts": {}, "seconds": 1, "busy_seconds": 1}
        tools.store.point(tools.store.publish(folder, document, Manifest(**told)))


def _version(found: Artifact | None) -> str:
    assert found is not None
    return found.manifest.data_version


def _deliver(tools: Workshop, language: str) -> None:
    _publish(tools, "final_mux", language)
    version = _version(tools.store.current("final_mux", VIDEO, language))
    _publish(tools, "qa_report", language, {"final_mux": version})


@pytest.fixture
def delivered(tools: Workshop) -> Workshop:
    """A video with both of its languages delivered and its private voices still there."""
    record = VideoRecord(id=VIDEO, name="talk.mp4", path="", sha256="1a2b3c4d", size=0, requested=("es", "pt-BR"))
    save(tools.store, record)
    _publish(tools, "voice_profiles")
    for language in record.requested:
        _deliver(tools, language)
    return tools


def test_a_reader_waits_while_private_files_are_let_go_of(delivered: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    half_way, go_on = threading.Event(), threading.Event()

    def slow(path: Path, content: bytes) -> None:
        half_way.set()
        go_on.wait(10)
        write_atomically(path, content)

    monkeypatch.setattr(artifacts, "write_atomically", slow)
    letting_go = threading.Thread(target=forget_when_done, args=(delivered.store, VIDEO))
    letting_go.start()
    assert half_way.wait(10)
    threading.Timer(0.5, go_on.set).start()
    assert current(delivered, "voice_profiles", VIDEO, "es").manifest.deleted == (PAYLOAD,)
    letting_go.join()


def test_of_languages_that_end_at_once_every_one_may_let_go(delivered: Workshop) -> None:
    gone: list[bool] = []
    ends = [threading.Thread(target=lambda: gone.append(forget_when_done(delivered.store, VIDEO))) for _ in range(4)]
    for one in ends:
        one.start()
    for one in ends:
        one.join()
    found = delivered.store.current("voice_profiles", VIDEO, None)
    assert gone == [True] * 4
    assert found is not None
    assert not (found.folder / PAYLOAD).exists()
