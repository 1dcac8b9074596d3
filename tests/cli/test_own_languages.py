"""Without --to a video is dubbed into its own languages, wherever its settings name them; without any it is refused."""

import json
from pathlib import Path

import pytest
import yaml
from here import make_here
from octavia_command import MakeVideo, Octavia
from octavia_fakes import ENGINES

pytestmark = pytest.mark.operators


@pytest.fixture
def octavia(tmp_path: Path, models_dir: str) -> Octavia:
    return make_here(tmp_path / "octavia", models_dir)


def _settings(folder: Path, languages: list[str]) -> Path:
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump({**ENGINES, "delivery": {"languages": languages}}))
    return path


def test_the_settings_file_names_the_languages_and_the_videos_layer_keeps_them(
    octavia: Octavia, make_video: MakeVideo, tmp_path: Path
) -> None:
    video, out = make_video("talk.mp4"), tmp_path / "out"
    first = octavia("dub", video, "--out", out, "--settings", _settings(tmp_path, ["es"]), "--json")
    assert first.returncode == 0, first.stderr
    again = octavia("dub", video, "--out", out, "--json")
    assert again.returncode == 0, again.stderr
    assert [[one["language"] for one in json.loads(done.stdout)["dubs"]] for done in (first, again)] == [["es"], ["es"]]


def test_the_catalogue_names_the_languages_of_a_new_video(
    octavia: Octavia, make_video: MakeVideo, tmp_path: Path
) -> None:
    engines = [f"{name}.{field}={value}" for name, fields in ENGINES.items() for field, value in fields.items()]
    assert octavia("settings", "set", "delivery.languages=[pt-BR]", *engines).returncode == 0
    done = octavia("dub", make_video("talk.mp4"), "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "talk.pt-BR.mp4").exists()


def test_a_video_without_languages_is_refused_with_one_sentence(
    octavia: Octavia, make_video: MakeVideo, fake_settings: Path, tmp_path: Path
) -> None:
    done = octavia("dub", make_video("talk.mp4"), "--out", tmp_path / "out", "--settings", fake_settings)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "no language to dub talk.mp4 into" in done.stderr
    assert _left_nothing(octavia)


def test_a_result_that_cannot_be_written_is_refused_for_its_own_languages_too(
    octavia: Octavia, make_video: MakeVideo, tmp_path: Path
) -> None:
    (tmp_path / "out" / "talk.es.mp4").mkdir(parents=True)
    settings = _settings(tmp_path, ["es"])
    done = octavia("dub", make_video("talk.mp4"), "--out", tmp_path / "out", "--settings", settings)
    assert done.returncode == 2
    assert "talk.es.mp4 is a folder" in done.stderr
    assert _left_nothing(octavia)


def _left_nothing(octavia: Octavia) -> bool:
    return not (octavia.home / "store" / "hashes.json").exists() and not (octavia.home / "dagster").exists()
