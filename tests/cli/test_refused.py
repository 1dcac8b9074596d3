"""Bad input is refused with exit 2, one sentence, no traceback, and nothing left behind."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from octavia_command import MakeVideo, Octavia


def _refused(done: subprocess.CompletedProcess[str], octavia: Octavia, *words: str) -> None:
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("octavia: ")
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    for word in words:
        assert word in done.stderr
    assert not list(octavia.home.glob("store/videos/*"))
    assert not (octavia.home / "dagster").exists()


def _missing(folder: Path, make_video: MakeVideo) -> Path:
    return folder / "no such file.mp4"


def _text(folder: Path, make_video: MakeVideo) -> Path:
    path = folder / "notes.mp4"
    path.write_text("these are notes, not a film\n" * 50)
    return path


def _empty(folder: Path, make_video: MakeVideo) -> Path:
    path = folder / "empty.mp4"
    path.touch()
    return path


def _folder(folder: Path, make_video: MakeVideo) -> Path:
    path = folder / "folder.mp4"
    path.mkdir()
    return path


def _truncated(folder: Path, make_video: MakeVideo) -> Path:
    whole = make_video("whole.mp4").read_bytes()
    path = folder / "truncated.mp4"
    path.write_bytes(whole[: len(whole) // 2])
    return path


def _truncated_fast_start(folder: Path, make_video: MakeVideo) -> Path:
    whole = make_video("faststart.mp4", movflags="+faststart").read_bytes()
    path = folder / "truncated2.mp4"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    return path


@pytest.mark.parametrize("make", [_missing, _text, _empty, _folder, _truncated, _truncated_fast_start])
def test_a_file_that_is_no_whole_video_is_refused(
    make: Callable[[Path, MakeVideo], Path], octavia: Octavia, make_video: MakeVideo, tmp_path: Path
) -> None:
    path = make(tmp_path, make_video)
    done = octavia("dub", path, "--to", "pt-BR", "--out", tmp_path / "out")
    _refused(done, octavia, path.name)
    assert not (tmp_path / "out").exists()


def test_an_unknown_language_is_refused_with_the_known_ones(octavia: Octavia, make_video: MakeVideo) -> None:
    _refused(octavia("dub", make_video("talk.mp4"), "--to", "tlh"), octavia, "tlh", "pt-BR")


def test_a_pair_that_cannot_be_dubbed_is_refused_with_those_that_can(octavia: Octavia, make_video: MakeVideo) -> None:
    done = octavia("dub", make_video("talk.mp4"), "--to", "pt-BR", "--from", "zh")
    _refused(done, octavia, "zh", "en to pt-BR")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mix: {duck_depth_db: 20}", ("mix.duck_depth_db", "20", "at most 9")),
        ("mix: {depth: 3}", ("mix.depth", "duck_depth_db")),
        ("music: {depth: 3}", ("music", "separation")),
        ("synthesis: {engine: 'no.such:Engine'}", ("no.such:Engine",)),
        ("separation: {engine: 'no.such:Engine'}", ("no.such:Engine",)),
        ("voices: {cast: {A: nobody}}", ("voices.cast", "nobody", "pf_dora")),
        ("mix: {duck_depth_db: 2020-99-99}", ("YAML",)),
        ("mix: {duck_depth_db: !!int abc}", ("YAML",)),
        ("mix: {duck_depth_db: " + "9" * 5000 + "}", ("YAML",)),
        ("[" * 3000, ("YAML",)),
    ],
)
def test_a_bad_setting_is_refused_by_name(
    text: str, words: tuple[str, ...], octavia: Octavia, make_video: MakeVideo, tmp_path: Path
) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text(text)
    _refused(octavia("dub", make_video("talk.mp4"), "--to", "pt-BR", "--settings", settings), octavia, *words)


def test_bad_arguments_are_refused_with_exit_2(octavia: Octavia) -> None:
    _refused(octavia("dub", "--to", "pt-BR"), octavia, "--help")


def test_settings_that_come_through_a_pipe_are_not_waited_for(octavia: Octavia, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "settings.yaml")
    done = octavia("dub", "talk.mp4", "--to", "pt-BR", "--settings", tmp_path / "settings.yaml")
    _refused(done, octavia, "settings.yaml")


def test_a_name_that_is_no_text_is_refused(octavia: Octavia, make_video: MakeVideo, tmp_path: Path) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/a\xffb.mp4")
    shutil.copyfile(make_video("talk.mp4"), odd)
    _refused(octavia("dub", odd, "--to", "pt-BR"), octavia, "UTF-8")


def test_a_name_too_long_for_its_results_is_refused(octavia: Octavia, make_video: MakeVideo, tmp_path: Path) -> None:
    long = tmp_path / f"{'a' * 245}.mp4"
    shutil.copyfile(make_video("talk.mp4"), long)
    _refused(octavia("dub", long, "--to", "pt-BR", "--out", tmp_path / "out"), octavia, "too long", "rename")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("first", "out"), [("talk.MP4", "."), ("talk.mp4", "link")])
def test_a_result_that_would_fall_onto_a_source_is_refused(
    first: str, out: str, octavia: Octavia, make_video: MakeVideo, tmp_path: Path
) -> None:
    sources = [tmp_path / first, tmp_path / "talk.pt-BR.mp4"]
    for path in sources:
        shutil.copyfile(make_video("talk.mp4"), path)
    (tmp_path / "link").symlink_to(tmp_path)
    _refused(octavia("dub", *sources, "--to", "pt-BR", "--out", tmp_path / out), octavia, "talk.pt-BR.mp4")


def test_a_key_that_is_none_is_refused_before_anything_is_made(
    octavia: Octavia, make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = make_video("talk.mp4")
    key = {"OCTAVIA_VOICE_KEY": "not a key"}
    command = [sys.executable, "-c", "from octavia_dag.cli import main; main()", "dub", str(video), "--to", "pt-BR"]
    done = subprocess.run(command, env=octavia.environment() | key, capture_output=True, text=True, check=False)
    _refused(done, octavia, "Fernet key")
    assert "not a key" not in done.stderr


def test_a_refusal_is_told_as_json_too(octavia: Octavia, tmp_path: Path) -> None:
    done = octavia("dub", tmp_path / "none.mp4", "--to", "pt-BR", "--json")
    answer = json.loads(done.stdout)
    assert (answer["dubs"], answer["exit_code"]) == ([], 2)
    assert "none.mp4" in answer["error"]
