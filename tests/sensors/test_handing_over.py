"""At risk: a result that is announced before it is whole, a held dub that gets out, a failure that nobody hears of."""

import hashlib
import json
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dropped import Dropped, make_dropped

from octavia_dag.assets.drops import record_drop
from octavia_dag.errors import InputError, StorageError
from octavia_dag.resources.artifacts import Artifact, Manifest, data_version, stored_files
from octavia_dag.resources.storage import Storage
from octavia_dag.resources.videos import VideoRecord, save
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import Document, Drop, FinalMux, Measure, QaReport
from octavia_dag.sensors import handing_over
from octavia_dag.sensors.automation import DESIRED_TAG
from octavia_dag.sensors.delivering import delivering_sensor, marks_of, tick
from octavia_dag.sensors.handing_over import DeliverConfig, DubConfig, hand_over
from octavia_dag.sensors.taking import in_use

VIDEO, TAG = "talk-1a2b3c4d", "es"
GOOD, BAD = "delivered/talk-1a2b3c4d/es/", "held/talk-1a2b3c4d/es/"
FAILED = "failed/talk-1a2b3c4d/es.json"


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.operators)])
def dropped(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Dropped]:
    bucket = request.getfixturevalue("fresh_bucket") if request.param == "bucket" else None
    # What a page shows needs a whole dub, and is tested where there is one (test_drop_dub.py).
    monkeypatch.setattr(handing_over, "write_report", _page)
    with dg.DagsterInstance.ephemeral() as instance:
        found = make_dropped(tmp_path, str(tmp_path), instance, bucket)
        save(found.tools.store, VideoRecord(id=VIDEO, name="Talk.mp4", path="", sha256="1a2b3c4d", size=1))
        drop = Drop(key="incoming/es/Talk.mp4", version="v", etag="e", size=1, when="now", languages=("es",))
        record_drop(found.tools.store, VIDEO, drop)
        yield found


def _page(tools: Workshop, video: str, language: str, path: Path, report: Artifact) -> None:
    assert report.manifest.asset == "qa_report"
    path.write_bytes(b"<html></html>")


def make(dropped: Dropped, asset: str, document: Document, files: dict[str, bytes], inputs: dict[str, str]) -> str:
    """Publishes an artifact as a step does, and returns its data version."""
    store = dropped.tools.store
    with store.workspace() as folder:
        for name, content in files.items():
            (folder / name).write_bytes(content)
        stored = stored_files(folder)
        version = data_version(document, stored)
        manifest = Manifest(
            asset=asset,
            video=VIDEO,
            language=TAG,
            key=hashlib.sha256(f"{asset}{version}{inputs}".encode()).hexdigest(),
            data_version=version,
            code_version="1",
            inputs=inputs,
            settings={},
            engines={},
            counts={},
            seconds=1.0,
            files=stored,
            busy_seconds=1.0,
        )
        store.point(store.publish(folder, document, manifest))
    return version


def finish(dropped: Dropped, content: bytes, *, broken: bool = False, subtitles: bool = True) -> None:
    """A dub and its report."""
    names = ("dub.srt", "dub.vtt") if subtitles else ()
    mux = FinalMux(
        video="dub.mp4", srt=names[0] if names else None, vtt=names[1] if names else None, language_tag="es", seconds=1
    )
    version = make(dropped, "final_mux", mux, {"dub.mp4": content, **dict.fromkeys(names, b"1")}, {})
    measure = Measure(name="bed", value=0.0, unit="dB", limit="1", ok=not broken)
    report = QaReport(
        video=VIDEO, language=TAG, nothing_to_dub=False, measures=(measure,), lines=(), flags=("bed: 0 dB",)
    )
    make(dropped, "qa_report", report, {"qa_report.json": report.model_dump_json().encode()}, {"final_mux": version})


def run(dropped: Dropped, sentence: str | None, *, desired: str = "d", killed: bool = False) -> str:
    """A run of the dub's job that fails with a sentence, or succeeds; returns its id."""

    @dg.op
    def step() -> None:
        if sentence is not None:
            raise dg.Failure(sentence)

    @dg.job(name="dub_video")
    def job() -> None:
        step()

    tags = {"dagster/partition": f"{TAG}|{VIDEO}", DESIRED_TAG: desired}
    if killed:
        made = dropped.instance.create_run_for_job(job, tags=tags)
        dropped.instance.report_run_failed(made)
        return made.run_id
    return job.execute_in_process(instance=dropped.instance, tags=tags, raise_on_error=False).run_id


def over(dropped: Dropped) -> str | None:
    return hand_over(dropped.tools, dropped.instance, VIDEO, TAG)


def result(dropped: Dropped, place: str = GOOD) -> dict[str, Any]:
    return json.loads(dropped.get(f"{place}result.json"))


def test_a_finished_dub_is_delivered_with_hashes_that_fit(dropped: Dropped) -> None:
    finish(dropped, b"the dub")
    assert over(dropped) == "deliver"
    told = result(dropped)
    assert (told["state"], told["video"], told["language"]) == ("delivered", VIDEO, TAG)
    assert told["dropped_as"] == ["incoming/es/Talk.mp4"]
    names = ["qa_report.html", "qa_report.json", f"{VIDEO}.es.mp4", f"{VIDEO}.es.srt", f"{VIDEO}.es.vtt"]
    assert sorted(told["files"]) == names
    assert dropped.lying() == sorted(GOOD + name for name in [*names, "result.json"])
    for name, file in told["files"].items():
        content = dropped.get(GOOD + name)
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["size"], file["sha256"])
    assert dropped.get(f"{GOOD}{VIDEO}.es.mp4") == b"the dub"


def test_nothing_is_handed_over_twice_and_what_was_fetched_away_is_not_sent_again(dropped: Dropped) -> None:
    finish(dropped, b"the dub")
    over(dropped)
    for key in dropped.lying():
        dropped.tools.storage.delete(key)
    assert over(dropped) is None
    assert dropped.lying() == []


def test_a_dub_that_breaks_a_promise_is_held_with_the_sentence_and_delivered_when_it_is_mended(
    dropped: Dropped,
) -> None:
    finish(dropped, b"bad", broken=True)
    assert over(dropped) == "hold"
    assert dropped.lying("delivered/") == []
    assert result(dropped, BAD)["state"] == "held"
    assert "bed" in result(dropped, BAD)["broken_promises"][0]
    finish(dropped, b"good")
    assert over(dropped) == "deliver"
    assert dropped.lying("held/") == []
    assert result(dropped)["broken_promises"] == []


def test_a_dub_that_got_worse_is_held_and_the_delivered_one_stays(dropped: Dropped) -> None:
    finish(dropped, b"good")
    over(dropped)
    finish(dropped, b"bad", broken=True)
    assert over(dropped) == "hold"
    assert dropped.get(f"{GOOD}{VIDEO}.es.mp4") == b"good"
    assert dropped.get(f"{BAD}{VIDEO}.es.mp4") == b"bad"


def test_an_updated_dub_replaces_the_delivered_one_and_leaves_none_of_its_files(dropped: Dropped) -> None:
    finish(dropped, b"first")
    over(dropped)
    finish(dropped, b"second", subtitles=False)
    assert over(dropped) == "deliver"
    assert dropped.get(f"{GOOD}{VIDEO}.es.mp4") == b"second"
    assert dropped.lying() == sorted(GOOD + name for name in [*result(dropped)["files"], "result.json"])


def test_a_dub_that_is_held_is_not_delivered_by_being_finished_while_another_one_is_delivered(
    dropped: Dropped, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(dropped, b"good")
    found: Callable[..., object] = handing_over._found  # pyright: ignore[reportPrivateUsage]

    def late(*arguments: Any) -> object:
        told = found(*arguments)
        finish(dropped, b"bad", broken=True)  # between the verdict and the delivery
        return told

    with monkeypatch.context() as patched:
        patched.setattr(handing_over, "_found", late)
        assert over(dropped) == "deliver"
    assert dropped.get(f"{GOOD}{VIDEO}.es.mp4") == b"good"
    assert json.loads(dropped.get(f"{GOOD}qa_report.json"))["measures"][0]["ok"]
    assert over(dropped) == "hold"
    assert dropped.get(f"{BAD}{VIDEO}.es.mp4") == b"bad"


def test_a_dub_is_delivered_without_its_page_where_that_cannot_be_written(
    dropped: Dropped, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise InputError("Its file is gone; put it back.")

    monkeypatch.setattr(handing_over, "write_report", gone)
    finish(dropped, b"the dub")
    assert over(dropped) == "deliver"
    told = result(dropped)
    assert told["no_page"] == "Its file is gone; put it back."
    assert "qa_report.html" not in told["files"]
    assert dropped.lying() == sorted(GOOD + name for name in [*told["files"], "result.json"])
    assert dropped.get(f"{GOOD}{VIDEO}.es.mp4") == b"the dub"


def test_another_storage_gets_what_the_first_one_got(dropped: Dropped, tmp_path: Path) -> None:
    finish(dropped, b"the dub")
    over(dropped)
    cursor = settled(dropped)
    (tmp_path / "second/incoming").mkdir(parents=True)
    before = dropped.tools.storage
    second = Storage(url=str(tmp_path / "second"), fetched=before.fetched, most_bytes=before.most_bytes)
    moved = Dropped(dropped.tools.model_copy(update={"storage": second}), dropped.instance, tmp_path / "second", None)
    assert tick(moved.tools, moved.instance, cursor)[0] == [(VIDEO, TAG)]
    assert over(moved) == "deliver"
    assert moved.get(f"{GOOD}{VIDEO}.es.mp4") == b"the dub"
    assert over(moved) is None


def settled(dropped: Dropped) -> str:
    """The cursor of a tick that found nothing to do."""
    wanted, _, cursor = tick(dropped.tools, dropped.instance, "")
    assert wanted == []
    return cursor


def test_a_report_of_an_earlier_deliverable_delivers_nothing(dropped: Dropped) -> None:
    finish(dropped, b"first")
    mux = FinalMux(video="dub.mp4", srt=None, vtt=None, language_tag="es", seconds=1)
    make(dropped, "final_mux", mux, {"dub.mp4": b"second"}, {})
    assert over(dropped) is None


def test_a_failed_run_is_told_in_its_own_sentence_and_once(dropped: Dropped) -> None:
    run_id = run(dropped, "Dubbing talk into es is not possible; choose another language.")
    assert over(dropped) == "fail"
    told = json.loads(dropped.get(FAILED))
    assert told["sentence"] == "Dubbing talk into es is not possible; choose another language."
    assert (told["state"], told["run"]) == ("failed", run_id)
    assert over(dropped) is None


def test_a_failure_is_gone_when_there_is_a_dub(dropped: Dropped) -> None:
    run(dropped, "No.")
    over(dropped)
    run(dropped, None)
    finish(dropped, b"the dub")
    assert over(dropped) == "deliver"
    assert dropped.lying("failed/") == []


def test_a_failure_after_a_dub_that_is_mended_to_the_same_dub_is_gone_too(dropped: Dropped) -> None:
    finish(dropped, b"the dub")
    over(dropped)
    run(dropped, "No.", desired="other")
    assert over(dropped) == "fail"
    run(dropped, None)
    assert over(dropped) == "clear"
    assert dropped.lying("failed/") == []
    assert over(dropped) is None


def test_a_run_that_was_killed_is_no_failure_until_it_is_given_up(dropped: Dropped) -> None:
    for _ in range(4):
        run(dropped, None, killed=True)
        assert over(dropped) is None
    run(dropped, None, killed=True)
    assert over(dropped) == "fail"
    assert "was killed" in json.loads(dropped.get(FAILED))["sentence"]


@pytest.mark.parametrize("broken_at", range(7))
def test_a_result_never_stands_beside_files_that_are_not_its_own(
    dropped: Dropped, monkeypatch: pytest.MonkeyPatch, broken_at: int
) -> None:
    finish(dropped, b"first")
    over(dropped)
    finish(dropped, b"second")
    with monkeypatch.context() as patched:
        _killed_after(patched, broken_at)
        with pytest.raises(KeyboardInterrupt):
            over(dropped)
    if f"{GOOD}result.json" in dropped.lying():
        _whole(dropped)
    assert over(dropped) == "deliver"
    _whole(dropped)
    assert dropped.get(f"{GOOD}{VIDEO}.es.mp4") == b"second"


def _whole(dropped: Dropped) -> None:
    for name, file in result(dropped)["files"].items():
        assert hashlib.sha256(dropped.get(GOOD + name)).hexdigest() == file["sha256"]


def _killed_after(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """The process ends after so many writes and removals."""
    done: list[str] = []

    def counted(name: str) -> Callable[..., object]:
        step: Callable[..., object] = getattr(Storage, name)

        def act(*arguments: object) -> object:
            if len(done) >= count:
                raise KeyboardInterrupt
            done.append(name)
            return step(*arguments)

        return act

    for name in ("put", "write", "delete"):
        monkeypatch.setattr(Storage, name, counted(name))


def test_a_storage_that_cannot_be_reached_leaves_the_dub_to_be_handed_over_later(
    dropped: Dropped, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(dropped, b"the dub")

    def unreachable(*_: object) -> None:
        raise StorageError("not now")

    with monkeypatch.context() as patched:
        patched.setattr(Storage, "put", unreachable)
        with pytest.raises(StorageError):
            over(dropped)
    assert tick(dropped.tools, dropped.instance, "")[0] == [(VIDEO, TAG)]


def test_a_tick_finds_what_is_new_and_passes_over_what_is_settled(dropped: Dropped) -> None:
    wanted, _, cursor = tick(dropped.tools, dropped.instance, "")
    assert wanted == []
    finish(dropped, b"the dub")
    assert tick(dropped.tools, dropped.instance, cursor)[0] == [(VIDEO, TAG)]
    over(dropped)
    wanted, _, cursor = tick(dropped.tools, dropped.instance, cursor)
    assert wanted == []
    run(dropped, "No.", desired="other")
    assert tick(dropped.tools, dropped.instance, cursor)[0] == [(VIDEO, TAG)]


def test_what_cannot_be_handed_over_keeps_nobody_out_and_is_asked_for_later_and_later(dropped: Dropped) -> None:
    store = dropped.tools.store
    finish(dropped, b"the dub")
    hopeless = [f"a{number:02}-{number:08}" for number in range(25)]
    for video in hopeless:
        shutil.copytree(store.video_folder(VIDEO), store.video_folder(video))
    cursor, asked = "", list[str]()
    for number in range(3):
        wanted, _, cursor = tick(dropped.tools, dropped.instance, cursor, now=lambda n=number: 1000.0 + 10 * n)
        asked += [video for video, _ in wanted]
    assert VIDEO in asked
    assert set(asked) == {*hopeless, VIDEO}
    ticks = [tick(dropped.tools, dropped.instance, cursor, now=lambda n=n: 1030.0 + n)[0] for n in (0, 3600)]
    assert len(ticks[0]) < len(ticks[1]) == 20


def test_a_damaged_note_of_one_video_does_not_stop_the_others_and_is_read_again_later(dropped: Dropped) -> None:
    finish(dropped, b"the dub")
    store = dropped.tools.store
    shutil.copytree(store.video_folder(VIDEO), store.video_folder("a-12345678"))
    (store.video_folder("a-12345678") / "drop" / "drops.json").write_text("{")
    wanted, troubles, cursor = tick(dropped.tools, dropped.instance, "", now=lambda: 1000.0)
    assert (wanted, len(troubles)) == ([(VIDEO, TAG)], 1)
    assert tick(dropped.tools, dropped.instance, cursor, now=lambda: 1001.0)[1] == []
    assert len(tick(dropped.tools, dropped.instance, cursor, now=lambda: 1060.0)[1]) == 1


def test_while_the_storage_is_away_no_delivery_is_asked_for(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        found = make_dropped(tmp_path, str(tmp_path), instance, None)
        save(found.tools.store, VideoRecord(id=VIDEO, name="Talk.mp4", path="", sha256="1a2b3c4d", size=1))
        drop = Drop(key="incoming/es/Talk.mp4", version="v", etag="e", size=1, when="now", languages=("es",))
        record_drop(found.tools.store, VIDEO, drop)
        finish(found, b"the dub")
        assert found.root is not None
        found.root.rename(tmp_path / "elsewhere")
        skipped = evaluate(found)
        assert isinstance(skipped, dg.SkipReason)
        assert "is not possible now" in str(skipped.skip_message)
        (tmp_path / "elsewhere").rename(found.root)
        assert isinstance(evaluate(found), dg.SensorResult)


def evaluate(dropped: Dropped) -> object:
    """One tick of the sensor itself."""
    sensor = delivering_sensor(handing_over.deliver_dubs)
    with dg.build_sensor_context(instance=dropped.instance, resources={"workshop": dropped.tools}) as context:
        return sensor(context)


def test_a_video_whose_delivery_is_at_work_is_not_what_makes_room(dropped: Dropped) -> None:
    config = dg.RunConfig(ops={"deliver": DeliverConfig(dubs=[DubConfig(video=VIDEO, language=TAG)])})
    assert in_use(dropped.tools, dropped.instance) == set()
    dropped.instance.create_run_for_job(
        handing_over.deliver_dubs, run_config=config.to_config_dict(), status=dg.DagsterRunStatus.STARTED
    )
    assert in_use(dropped.tools, dropped.instance) == {"1a2b3c4d"}


def test_a_video_that_was_never_dropped_is_not_looked_at(dropped: Dropped) -> None:
    save(dropped.tools.store, VideoRecord(id="other-1a2b3c4e", name="o", path="", sha256="1a2b3c4e", size=1))
    assert list(marks_of(Path(dropped.tools.store.root), "")) == [VIDEO]
