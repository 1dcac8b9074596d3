"""At risk: a setting that is silently ignored, silently wins, or whose change nobody can be asked about."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from octavia_dag.errors import SettingsError
from octavia_dag.layers import PER_VIDEO, Place, change_layer, edit_layer, layer_at, recorded_changes, settings_of
from octavia_dag.settings import Layer

FIELDS, VALUES = ("duck_depth_db", "ratio", "attack_ms"), (3.0, 4.0, 20.0)
VIDEO = Place("talk-1a2b3c4d")
DUB = Place("talk-1a2b3c4d", "es")


def depths(store: Path) -> tuple[float, float, float]:
    places = (Place(), VIDEO, DUB)
    found = [settings_of(store, one.video, one.language).mix.duck_depth_db for one in places]
    return found[0], found[1], found[2]


def test_the_nearer_layer_wins(tmp_path: Path) -> None:
    for number, place in enumerate((Place(), VIDEO, DUB), 1):
        change_layer(tmp_path, place, {"mix": {"duck_depth_db": number}}, who="ana")
    assert depths(tmp_path) == (1.0, 2.0, 3.0)


def test_a_layer_without_a_field_lets_the_one_below_it_count(tmp_path: Path) -> None:
    change_layer(tmp_path, Place(), {"mix": {"duck_depth_db": 1}}, who="ana")
    change_layer(tmp_path, DUB, {"mix": {"ratio": 4}}, who="ana")
    assert depths(tmp_path) == (1.0, 1.0, 1.0)


def test_one_video_s_layer_is_nobody_else_s(tmp_path: Path) -> None:
    change_layer(tmp_path, VIDEO, {"mix": {"duck_depth_db": 1}}, who="ana")
    assert settings_of(tmp_path, "other-1a2b3c4d").mix.duck_depth_db == 6.0


def test_every_change_is_recorded_with_who_and_when(tmp_path: Path) -> None:
    change_layer(tmp_path, DUB, {"mix": {"duck_depth_db": 1}}, who="ana")
    change_layer(tmp_path, DUB, {}, who="ben")
    rows = recorded_changes(tmp_path, DUB)
    assert [(row["who"], row["setting"], row["before"], row["after"]) for row in rows] == [
        ("ana", "mix.duck_depth_db", None, 1),
        ("ben", "mix.duck_depth_db", 1, None),
    ]
    assert all(row["when"].endswith("+00:00") for row in rows)
    assert recorded_changes(tmp_path, VIDEO) == []


def test_what_changes_nothing_is_not_recorded(tmp_path: Path) -> None:
    assert change_layer(tmp_path, VIDEO, {"mix": {"ratio": 4}}, who="ana")
    assert not change_layer(tmp_path, VIDEO, {"mix": {"ratio": 4}}, who="ana")
    assert len(recorded_changes(tmp_path, VIDEO)) == 1


@pytest.mark.parametrize("setting", sorted(PER_VIDEO))
def test_a_dub_s_layer_may_not_hold_what_is_read_for_the_whole_video(tmp_path: Path, setting: str) -> None:
    name, field = setting.split(".")
    with pytest.raises(SettingsError, match=rf"{setting} for one language, but it is read once for the whole video"):
        change_layer(tmp_path, DUB, {name: {field: 1}}, who="ana")
    assert not DUB.file(tmp_path).exists()


def test_a_change_that_does_not_go_with_the_layers_below_is_refused(tmp_path: Path) -> None:
    change_layer(tmp_path, Place(), {"sync": {"max_rate": 1.25}}, who="ana")
    with pytest.raises(SettingsError, match=r"sync\.free_rate is 1\.3, which is more than sync\.max_rate"):
        change_layer(tmp_path, VIDEO, {"sync": {"free_rate": 1.3}}, who="ana")
    assert layer_at(tmp_path, VIDEO) == {}


def test_a_file_that_somebody_edited_by_hand_counts_and_is_checked(tmp_path: Path) -> None:
    VIDEO.file(tmp_path).parent.mkdir(parents=True)
    VIDEO.file(tmp_path).write_text("mix: {duck_depth_db: 4}\n")
    assert settings_of(tmp_path, VIDEO.video).mix.duck_depth_db == 4.0
    VIDEO.file(tmp_path).write_text("mix: {duck_depth_db: 40}\n")
    with pytest.raises(SettingsError, match="at most 9"):
        settings_of(tmp_path, VIDEO.video)


def test_of_edits_at_once_none_is_lost(tmp_path: Path) -> None:
    def setting(number: int) -> None:
        def edit(layer: Layer) -> Layer:
            time.sleep(0.05)
            return {**layer, "mix": {**layer.get("mix", {}), FIELDS[number]: VALUES[number]}}

        edit_layer(tmp_path, VIDEO, edit, who="ana")

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(setting, range(3)))
    assert layer_at(tmp_path, VIDEO)["mix"] == dict(zip(FIELDS, VALUES, strict=True))
    assert len(recorded_changes(tmp_path, VIDEO)) == 3


def test_a_slice_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = VIDEO.file(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text("mix: {duck_depth_db: 3}\nmix: {ratio: 4}\n")
    with pytest.raises(SettingsError, match="mix stands there twice"):
        layer_at(tmp_path, VIDEO)


def test_a_record_that_a_crash_cut_hides_none_of_the_others(tmp_path: Path) -> None:
    change_layer(tmp_path, VIDEO, {"mix": {"duck_depth_db": 1}}, who="ana")
    with (VIDEO.folder(tmp_path) / "settings.changes.jsonl").open("a") as file:
        file.write('{"when": "2026-')
    assert [row["who"] for row in recorded_changes(tmp_path, VIDEO)] == ["ana"]
