"""At risk: weights that nobody meant are loaded, or a setting that cannot be read is guessed at."""

import json
from pathlib import Path

import pytest

from octavia_dag.errors import InputError, ModelError, SettingsError
from octavia_dag.resources import weights
from octavia_dag.resources.weights import Reference, revision, seal, seal_of, weights_dir


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "weights"
    (made / "sub").mkdir(parents=True)
    (made / "model.bin").write_bytes(b"numbers")
    (made / "sub" / "config.json").write_bytes(b"{}")
    return made


def test_a_sealed_folder_is_given_as_it_is(folder: Path, tmp_path: Path) -> None:
    seal(folder, "mine", "1")
    assert weights_dir(str(tmp_path), str(folder)) == folder


def test_a_folder_that_nobody_sealed_is_refused_with_the_command_that_seals_it(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=rf"are not there .*octavia models seal {folder}"):
        weights_dir(str(tmp_path), str(folder))


@pytest.mark.parametrize("name", ["model.bin", "sub/config.json"])
def test_another_byte_in_any_file_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    seal(folder, "mine", "1")
    path = folder / name
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(ModelError, match="has another sha256"):
        weights_dir(str(tmp_path), str(folder))


def test_a_file_that_is_gone_is_named(folder: Path, tmp_path: Path) -> None:
    seal(folder, "mine", "1")
    (folder / "model.bin").unlink()
    with pytest.raises(ModelError, match=r"model\.bin is not there"):
        weights_dir(str(tmp_path), str(folder))


def test_a_digest_in_the_reference_holds_the_weights_to_it(folder: Path, tmp_path: Path) -> None:
    digest = seal(folder, "mine", "1").digest
    assert weights_dir(str(tmp_path), f"{folder}#sha256={digest}") == folder
    (folder / "model.bin").write_bytes(b"others!")
    seal(folder, "mine", "1")
    with pytest.raises(ModelError, match=f"{digest} was asked for"):
        weights_dir(str(tmp_path), f"{folder}#sha256={digest}")


def test_a_damaged_list_is_refused(folder: Path, tmp_path: Path) -> None:
    seal(folder, "mine", "1")
    (folder / weights.SEAL).write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be read"):
        weights_dir(str(tmp_path), str(folder))


def test_the_same_files_have_one_digest_wherever_they_come_from(folder: Path) -> None:
    assert seal(folder, "here", "1").digest == seal(folder, "there", "2").digest


def test_other_files_are_another_revision(folder: Path, tmp_path: Path) -> None:
    seal(folder, "mine", "1")
    before = revision(str(tmp_path), str(folder))
    (folder / "model.bin").write_bytes(b"better")
    seal(folder, "mine", "1")
    assert revision(str(tmp_path), str(folder)) != before


def test_weights_that_are_not_there_have_a_revision_of_their_own(tmp_path: Path) -> None:
    assert revision(str(tmp_path), "owner/name@main") == "absent"


def test_a_hub_reference_lies_in_the_model_store_by_name_and_revision(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "hub" / "owner--name" / "v1"
    place.parent.mkdir(parents=True)
    folder.rename(place)
    seal(place, "owner/name", "v1", "abcdef")
    assert weights_dir(str(tmp_path), "owner/name@v1") == place
    assert seal_of(str(tmp_path), "owner/name@v1").commit == "abcdef"


def test_absent_weights_of_the_hub_are_told_with_the_command_that_fetches_them(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="octavia models pull owner/name@v1"):
        weights_dir(str(tmp_path), "owner/name@v1")


def test_a_sealed_file_that_became_a_link_to_itself_is_a_sentence(folder: Path, tmp_path: Path) -> None:
    seal(folder, "mine", "1")
    (folder / "model.bin").unlink()
    (folder / "model.bin").symlink_to(folder / "model.bin")
    with pytest.raises(ModelError, match=r"cannot be read \(.*model\.bin\)"):
        weights_dir(str(tmp_path), str(folder))


@pytest.mark.parametrize("name", ["000.safetensors", "sub/speakers.pth", "deeper/model.bin"])
def test_a_file_that_was_not_sealed_is_refused_and_named(folder: Path, tmp_path: Path, name: str) -> None:
    seal(folder, "mine", "1")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"others")
    with pytest.raises(ModelError, match=rf"lies {folder / name}, which was not sealed; take it away, or run"):
        weights_dir(str(tmp_path), str(folder))


def test_a_link_to_a_folder_is_refused_beside_sealed_files_and_cannot_be_sealed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "model.bin").write_bytes(b"others")
    seal(folder, "mine", "1")
    (folder / "part").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="was not sealed"):
        weights_dir(str(tmp_path), str(folder))
    with pytest.raises(InputError, match="part is no file and no folder"):
        seal(folder, "mine", "1")


def test_what_a_desktop_or_the_hubs_client_hides_beside_the_files_is_let_be(folder: Path, tmp_path: Path) -> None:
    seal(folder, "mine", "1")
    (folder / ".DS_Store").write_bytes(b"icons")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "lock").write_bytes(b"1")
    assert weights_dir(str(tmp_path), str(folder)) == folder


def test_a_seal_of_no_files_is_refused(folder: Path, tmp_path: Path) -> None:
    told = seal(folder, "mine", "1").model_dump() | {"files": []}
    (folder / weights.SEAL).write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be read"):
        weights_dir(str(tmp_path), str(folder))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "owner/name",
        "owner/name@",
        "../up@main",
        "a/b@c#sha256=12",
        "rel/ative",
        "a--b/c@x",
        "a/b--c@x",
        "a/b..c@x",
        "a/b.git@x",
        "a-/b@x",
        "/a\0b",
    ],
)
def test_a_reference_that_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="no reference"):
        Reference.of(text)


def test_an_empty_folder_cannot_be_sealed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file in it"):
        seal(tmp_path, "mine", "1")


def test_what_the_hubs_client_keeps_beside_the_files_is_no_part_of_them(folder: Path) -> None:
    before = seal(folder, "mine", "1").digest
    (folder / ".cache").mkdir()
    (folder / ".cache" / "lock").write_text("1", encoding="utf-8")
    assert seal(folder, "mine", "1").digest == before
