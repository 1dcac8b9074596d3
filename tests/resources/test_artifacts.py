"""The store promises that whatever has a manifest is whole, and that equal content has an equal version."""

import errno
import os
from pathlib import Path
from unittest.mock import patch

import pytest

from octavia_dag.errors import StorageError
from octavia_dag.resources.artifacts import (
    Artifact,
    ArtifactStore,
    Manifest,
    data_version,
    guarded,
    stored_files,
    write_atomically,
)
from octavia_dag.schema import Verdict

KEY = "k" * 64


def _store(root: Path) -> ArtifactStore:
    return ArtifactStore(root=str(root / "store"), scratch=str(root / "scratch"))


def _publish(store: ArtifactStore, content: bytes = b"sound", key: str = KEY) -> Artifact:
    with store.workspace() as folder:
        (folder / "sound.flac").write_bytes(content)
        files = stored_files(folder)
        document = Verdict(ok=True)
        manifest = Manifest(
            asset="stems",
            video="talk-1a2b3c4d",
            language=None,
            key=key,
            data_version=data_version(document, files),
            code_version="1",
            inputs={},
            settings={},
            engines={},
            files=files,
            counts={},
            seconds=1,
            busy_seconds=1,
        )
        return store.publish(folder, document, manifest)


def test_what_was_published_is_found_by_its_key(tmp_path: Path) -> None:
    store = _store(tmp_path)
    made = _publish(store)
    found = store.find("stems", "talk-1a2b3c4d", None, KEY)
    assert found is not None
    assert found.manifest == made.manifest
    assert found.file("sound.flac").read_bytes() == b"sound"
    assert found.read(Verdict) == Verdict(ok=True)


def test_a_folder_without_a_manifest_is_not_there(tmp_path: Path) -> None:
    store = _store(tmp_path)
    made = _publish(store)
    (made.folder / "manifest.json").unlink()
    assert store.find("stems", "talk-1a2b3c4d", None, KEY) is None


def test_an_artifact_that_lost_a_file_is_not_there_and_can_be_made_again(tmp_path: Path) -> None:
    store = _store(tmp_path)
    (_publish(store).folder / "sound.flac").unlink()
    assert store.find("stems", "talk-1a2b3c4d", None, KEY) is None
    _publish(store)
    assert store.find("stems", "talk-1a2b3c4d", None, KEY) is not None


def test_publishing_the_same_key_twice_keeps_the_first(tmp_path: Path) -> None:
    store = _store(tmp_path)
    first = _publish(store, b"first")
    second = _publish(store, b"other")
    assert second.manifest == first.manifest


def test_scratch_is_empty_after_success_and_after_failure(tmp_path: Path) -> None:
    store = _store(tmp_path)
    _publish(store)
    with pytest.raises(OSError, match="half"), store.workspace() as folder:
        os.rename(folder / "half", folder / "whole")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_equal_content_has_an_equal_version_whatever_the_key(tmp_path: Path) -> None:
    store = _store(tmp_path)
    one, two = _publish(store, key="a" * 64), _publish(store, key="b" * 64)
    other = _publish(store, b"else", key="c" * 64)
    assert one.manifest.data_version == two.manifest.data_version
    assert one.manifest.data_version != other.manifest.data_version


def test_the_pointer_follows_the_latest_materialization(tmp_path: Path) -> None:
    store = _store(tmp_path)
    one, two = _publish(store, key="a" * 64), _publish(store, b"two", key="b" * 64)
    assert store.current("stems", "talk-1a2b3c4d", None) is None
    for artifact in (one, two, one):
        store.point(artifact)
        found = store.current("stems", "talk-1a2b3c4d", None)
        assert found is not None
        assert found.folder == artifact.folder


def test_a_forgotten_file_is_gone_and_the_artifact_stays_whole(tmp_path: Path) -> None:
    store = _store(tmp_path)
    made = _publish(store)
    left = store.forget(made, "sound.flac")
    assert not (made.folder / "sound.flac").exists()
    found = store.find("stems", "talk-1a2b3c4d", None, KEY)
    assert found is not None
    assert found.manifest.deleted == left.manifest.deleted == ("sound.flac",)
    assert found.manifest.data_version == made.manifest.data_version


def test_a_damaged_document_is_one_sentence(tmp_path: Path) -> None:
    made = _publish(_store(tmp_path))
    (made.folder / "document.json").write_text("{")
    with pytest.raises(StorageError, match="damaged"):
        made.read(Verdict)


@pytest.mark.parametrize(
    "number", [errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EISDIR, errno.EIO]
)
def test_whatever_the_disk_refuses_is_a_sentence_with_the_callers_remedy(number: int) -> None:
    said = f"Storing a thing: {os.strerror(number)} (file); "
    with pytest.raises(StorageError) as caught, guarded("Storing a thing"):
        raise OSError(number, os.strerror(number), "file")
    assert str(caught.value) == f"{said}choose another place or mend its permissions and run it again."
    with pytest.raises(StorageError) as caught, guarded("Storing a thing", "give another name"):
        raise OSError(number, os.strerror(number), "file")
    assert str(caught.value) == f"{said}give another name."


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_has_a_remedy_of_its_own(number: int) -> None:
    with pytest.raises(StorageError, match=r"^Storing a thing: the disk is full; free"), guarded("Storing a thing"):
        raise OSError(number, os.strerror(number), "file")


def test_an_error_without_a_file_is_a_sentence_too() -> None:
    with pytest.raises(StorageError, match=r"^Storing a thing: gone; choose"), guarded("Storing a thing"):
        raise OSError("gone")


def test_a_store_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    store = _store(tmp_path)
    made = _publish(store)
    with patch("os.replace", side_effect=OSError(errno.EROFS, "Read-only file system", "x")):
        with pytest.raises(StorageError, match=r"^Making stems of talk-1a2b3c4d the current one: Read-only"):
            store.point(made)
        with pytest.raises(StorageError, match=r"^Deleting sound\.flac of stems of talk-1a2b3c4d: Read-only"):
            store.forget(made, "sound.flac")


def test_a_file_where_a_folder_should_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("no folder")
    with pytest.raises(StorageError, match=r"^Looking for stems of talk-1a2b3c4d: Not a directory"):
        _store(tmp_path).current("stems", "talk-1a2b3c4d", None)


def test_an_interruption_while_writing_leaves_what_was_there_and_nothing_beside_it(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"old")
    with patch("os.replace", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_a_private_file_is_gone_before_the_manifest_says_so(tmp_path: Path) -> None:
    store = _store(tmp_path)
    made = _publish(store)
    with patch("os.replace", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        store.forget(made, "sound.flac")
    assert not (made.folder / "sound.flac").exists()


def test_a_private_file_that_a_manifest_calls_deleted_is_deleted_all_the_same(tmp_path: Path) -> None:
    store = _store(tmp_path)
    marked = store.forget(_publish(store), "sound.flac")
    (marked.folder / "sound.flac").write_bytes(b"restored from a backup")
    assert store.find("stems", "talk-1a2b3c4d", None, KEY) is not None
    store.forget(marked, "sound.flac")
    assert not (marked.folder / "sound.flac").exists()
