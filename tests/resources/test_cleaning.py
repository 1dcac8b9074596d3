"""At risk: that cleaning takes what somebody still needs, or leaves half of what it takes."""

import os
from pathlib import Path

import numpy as np
import pytest

from octavia_dag.resources.artifacts import Artifact, ArtifactStore, Manifest, data_version, stored_files
from octavia_dag.resources.cleaning import remove, unneeded, unneeded_sounds
from octavia_dag.resources.line_store import LineStore
from octavia_dag.schema import Document, DubbedChunks, SpokenLine, Verdict

VIDEO = "talk-1a2b3c4d"
HOUR_S, GRACE_S = 3600.0, 7200.0


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(root=str(tmp_path / "store"), scratch=str(tmp_path / "scratch"))


def made(
    store: ArtifactStore,
    key: str,
    *,
    asset: str = "stems",
    language: str | None = None,
    hours: int = 9,
    document: Document | None = None,
) -> Artifact:
    document = document or Verdict(ok=True)
    with store.workspace() as folder:
        (folder / "sound.flac").write_bytes(key.encode() * 100)
        files = stored_files(folder)
        manifest = Manifest(
            asset=asset,
            video=VIDEO,
            language=language,
            key=key * 64,
            data_version=data_version(document, files),
            code_version="1",
            inputs={},
            settings={},
            engines={},
            files=files,
            seconds=1.0,
            busy_seconds=1.0,
            counts={},
        )
        artifact = store.publish(folder, document, manifest)
    for path in (*artifact.folder.iterdir(), artifact.folder):
        then = path.stat().st_mtime - hours * HOUR_S
        os.utime(path, (then, then))
    return artifact


def left(store: ArtifactStore) -> list[Path]:
    return [one.path for one in unneeded(store, grace_s=GRACE_S)]


@pytest.mark.parametrize("language", [None, "es"])
def test_what_no_pointer_names_may_go(store: ArtifactStore, language: str | None) -> None:
    old, new = (made(store, key, asset="casting", language=language) for key in "ab")
    store.point(new)
    assert left(store) == [old.folder]


def test_what_was_made_a_moment_ago_stays(store: ArtifactStore) -> None:
    made(store, "a", hours=1)
    assert left(store) == []


@pytest.mark.parametrize("asset", ["final_mux", "qa_report"])
def test_a_deliverable_and_its_report_stay_for_ever(store: ArtifactStore, asset: str) -> None:
    made(store, "a", asset=asset, language="es")
    assert left(store) == []


def test_what_is_removed_is_gone_whole(store: ArtifactStore) -> None:
    old = made(store, "a")
    (one,) = unneeded(store, grace_s=GRACE_S)
    assert remove(store, one)
    assert not old.folder.exists()
    assert store.find("stems", VIDEO, None, "a" * 64) is None


def test_what_a_run_points_at_meanwhile_is_left(store: ArtifactStore) -> None:
    old = made(store, "a")
    (one,) = unneeded(store, grace_s=GRACE_S)
    store.point(old)
    assert not remove(store, one)
    assert old.folder.exists()


def test_the_time_of_grace_begins_when_nobody_points_at_it_any_more(store: ArtifactStore) -> None:
    old, new = (made(store, key) for key in "ab")
    store.point(old)
    store.point(new)
    assert left(store) == []


def spoken(store: ArtifactStore, name: str, *, hours: int = 9) -> str:
    """A sound of one line, used so many hours ago; returns its key."""
    sounds = LineStore(store.lines_folder(VIDEO, "es"))
    path = sounds.put(name, np.zeros(100, np.float32), 24000)
    then = path.stat().st_mtime - hours * HOUR_S
    os.utime(path, (then, then))
    return name


def chunks_of(*keys: str) -> DubbedChunks:
    lines = [
        SpokenLine(
            id=key, speaker="A", text="Sim.", voice="v", sound=f"{key}.flac", key=f"{key} fitted", raw_key=key,
            seconds=1.0, natural_seconds=1.0, room_seconds=1.0, rate=1.0,
        )
        for key in keys
    ]  # fmt: skip
    return DubbedChunks(rate_hz=24000, lines=tuple(lines))


def silent(store: ArtifactStore, *besides: Path) -> list[str]:
    return [one.path.stem for one in unneeded_sounds(store, set(besides), grace_s=GRACE_S)]


def test_a_line_s_sound_may_go_when_no_artifact_has_it_and_nobody_used_it_lately(store: ArtifactStore) -> None:
    mine, other, lately = spoken(store, "mine"), spoken(store, "other"), spoken(store, "lately", hours=1)
    assert silent(store) == [mine, other]
    made(store, "a", asset="dubbed_chunks", language="es", document=chunks_of(mine, lately))
    assert silent(store) == [other]


def test_a_line_s_sound_goes_with_the_last_artifact_that_has_it(store: ArtifactStore) -> None:
    artifact = made(store, "a", asset="dubbed_chunks", language="es", document=chunks_of(spoken(store, "mine")))
    assert silent(store, artifact.folder) == ["mine"]
    (one,) = unneeded_sounds(store, {artifact.folder}, grace_s=GRACE_S)
    assert remove(store, one)
    assert LineStore(store.lines_folder(VIDEO, "es")).get("mine") is None


def test_a_line_s_sound_that_a_run_takes_up_meanwhile_is_left(store: ArtifactStore) -> None:
    sounds = LineStore(store.lines_folder(VIDEO, "es"))
    spoken(store, "mine")
    (one,) = unneeded_sounds(store, (), grace_s=GRACE_S)
    assert sounds.get("mine")
    assert not remove(store, one)
    assert sounds.get("mine")
