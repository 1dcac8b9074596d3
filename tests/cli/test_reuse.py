"""Work is done once: what did not change is found by its content key, and a change makes only what reads it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from octavia_command import MakeVideo, Octavia, make_octavia
from octavia_fakes import ENGINES

from octavia_dag.graph import GRAPH
from octavia_dag.resources.artifacts import Manifest

UPSTREAM_OF_THE_MIX = set(GRAPH) - {"ducked_mix", "final_mux", "qa_report"}


@pytest.fixture(scope="module")
def dubbed(
    make_video: MakeVideo, models_dir: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Octavia, Path, Path]:
    folder = tmp_path_factory.mktemp("reuse")
    octavia, video = make_octavia(folder, models_dir), make_video("talk.mp4")
    _dub(octavia, video, folder, {})
    return octavia, video, folder


def _dub(octavia: Octavia, video: Path, folder: Path, change: dict[str, dict[str, Any]]) -> None:
    settings = folder / "settings.yaml"
    merged = {name: {**ENGINES.get(name, {}), **change.get(name, {})} for name in {*ENGINES, *change}}
    settings.write_text(yaml.safe_dump(merged))
    done = octavia("dub", video, "--to", "pt-BR", "--out", folder / "out", "--settings", settings)
    assert done.returncode == 0, done.stderr


def _made(octavia: Octavia) -> dict[str, set[str]]:
    """Content keys of every artifact, by asset."""
    found: dict[str, set[str]] = {}
    for path in (octavia.home / "store").rglob("manifest.json"):
        manifest = Manifest.model_validate_json(path.read_text())
        found.setdefault(manifest.asset, set()).add(manifest.key)
    return found


def _calls(octavia: Octavia) -> int:
    return len(Path(f"{octavia.control}.calls").read_text().splitlines())


def test_the_same_command_again_asks_no_engine(dubbed: tuple[Octavia, Path, Path]) -> None:
    octavia, video, folder = dubbed
    before = _calls(octavia), _made(octavia)
    _dub(octavia, video, folder, {})
    assert (_calls(octavia), _made(octavia)) == before


def test_the_same_file_under_another_name_is_the_same_video(dubbed: tuple[Octavia, Path, Path], tmp_path: Path) -> None:
    octavia, video, folder = dubbed
    copy = tmp_path / "another name.mp4"
    copy.write_bytes(video.read_bytes())
    before = _calls(octavia)
    _dub(octavia, copy, folder, {})
    assert _calls(octavia) == before
    assert len(list((octavia.home / "store" / "videos").iterdir())) == 1
    assert (folder / "out" / "another name.pt-BR.mp4").exists()


def test_a_ducking_depth_makes_the_mix_and_what_is_below_it(dubbed: tuple[Octavia, Path, Path]) -> None:
    octavia, video, folder = dubbed
    before = _made(octavia)
    spoken = octavia.calls("FakeSynthesizer")
    _dub(octavia, video, folder, {"mix": {"duck_depth_db": 3.0}})
    after = _made(octavia)
    assert {name for name in GRAPH if after[name] != before[name]} == set(GRAPH) - UPSTREAM_OF_THE_MIX
    assert octavia.calls("FakeSynthesizer") == spoken


def test_a_setting_put_back_makes_nothing(dubbed: tuple[Octavia, Path, Path]) -> None:
    octavia, video, folder = dubbed
    before = _made(octavia)
    _dub(octavia, video, folder, {})
    assert _made(octavia) == before


def test_the_content_key_names_what_it_was_made_from(dubbed: tuple[Octavia, Path, Path]) -> None:
    octavia, _, _ = dubbed
    for path in (octavia.home / "store").rglob("manifest.json"):
        manifest = Manifest.model_validate_json(path.read_text())
        wanted = set(GRAPH[manifest.asset].inputs) or {"file"}
        assert set(manifest.inputs) == wanted
        node = GRAPH[manifest.asset]
        # No profile of embedded engines chooses a segmenter.
        assert set(manifest.engines) == {*node.roles, *(["vad"] if node.hears_speech else [])} - {"segmenter"}
