"""A setting that was changed is shown in the UI at once: one observation of what takes effect now, and no more."""

from pathlib import Path

import dagster as dg
import pytest
from here import make_here
from octavia_command import MakeVideo, Octavia

from octavia_dag.assets.slices import SLICES
from octavia_dag.environment import enter, read
from octavia_dag.partitions import dub_key
from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.videos import records

pytestmark = pytest.mark.operators

SETTING = "mix.duck_depth_db"
Observations = list[tuple[str, dict[str, object]]]


@pytest.fixture(scope="module")
def dubbed(
    make_video: MakeVideo, models_dir: str, fake_settings: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Octavia, str]:
    folder = tmp_path_factory.mktemp("observed")
    octavia = make_here(folder, models_dir)
    arguments = ("--to", "pt-BR", "--out", folder / "out", "--settings", fake_settings)
    done = octavia("dub", make_video("talk.mp4"), *arguments)
    assert done.returncode == 0, done.stderr
    store = ArtifactStore(root=str(octavia.home / "store"), scratch=str(octavia.home / "scratch"))
    return octavia, records(store)[0].id


def _observations(octavia: Octavia, monkeypatch: pytest.MonkeyPatch) -> Observations:
    """Every observation of a slice, as asset and partition with its metadata; of each asset the newest first."""
    monkeypatch.setenv("DAGSTER_HOME", "")  # enter() sets it; the fixture puts it back
    enter(read(octavia.home))
    with dg.DagsterInstance.get() as instance:
        found = [
            record.asset_observation
            for one in SLICES
            for record in instance.fetch_observations(dg.AssetKey(one.name), limit=100).records
        ]
    return [
        (f"{one.asset_key.path[-1]} {one.partition}", {name: value.value for name, value in one.metadata.items()})
        for one in found
        if one is not None
    ]


def _added(before: Observations, after: Observations) -> Observations:
    left, added = list(before), list[tuple[str, dict[str, object]]]()
    for one in after:
        if one in left:
            left.remove(one)
        else:
            added.append(one)
    return added


def _change(octavia: Octavia, video: str, *words: str) -> None:
    done = octavia("settings", *words, "--video", video, "--language", "pt-BR")
    assert done.returncode == 0, done.stderr


def test_a_set_adds_one_observation_with_the_effective_values(
    dubbed: tuple[Octavia, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    octavia, video = dubbed
    before = _observations(octavia, monkeypatch)
    _change(octavia, video, "set", f"{SETTING}=3")
    [(which, values)] = _added(before, _observations(octavia, monkeypatch))
    assert which == f"settings_mix {dub_key(video, 'pt-BR')}"
    assert (values["duck_depth_db"], values["keep_music"]) == (3.0, True)


def test_the_same_set_again_adds_none(dubbed: tuple[Octavia, str], monkeypatch: pytest.MonkeyPatch) -> None:
    octavia, video = dubbed
    _change(octavia, video, "set", f"{SETTING}=4")
    before = _observations(octavia, monkeypatch)
    _change(octavia, video, "set", f"{SETTING}=4")
    assert _observations(octavia, monkeypatch) == before


def test_a_set_and_an_unset_add_one_each(dubbed: tuple[Octavia, str], monkeypatch: pytest.MonkeyPatch) -> None:
    octavia, video = dubbed
    counts = [len(_observations(octavia, monkeypatch))]
    for words in (("set", f"{SETTING}=5"), ("unset", SETTING)):
        _change(octavia, video, *words)
        counts.append(len(_observations(octavia, monkeypatch)))
    assert counts == [counts[0], counts[0] + 1, counts[0] + 2]


def test_a_change_of_the_catalogue_is_left_to_the_automation(
    dubbed: tuple[Octavia, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    octavia, _ = dubbed
    before = _observations(octavia, monkeypatch)
    done = octavia("settings", "set", "mix.ratio=9")
    assert "automation's next tick" in done.stdout
    assert _observations(octavia, monkeypatch) == before


def test_a_home_without_dagster_gets_none_by_a_setting(octavia: Octavia) -> None:
    done = octavia("settings", "set", f"{SETTING}=3")
    assert done.returncode == 0, done.stderr
    assert not (octavia.home / "dagster").exists()
