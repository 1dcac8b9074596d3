"""At risk: a bucket that does not answer and is taken for an empty one, a tick that costs what was handled long ago, a
run that is asked for twice or never.
"""

import base64
import time
import zlib
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from bucket import CREDENTIALS, Bucket, Way, free_port, way_to
from dropped import Dropped, make_dropped

from octavia_dag.assets.drops import record_drop
from octavia_dag.dubbing.dropping import Listed, Seen, decide
from octavia_dag.resources.storage import Storage
from octavia_dag.resources.videos import VideoRecord, save
from octavia_dag.schema import Drop
from octavia_dag.sensors import delivering
from octavia_dag.sensors.automation import Marks
from octavia_dag.sensors.delivering import marks_of
from octavia_dag.sensors.drop_folder import drop_folder_sensor, read_cursor, request, tick, written
from octavia_dag.sensors.taking import TakeConfig, take_uploads


@pytest.fixture
def way(server: Bucket, monkeypatch: pytest.MonkeyPatch) -> Generator[Way]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with way_to(server) as found:
        yield found


@pytest.fixture
def dropped(tmp_path: Path) -> Generator[Dropped]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield make_dropped(tmp_path, str(tmp_path), instance, None)


def over(dropped: Dropped, bucket: Bucket) -> Dropped:
    """The same installation with a bucket for its storage."""
    before = dropped.tools.storage
    told = {"endpoint": bucket.endpoint, "region": "us-east-1"}
    storage = Storage(url=bucket.url, fetched=before.fetched, most_bytes=before.most_bytes, **told)
    return Dropped(dropped.tools.model_copy(update={"storage": storage}), dropped.instance, None, bucket)


def evaluate(dropped: Dropped, cursor: str = "") -> tuple[dg.SensorResult | dg.SkipReason, str]:
    """One tick of the sensor itself, and its cursor afterwards."""
    sensor = drop_folder_sensor(take_uploads)
    with dg.build_sensor_context(
        instance=dropped.instance, cursor=cursor, resources={"workshop": dropped.tools}
    ) as context:
        found: Any = sensor(context)
        return found, (getattr(found, "cursor", None) or context.cursor or "")


def test_an_upload_becomes_one_run_request_that_names_it_with_its_etag(dropped: Dropped) -> None:
    dropped.put("incoming/es/talk.mp4", b"x")
    _, cursor = tick(dropped.tools, dropped.instance, "", 100.0)
    found, _ = tick(dropped.tools, dropped.instance, cursor, 140.0)
    asked = request(found)
    assert found.take[0].video.etag in str(asked.run_key)
    config = asked.run_config["ops"]["take"]["config"]
    (back,) = TakeConfig(**config).uploads
    assert back.upload == found.take[0]


def test_the_first_tick_says_what_it_waits_for(dropped: Dropped) -> None:
    dropped.put("incoming/es/talk.mp4", b"x")
    found, cursor = evaluate(dropped)
    assert isinstance(found, dg.SkipReason)
    assert "talk.mp4: may still be on its way" in str(found.skip_message)
    assert len(read_cursor(cursor)) == 1


def test_a_folder_that_is_gone_is_a_reason_and_the_cursor_stays(dropped: Dropped) -> None:
    dropped.put("incoming/es/talk.mp4", b"x")
    _, cursor = evaluate(dropped)
    assert dropped.root is not None
    dropped.root.rename(dropped.root.with_name("elsewhere"))
    found, after = evaluate(dropped, cursor)
    assert isinstance(found, dg.SkipReason)
    assert "Listing incoming/" in str(found.skip_message)
    assert after == cursor


def test_while_a_taking_is_at_work_nothing_more_is_asked_for(dropped: Dropped) -> None:
    dropped.put("incoming/es/talk.mp4", b"x")
    _, cursor = tick(dropped.tools, dropped.instance, "", 100.0)
    config = {"ops": {"take": {"config": {"uploads": []}}}}
    dropped.instance.create_run_for_job(take_uploads, run_config=config, status=dg.DagsterRunStatus.STARTED)
    found, _ = tick(dropped.tools, dropped.instance, cursor, 140.0)
    assert found.take == ()


def test_a_tick_that_is_repeated_after_a_restart_asks_under_the_same_run_key(dropped: Dropped) -> None:
    dropped.put("incoming/es/talk.mp4", b"x")
    _, cursor = tick(dropped.tools, dropped.instance, "", 100.0)
    keys = {tick(dropped.tools, dropped.instance, cursor, now)[0].run_key for now in (140.0, 145.0)}
    assert len(keys) == 1


def test_the_cursor_comes_back_as_it_was_and_a_damaged_one_begins_anew() -> None:
    state = {"a": Seen("s", 1.5, 2, 3.5)}
    assert read_cursor(written(state)) == state
    pressed = [base64.b64encode(zlib.compress(text)).decode() for text in (b"[]", b"{", b'{"a": 1}', b'{"a": []}')]
    assert [read_cursor(text) for text in ("", "{}", "e30=", *pressed)] == [{}] * 7


def test_ten_thousand_objects_that_wait_make_a_cursor_of_a_moderate_size() -> None:
    listing = [Listed(f"incoming/es/{number}.mp4", number, f"{number:032x}", 1.0) for number in range(10_000)]
    state = decide(listing, {}, prefix="incoming/", now=1764082000.123456, settle_s=5, busy=True).state
    assert len(written(state)) < 300 << 10
    assert read_cursor(written(state)) == state


@pytest.mark.operators
def test_a_bucket_that_is_unreachable_for_a_while_loses_nothing(dropped: Dropped, way: Way) -> None:
    there = over(dropped, way.bucket)
    there.put("incoming/es/talk.mp4", b"x")
    _, cursor = evaluate(there)
    dead = over(dropped, Bucket(f"http://127.0.0.1:{free_port()}"))
    found, after = evaluate(dead, cursor)
    assert isinstance(found, dg.SkipReason)
    assert "Listing incoming/ of s3://dubs" in str(found.skip_message)
    assert after == cursor
    asked, _ = tick(there.tools, there.instance, after, time.time() + 10)
    assert [one.video.key for one in asked.take] == ["incoming/es/talk.mp4"]


@pytest.mark.operators
def test_a_bucket_that_only_throttles_is_a_reason_too(dropped: Dropped, way: Way) -> None:
    way.refuse = lambda method, path: 503
    found, _ = evaluate(over(dropped, way.bucket))
    assert isinstance(found, dg.SkipReason)
    assert "Listing incoming/" in str(found.skip_message)


@pytest.fixture(params=[500, pytest.param(10_000, marks=pytest.mark.soak)])
def handled(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.mark.operators
def test_a_tick_costs_what_is_new_and_not_what_was_handled(dropped: Dropped, server: Bucket, handled: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        for name, value in CREDENTIALS.items():
            patched.setenv(name, value)
        there = over(dropped, server)
        _tick_with_ten(there, "warm")
        first = _tick_with_ten(there, "first")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(server.put, [f"archive/{number:064x}" for number in range(handled)], [b"x"] * handled))
        later = _tick_with_ten(there, "later")
    told(first, later, f"{handled} handled objects")
    assert later <= 2.0
    assert later <= max(2 * first, first + 0.3), "more than twice the first, beyond the noise of a busy machine"


@pytest.mark.operators
def test_a_tick_of_the_delivery_only_glances_at_what_was_delivered(dropped: Dropped, handled: int) -> None:
    _delivery_of_ten(dropped, 0)
    first = _delivery_of_ten(dropped, 10)
    for number in range(20, 20 + handled):
        _known(dropped, number)
    store = Path(dropped.tools.store.root)
    Marks(
        store / "delivering.json", marks_of(store, dropped.tools.storage.address)
    ).write()  # all of them are delivered
    later = _delivery_of_ten(dropped, 20 + handled)
    told(first, later, f"{handled} delivered videos")
    assert later <= 2.0  # two times of change for each of them


def told(first: float, later: float, what: str) -> None:
    print(f"a tick with 10 new ones: first {first:.3f} s, after {what} {later:.3f} s")  # noqa: T201 - figures of soak


def _known(dropped: Dropped, number: int) -> str:
    """A video that was dropped, as the store holds it."""
    video = f"talk-{number:08x}"
    save(dropped.tools.store, VideoRecord(id=video, name="t", path="", sha256=f"{number:08x}", size=1))
    drop = Drop(key=f"incoming/es/{number}", version="v", etag="e", size=1, when="now", languages=("es",))
    record_drop(dropped.tools.store, video, drop)
    return video


def _delivery_of_ten(dropped: Dropped, start: int) -> float:
    """Seconds of the tick of the delivery that looks at ten new videos."""
    for number in range(start, start + 10):
        _known(dropped, number)
    begun = time.perf_counter()
    delivering.tick(dropped.tools, dropped.instance, "")
    spent = time.perf_counter() - begun
    assert len(Marks.read(Path(dropped.tools.store.root), "delivering.json").seen) == start + 10
    return spent


def _tick_with_ten(there: Dropped, name: str) -> float:
    """Seconds of the tick that asks for ten new objects; they are handled afterwards."""
    for number in range(10):
        there.put(f"incoming/es/{name}{number}.mp4", b"x")
    _, cursor = tick(there.tools, there.instance, "", 100.0)
    begun = time.perf_counter()
    found, _ = tick(there.tools, there.instance, cursor, 110.0)
    spent = time.perf_counter() - begun
    mine = [one.video for one in found.take if one.video.name.startswith(name)]
    assert len(mine) == 10
    for one in mine:
        there.tools.storage.keep(one, f"archive/{one.name}")
        assert there.tools.storage.remove(one)
    return spent
