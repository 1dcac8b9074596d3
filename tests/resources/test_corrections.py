"""At risk: what people did by hand, taken for nothing because its file is damaged; speech nobody approved."""

from pathlib import Path

import pytest

from octavia_dag.errors import StorageError
from octavia_dag.resources.approvals import approve, waits
from octavia_dag.resources.artifacts import ArtifactStore, Manifest
from octavia_dag.resources.corrections import (
    keep_corrections,
    keep_line_ids,
    keep_texts,
    read_corrections,
    read_line_ids,
    read_texts,
)
from octavia_dag.schema import Corrections, Dropped, KnownSpan, LineIds, Split, TextEdit, TextEdits
from octavia_dag.settings import effective

VIDEO = "talk-1a2b3c4d"
REQUIRED = effective([{"delivery": {"review": "required"}}])


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(root=str(tmp_path / "store"), scratch=str(tmp_path / "scratch"))


def translate(store: ArtifactStore, version: str) -> None:
    manifest = Manifest(
        asset="translation",
        video=VIDEO,
        language="es",
        key=version,
        data_version=version,
        code_version="1",
        inputs={},
        settings={},
        engines={},
        files={},
        seconds=0,
        busy_seconds=0,
        counts={},
    )
    with store.workspace() as folder:
        store.point(store.publish(folder, TextEdits(), manifest))


def test_corrections_come_back_as_they_were_kept(store: ArtifactStore) -> None:
    corrections = Corrections(edits=(Dropped(line="L001"), Split(line="L002", at=1, word="b")), names={"A": "Anna"})
    texts = TextEdits(lines={"L002": TextEdit(text="b", original="a", locked=True)})
    ids = LineIds(seen=(KnownSpan(id="L001", start=0, end=1),))
    keep_corrections(store, VIDEO, corrections)
    keep_texts(store, VIDEO, "es", texts)
    keep_line_ids(store, VIDEO, ids)
    assert (read_corrections(store, VIDEO), read_texts(store, VIDEO, "es"), read_line_ids(store, VIDEO)) == (
        corrections,
        texts,
        ids,
    )


def test_where_nobody_corrected_anything_there_is_nothing(store: ArtifactStore) -> None:
    assert (read_corrections(store, VIDEO), read_texts(store, VIDEO, "es")) == (Corrections(), TextEdits())


@pytest.mark.parametrize("name", ["edits.json", "line_ids.json"])
def test_a_damaged_file_is_refused_and_kept(store: ArtifactStore, name: str) -> None:
    path = store.video_folder(VIDEO) / name
    path.parent.mkdir(parents=True)
    path.write_text('{"edits": [')
    with pytest.raises(StorageError, match=f"{name}: the file is damaged"):
        read_line_ids(store, VIDEO) if name == "line_ids.json" else read_corrections(store, VIDEO)
    assert path.exists()


def test_nothing_waits_where_no_review_is_required(store: ArtifactStore) -> None:
    assert not waits(store, VIDEO, "es", effective([]))


def test_a_translation_waits_until_it_is_approved(store: ArtifactStore) -> None:
    translate(store, "1" * 32)
    assert waits(store, VIDEO, "es", REQUIRED)
    approve(store, VIDEO, "es", translation="1" * 32, who="ann")
    assert not waits(store, VIDEO, "es", REQUIRED)


def test_another_translation_waits_again(store: ArtifactStore) -> None:
    translate(store, "1" * 32)
    approve(store, VIDEO, "es", translation="1" * 32, who="ann")
    translate(store, "2" * 32)
    assert waits(store, VIDEO, "es", REQUIRED)


def test_an_approval_is_of_one_language(store: ArtifactStore) -> None:
    translate(store, "1" * 32)
    approve(store, VIDEO, "fr", translation="1" * 32, who="ann")
    assert waits(store, VIDEO, "es", REQUIRED)
