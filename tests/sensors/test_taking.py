"""At risk: an upload that is lost, dubbed with settings of another, or removed before it was kept.

Every case is tried on a folder, and on a bucket over HTTP (`make test-operators`).
"""

import hashlib
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dropped import Dropped, make_dropped
from resting import ran
from tiny import tiny_videos

from octavia_dag.assets.judging import Judge
from octavia_dag.errors import StorageError
from octavia_dag.partitions import VIDEOS
from octavia_dag.resources import fetched
from octavia_dag.resources.storage import ChangedError, Storage
from octavia_dag.sensors import taking
from octavia_dag.sensors.automation import tick


@pytest.fixture(scope="module")
def videos(models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return tiny_videos(models_dir, tmp_path_factory.mktemp("videos"), 3)


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.operators)])
def dropped(request: pytest.FixtureRequest, models_dir: str, tmp_path: Path) -> Generator[Dropped]:
    bucket = request.getfixturevalue("fresh_bucket") if request.param == "bucket" else None
    with dg.DagsterInstance.ephemeral() as instance:
        yield make_dropped(tmp_path, models_dir, instance, bucket)


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def reasons(dropped: Dropped) -> str:
    return "\n".join(dropped.get(key).decode() for key in dropped.lying("quarantine/") if key.endswith("reason.txt"))


def test_a_video_is_registered_archived_and_removed(dropped: Dropped, videos: list[Path]) -> None:
    dropped.put("incoming/es+pt-BR/My Talk.mp4", videos[0])
    dropped.take()
    (record,) = dropped.records()
    assert record.id == f"my-talk-{sha(videos[0])[:8]}"
    assert record.requested == ("es", "pt-BR")
    assert Path(record.path).read_bytes() == videos[0].read_bytes()
    assert dropped.lying() == [f"archive/{sha(videos[0])}"]
    assert dropped.get(f"archive/{sha(videos[0])}") == videos[0].read_bytes()
    assert dropped.instance.get_dynamic_partitions(VIDEOS.name or "") == [record.id]


def test_the_sidecar_s_languages_and_settings_win_over_the_folder_s(dropped: Dropped, videos: list[Path]) -> None:
    dropped.put("incoming/es/settings.yaml", b"mix: {duck_depth_db: 3, ratio: 4}\n")
    dropped.put("incoming/es/a.mp4", videos[0])
    dropped.put("incoming/es/b.mp4", videos[1])
    dropped.put("incoming/es/a.mp4.yaml", b"delivery: {languages: [pt-BR]}\nmix: {ratio: 5}\n")
    dropped.take()
    first, second = dropped.video(videos[0]), dropped.video(videos[1])
    assert first is not None
    assert second is not None
    assert first.requested == ("pt-BR",)
    assert dropped.settings(first.id) == {"mix": {"duck_depth_db": 3, "ratio": 5}}
    assert second.requested == ("es",)
    assert dropped.settings(second.id) == {"mix": {"duck_depth_db": 3, "ratio": 4}}
    assert dropped.lying("incoming/") == ["incoming/es/settings.yaml"]


def test_without_any_language_of_its_own_the_catalogue_s_count_and_without_those_it_is_refused(
    dropped: Dropped, videos: list[Path]
) -> None:
    dropped.put("incoming/talks/a.mp4", videos[0])
    dropped.take()
    assert dropped.records() == []
    assert "no language to dub a.mp4 into" in reasons(dropped)
    catalogue = Path(dropped.tools.store.root) / "settings.yaml"
    catalogue.write_text(yaml.safe_dump(yaml.safe_load(catalogue.read_text()) | {"delivery": {"languages": ["es"]}}))
    dropped.put("incoming/talks/b.mp4", videos[1])
    dropped.take()
    assert [one.requested for one in dropped.records()] == [("es",)]


def test_the_same_content_under_two_names_is_one_video_with_the_languages_of_both(
    dropped: Dropped, videos: list[Path]
) -> None:
    dropped.put("incoming/es/a.mp4", videos[0])
    dropped.put("incoming/pt-BR/b.mp4", videos[0])
    dropped.put("incoming/pt-BR/b.mp4.yaml", b"mix: {ratio: 5}\n")
    dropped.take()
    (record,) = dropped.records()
    assert record.requested == ("es", "pt-BR")
    assert dropped.settings(record.id) == {"mix": {"ratio": 5}}
    assert dropped.lying("incoming/") == []


def test_settings_that_contradict_those_of_the_same_content_are_refused_with_both_values(
    dropped: Dropped, videos: list[Path]
) -> None:
    for name, ratio in (("a", 4), ("b", 5)):
        dropped.put(f"incoming/es/{name}.mp4", videos[0])
        dropped.put(f"incoming/es/{name}.mp4.yaml", f"mix: {{ratio: {ratio}}}\n".encode())
    dropped.take()
    (record,) = dropped.records()
    assert dropped.settings(record.id) == {"mix": {"ratio": 4}}
    assert "mix.ratio is 4" in reasons(dropped)
    assert "here it is 5" in reasons(dropped)
    assert [key.rsplit("/", 1)[1] for key in dropped.lying("quarantine/")] == ["b.mp4", "b.mp4.yaml", "reason.txt"]


def test_a_name_may_not_change_what_another_name_of_the_same_content_asks_for_too(
    dropped: Dropped, videos: list[Path]
) -> None:
    for name, ratio in (("a", 4), ("b", 4), ("a", 5)):
        dropped.put(f"incoming/es/{name}.mp4", videos[0])
        dropped.put(f"incoming/es/{name}.mp4.yaml", f"mix: {{ratio: {ratio}}}\n".encode())
        dropped.take()
    (record,) = dropped.records()
    assert dropped.settings(record.id) == {"mix": {"ratio": 4}}
    assert "mix.ratio is 4" in reasons(dropped)
    dropped.put("incoming/es/a.mp4", videos[0])
    dropped.take()
    assert dropped.settings(record.id) == {"mix": {"ratio": 4}}


def test_a_name_that_is_dropped_again_may_change_its_own_settings(dropped: Dropped, videos: list[Path]) -> None:
    for ratio in (4, 5):
        dropped.put("incoming/es/a.mp4", videos[0])
        dropped.put("incoming/es/a.mp4.yaml", f"mix: {{ratio: {ratio}}}\n".encode())
        dropped.take()
    assert dropped.settings(dropped.records()[0].id) == {"mix": {"ratio": 5}}
    assert dropped.lying("quarantine/") == []


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (b"mix: {ratio: 99}", "limits"),
        (b"nonsense", "slice"),
        (b"\xff\xfe\x00", "YAML"),
        (b"synthesis: {engine: 'os:system'}", "may not come with a video"),
        (b"translation: {endpoint: 'http://127.0.0.1:9'}", "may not come with a video"),
        (b"checks: {bed_level_db: 12}", "may not come with a video"),
        (b"costs: {gpu_hour: 0.0}", "may not come with a video"),
        (b"catalogue: {minutes_per_night: 1}", "may not come with a video"),
        (b'voices: {cast: {"\\ud800": pf_dora}}', "half of a character"),
        (b"mix: {ratio: 4}" + b" " * (1 << 20), "too many for settings"),
        (b"delivery: {languages: [xx]}", "no language this installation dubs into"),
    ],
)
def test_a_sidecar_that_cannot_be_used_is_told(
    dropped: Dropped, videos: list[Path], settings: bytes, told: str
) -> None:
    dropped.put("incoming/es/a.mp4", videos[0])
    dropped.put("incoming/es/a.mp4.yaml", settings)
    dropped.take()
    assert told in reasons(dropped)
    assert str(dropped.tools.store.scratch) not in reasons(dropped)
    assert dropped.records() == []


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("notes.txt", b"these are notes", "not a video"),
        ("talk.mp4", b"\x00\x00\x00\x18ftypmp42", "not a video"),
        ("cut.mp4", None, "cut off"),
        ("archive.zip", b"PK\x03\x04" + b"\x00" * 100, "not a video"),
    ],
)
def test_what_is_no_whole_video_goes_to_quarantine_with_its_reason(
    dropped: Dropped, videos: list[Path], name: str, content: bytes | None, told: str
) -> None:
    content = videos[0].read_bytes()[:5000] if content is None else content
    dropped.put(f"incoming/es/{name}", content)
    dropped.take()
    (place,) = {key.rsplit("/", 1)[0] for key in dropped.lying()}
    assert place.startswith("quarantine/")
    assert dropped.get(f"{place}/{name}") == content
    assert told in reasons(dropped)
    assert f"incoming/es/{name}" in reasons(dropped)
    assert dropped.records() == []


def test_an_empty_file_goes_to_quarantine_unseen(dropped: Dropped) -> None:
    dropped.put("incoming/es/empty.mp4", b"")
    dropped.take(reason="It is empty; upload it again.")
    assert dropped.lying("incoming/") == []
    assert "It is empty" in reasons(dropped)


def test_a_file_that_was_mended_while_it_went_to_quarantine_leaves_nothing_there(dropped: Dropped) -> None:
    dropped.put("incoming/es/empty.mp4", b"")
    upload = replace(dropped.upload("incoming/es/empty.mp4"), reason="It is empty; upload it again.")
    dropped.put("incoming/es/empty.mp4", b"no longer")
    with pytest.raises(ChangedError):
        taking.take_one(dropped.tools, dropped.instance, upload)
    assert dropped.lying() == ["incoming/es/empty.mp4"]


def test_a_sidecar_that_is_replaced_while_its_video_is_taken_counts(
    dropped: Dropped, videos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped.put("incoming/es/a.mp4", videos[0])
    dropped.put("incoming/es/a.mp4.yaml", b"mix: {ratio: 4}\n")
    _after_fetch(monkeypatch, lambda: dropped.put("incoming/es/a.mp4.yaml", b"mix: {ratio: 5, attack_ms: 30}\n"))
    upload = dropped.upload("incoming/es/a.mp4")
    with monkeypatch.context() as patched:
        # Read before it was replaced.
        patched.setattr(taking, "asked_for", _first_wish)
        with pytest.raises(ChangedError, match="both are looked at again"):
            taking.take_one(dropped.tools, dropped.instance, upload)
    dropped.take()
    assert dropped.settings(dropped.records()[0].id) == {"mix": {"ratio": 5, "attack_ms": 30}}
    assert dropped.lying("incoming/") == []
    assert dropped.lying("quarantine/") == []


def _first_wish(*_: object) -> tuple[tuple[str, ...], dict[str, dict[str, int]]]:
    return ("es",), {"mix": {"ratio": 4}}


def test_a_mark_beside_the_sidecar_goes_with_them(dropped: Dropped, videos: list[Path]) -> None:
    dropped.put("incoming/es/a.mp4", videos[0])
    for suffix in (".yaml", ".yaml.done", ".done"):
        dropped.put(f"incoming/es/a.mp4{suffix}", b"")
    (upload,) = [taking.UploadConfig.of(one).upload for one in dropped.there()]
    taking.take_one(dropped.tools, dropped.instance, upload)
    assert dropped.lying("incoming/") == []


def test_one_upload_that_cannot_be_taken_stops_none_of_the_others(
    dropped: Dropped, videos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, path in zip("abc", videos, strict=True):
        dropped.put(f"incoming/es/{name}.mp4", path)
    merged: Callable[..., object] = taking.merged_settings

    def defective(*arguments: Any) -> object:
        if "incoming/es/a.mp4" in arguments:
            raise ValueError("a secret")
        return merged(*arguments)

    monkeypatch.setattr(taking, "merged_settings", defective)
    config = taking.TakeConfig(uploads=[taking.UploadConfig.of(one) for one in dropped.there()])
    done = taking.take_uploads.execute_in_process(
        instance=dropped.instance,
        run_config=dg.RunConfig(ops={"take": config}),
        resources={"workshop": dropped.tools},
        raise_on_error=False,
    )
    assert dropped.lying("incoming/") == ["incoming/es/a.mp4"]
    assert {one.sha256 for one in dropped.records()} == {sha(videos[1]), sha(videos[2])}
    (failed,) = [one for one in done.all_node_events if one.is_step_failure]
    told = str(failed.step_failure_data.user_failure_data)
    assert "ValueError" in told
    assert "secret" not in told


def test_a_folder_s_marker_is_left_alone(dropped: Dropped, videos: list[Path]) -> None:
    if dropped.bucket is not None:
        dropped.put("incoming/es/", b"")
    dropped.put("incoming/es/a.mp4", videos[0])
    dropped.take()
    assert dropped.lying("incoming/") == (["incoming/es/"] if dropped.bucket is not None else [])


@pytest.mark.parametrize("name", ["a b, c|d ✨.mp4", "é" * 60 + ".mp4", "#?%20'\"+[1]*.mp4"])
def test_odd_names_become_safe_ids_and_are_kept_in_the_record(dropped: Dropped, videos: list[Path], name: str) -> None:
    dropped.put(f"incoming/es/{name}", videos[0])
    dropped.take()
    (record,) = dropped.records()
    assert record.name == name
    assert record.id.isascii()
    assert not set(record.id) & set("|,. /")
    assert dropped.lying("incoming/") == []


def test_a_key_of_1000_characters_is_taken(dropped: Dropped, videos: list[Path]) -> None:
    key = "incoming/es/" + "/".join(["z" * 240] * 4) + "/" + "k" * 17 + ".mp4"
    assert len(key) == 997
    dropped.put(key, videos[0])
    dropped.take()
    assert [one.requested for one in dropped.records()] == [("es",)]
    assert dropped.lying("incoming/") == []


def test_a_key_overwritten_after_it_was_fetched_is_taken_in_both_versions(
    dropped: Dropped, videos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped.put("incoming/es/a.mp4", videos[0])
    _after_fetch(monkeypatch, lambda: dropped.put("incoming/es/a.mp4", videos[1]))
    dropped.take()
    assert dropped.lying("incoming/") == ["incoming/es/a.mp4"]
    dropped.take()
    assert {one.sha256 for one in dropped.records()} == {sha(videos[0]), sha(videos[1])}
    assert sorted(dropped.lying()) == sorted(f"archive/{sha(one)}" for one in videos[:2])
    assert dropped.get(f"archive/{sha(videos[0])}") == videos[0].read_bytes()


def _after_fetch(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """`act` happens once, when the first fetch has ended."""
    fetch, done = Storage.fetch, list[bool]()

    def fetched_then(self: Storage, *arguments: object) -> str:
        told = fetch(self, *arguments)  # pyright: ignore[reportArgumentType]
        if not done:
            done.append(True)
            act()
        return told

    monkeypatch.setattr(Storage, "fetch", fetched_then)


def test_an_object_deleted_before_it_is_fetched_is_nobody_s_fault(dropped: Dropped, videos: list[Path]) -> None:
    dropped.put("incoming/es/a.mp4", videos[0])
    upload = dropped.upload("incoming/es/a.mp4")
    dropped.tools.storage.delete("incoming/es/a.mp4")
    with pytest.raises(ChangedError):
        taking.take_one(dropped.tools, dropped.instance, upload)
    assert dropped.records() == []
    assert dropped.lying() == []


def test_an_object_deleted_after_it_was_fetched_is_dubbed_all_the_same(
    dropped: Dropped, videos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped.put("incoming/es/a.mp4", videos[0])
    _after_fetch(monkeypatch, lambda: dropped.tools.storage.delete("incoming/es/a.mp4"))
    dropped.take()
    assert [one.requested for one in dropped.records()] == [("es",)]
    assert dropped.get(f"archive/{sha(videos[0])}") == videos[0].read_bytes()


STEPS = (
    (taking, "record_of"),
    (taking, "keep"),
    (taking, "change_layer"),
    (taking, "record_drop"),
    (taking, "register"),
    (Storage, "keep"),
    (Storage, "remove"),
)


@pytest.mark.parametrize(("where", "name"), STEPS, ids=[name for _, name in STEPS])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_taking_that_is_killed_anywhere_is_repeated_to_the_same_effect(
    dropped: Dropped, videos: list[Path], monkeypatch: pytest.MonkeyPatch, where: object, name: str, moment: str
) -> None:
    dropped.put("incoming/es/a.mp4", videos[0])
    dropped.put("incoming/es/a.mp4.yaml", b"mix: {ratio: 5}\ndelivery: {languages: [pt-BR]}\n")
    step: Callable[..., object] = getattr(where, name)

    def killed(*arguments: object, **named: object) -> object:
        if moment == "after":
            step(*arguments, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(where, name, killed)
        with pytest.raises(KeyboardInterrupt):
            dropped.take()
    dropped.take()
    (record,) = dropped.records()
    assert record.requested == ("pt-BR",)
    assert dropped.settings(record.id) == {"mix": {"ratio": 5}}
    assert dropped.lying() == [f"archive/{sha(videos[0])}"]
    assert list(Path(dropped.tools.store.scratch).iterdir()) == []


def test_what_was_fetched_is_removed_when_room_is_needed_and_comes_back_from_the_archive(
    dropped: Dropped, videos: list[Path]
) -> None:
    for number, path in enumerate(videos[:2]):
        dropped.put(f"incoming/es/{number}.mp4", path)
        dropped.take()
    first, second = dropped.video(videos[0]), dropped.video(videos[1])
    assert first is not None
    assert second is not None
    storage = dropped.tools.storage.model_copy(update={"most_bytes": videos[1].stat().st_size + 10})
    assert fetched.make_room(storage, 10, {second.sha256}) == [first.sha256]
    assert not Path(first.path).exists()
    assert Path(second.path).exists()
    fetched.bring_back(dropped.tools.store, dropped.tools.storage, first)
    assert Path(first.path).read_bytes() == videos[0].read_bytes()


def test_an_archive_that_holds_something_else_is_never_dubbed_for_the_video(
    dropped: Dropped, videos: list[Path]
) -> None:
    dropped.put("incoming/es/a.mp4", videos[0])
    dropped.take()
    (record,) = dropped.records()
    Path(record.path).unlink()
    dropped.put(f"archive/{record.sha256}", b"something else")
    with pytest.raises(StorageError, match="another file"):
        fetched.bring_back(dropped.tools.store, dropped.tools.storage, record)
    assert not Path(record.path).exists()


def test_what_failed_is_tried_again_when_it_is_dropped_again(dropped: Dropped, videos: list[Path]) -> None:
    def asked() -> list[str]:
        return [one.partition for one in tick(dropped.tools, dropped.instance, "", now=lambda: 0.0)[0]]

    dropped.put("incoming/es/talk.mp4", videos[0])
    dropped.take()
    (known,) = dropped.records()
    assert asked() == [known.id]
    desired = Judge(dropped.tools).plan(known.id).desired[None]
    ran(dropped.instance, "analyse_video", known.id, desired, dg.DagsterRunStatus.FAILURE)
    assert asked() == []
    dropped.put("incoming/es/talk again.mp4", videos[0])
    dropped.take()
    assert asked() == [known.id]


def test_a_damaged_note_of_one_video_does_not_stop_the_others(dropped: Dropped, videos: list[Path]) -> None:
    for number, path in enumerate(videos[:2]):
        dropped.put(f"incoming/es/talk {number}.mp4", path)
    dropped.take()
    damaged, other = (one.id for one in dropped.records())
    (dropped.tools.store.video_folder(damaged) / "drop" / "drops.json").write_text("{")
    requests, troubles, _ = tick(dropped.tools, dropped.instance, "", now=lambda: 0.0)
    assert [one.partition for one in requests] == [other]
    assert [one.partition(":")[0] for one in troubles] == [damaged]


def test_without_a_storage_a_file_that_is_gone_is_left_to_whoever_reads_it(
    dropped: Dropped, videos: list[Path]
) -> None:
    dropped.put("incoming/es/talk.mp4", videos[0])
    dropped.take()
    (known,) = dropped.records()
    Path(known.path).unlink()
    before = dropped.tools.storage
    none = Storage(url="", fetched=before.fetched, most_bytes=before.most_bytes)
    fetched.bring_back(dropped.tools.store, none, known)
    assert not Path(known.path).exists()
