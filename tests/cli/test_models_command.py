"""At risk: that a new user does not learn what is missing, or that a script cannot tell from the exit code."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from octavia_dag.cli.models import models
from octavia_dag.errors import ModelError
from octavia_dag.resources.models import Model, ModelFile, Source

WEIGHTS = b"weights"


def model(name: str) -> Model:
    return Model(
        name=name,
        role="testing",
        licence="MIT",
        sources=(Source(kind="pypi", package="tiny-weights", version="1.0"),),
        files=(ModelFile(name="model.bin", size=len(WEIGHTS), sha256=hashlib.sha256(WEIGHTS).hexdigest()),),
    )


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store that holds `tiny`, and lacks `ffmpeg`."""
    monkeypatch.setattr("octavia_dag.resources.models.lock", lambda: (model("tiny"), model("ffmpeg")))
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "model.bin").write_bytes(WEIGHTS)
    return tmp_path


@pytest.fixture
def pulled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []

    def record(models_dir: str, wanted: tuple[str, ...], progress: object) -> None:
        names.extend(wanted)

    monkeypatch.setattr("octavia_dag.resources.pulling.pull", record)
    return names


def system_has_ffmpeg(monkeypatch: pytest.MonkeyPatch, folder: Path, has: bool) -> None:
    """The PATH is one folder, with both programs in it or empty: nothing of octavia's own is replaced."""
    programs = folder / "programs"
    programs.mkdir()
    for name in ("ffmpeg", "ffprobe") if has else ():
        (programs / name).write_text(f"#!/bin/sh\necho '{name} version 7.1 Copyright'\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))


def run(*arguments: str | Path) -> str:
    return CliRunner().invoke(models, [str(argument) for argument in arguments], catch_exceptions=False).output


def state_of(listing: str, name: str) -> str:
    return next(line for line in listing.splitlines() if line.startswith(name)).partition("MB  ")[2]


def test_the_list_tells_ready_from_missing_from_wrong(
    store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    system_has_ffmpeg(monkeypatch, tmp_path, False)
    assert [state_of(run("list", "--models", store), name) for name in ("tiny", "ffmpeg")] == ["ready", "missing"]
    (store / "tiny" / "model.bin").write_bytes(WEIGHTS[::-1])
    assert state_of(run("list", "--models", store), "tiny") == "wrong: model.bin"


def test_ffmpeg_is_not_called_missing_where_the_system_has_it(
    store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    system_has_ffmpeg(monkeypatch, tmp_path, True)
    assert state_of(run("list", "--models", store), "ffmpeg") == "not needed: the system has it"
    assert run("verify", "--models", store).startswith("Every model file in ")


@pytest.mark.parametrize(("has", "wanted"), [(True, ["tiny"]), (False, ["tiny", "ffmpeg"])])
def test_ffmpeg_is_fetched_only_where_the_system_has_none(
    store: Path, pulled: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, has: bool, wanted: list[str]
) -> None:
    system_has_ffmpeg(monkeypatch, tmp_path, has)
    run("pull", "--models", store)
    assert pulled == wanted


def test_what_is_asked_for_by_name_is_fetched(
    store: Path, pulled: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    system_has_ffmpeg(monkeypatch, tmp_path, True)
    run("pull", "ffmpeg", "--models", store)
    assert pulled == ["ffmpeg"]


def test_a_quiet_pull_of_what_is_ready_says_nothing(store: Path) -> None:
    assert run("pull", "tiny", "--models", store) == "tiny: ready\n"
    assert run("pull", "tiny", "--quiet", "--models", store) == ""


def test_verify_names_each_wrong_file_and_fails(store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    system_has_ffmpeg(monkeypatch, tmp_path, True)
    (store / "tiny" / "model.bin").write_bytes(WEIGHTS[::-1])
    result = CliRunner().invoke(models, ["verify", "--models", str(store)])
    assert isinstance(result.exception, ModelError)
    assert f"{store / 'tiny' / 'model.bin'} of the model tiny has another sha256" in result.output


def test_a_bad_name_exits_with_2_and_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from octavia_dag.cli import main; main()", "models", "pull", "nosuch"]
    done = subprocess.run([*command, "--models", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no model 'nosuch'" in done.stderr
