"""At risk: an upload that is lost, dubbed twice or handed over half, also when processes are killed at any moment.

Dagster's own daemon and code server with a process per run, a bucket over HTTP, fakes for engines. Ten uploads at once
and three kills in the everyday tests; by hand ("make soak") fifty at once, and twenty kills in rounds of ten.
"""

import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
from bucket import serving
from octavia_command import make_octavia
from octavia_fakes import ENGINES
from room import Room, room
from tiny import tiny_videos

from octavia_dag.resources.videos import records

pytestmark = pytest.mark.operators
LANGUAGE = "pt-BR"
ROUND = 10
PER_UPLOAD_S = 60.0
TARGETS = ("worker", "code server", "daemon", "worker", "webserver")


@pytest.fixture(scope="module", params=[pytest.param(50, marks=pytest.mark.soak)])
def many(request: pytest.FixtureRequest, models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Room]:
    count, folder = int(request.param), tmp_path_factory.mktemp("drop")
    videos = tiny_videos(models_dir, folder, count)
    octavia = make_octavia(folder, models_dir, threads=1)
    with serving(folder) as bucket, room(octavia, bucket, folder, ENGINES) as found:
        upload(found, videos)
        found.wait(lambda: found.handed() >= count, 60 + PER_UPLOAD_S * count, f"{count} results")
        found.wait(lambda: not at_work(found), 60, "all to be still")
        yield found


def upload(found: Room, videos: list[Path]) -> None:
    """All at once, as a person does who drags a folder into the browser."""
    with ThreadPoolExecutor(8) as pool:
        keys = [f"incoming/{LANGUAGE}/{path.name}" for path in videos]
        list(pool.map(found.bucket.put, keys, videos))


def at_work(found: Room) -> bool:
    return any(not run.is_finished for run in found.runs())


def uploaded(found: Room) -> list[str]:
    return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in found.folder.glob("tiny*.mp4"))


def whole(found: Room) -> None:
    """What holds for every installation at rest: all taken, all handed over once and whole, nothing left behind."""
    hashes = uploaded(found)
    videos = records(found.tools.store)
    assert sorted(one.sha256 for one in videos) == hashes
    assert found.bucket.all_keys("incoming/") == []
    assert sorted(found.bucket.all_keys("archive/")) == [f"archive/{one}" for one in hashes]
    assert found.bucket.all_keys("quarantine/") == []
    assert found.bucket.all_keys("failed/") == []
    assert found.bucket.unfinished() == []
    results = found.results()
    assert sorted((one["video"], one["language"]) for one in results) == sorted((one.id, LANGUAGE) for one in videos)
    for one in results:
        place = str(one["key"]).removesuffix("result.json")
        for name, file in one["files"].items():
            assert hashlib.sha256(found.bucket.get(place + name)).hexdigest() == file["sha256"]
        assert set(found.bucket.all_keys(place)) == {place + name for name in [*one["files"], "result.json"]}


def test_each_of_many_uploads_at_once_is_handed_over_whole(many: Room) -> None:
    whole(many)


def test_each_of_many_uploads_at_once_is_analysed_and_dubbed_exactly_once(many: Room) -> None:
    for job, keys in (
        ("analyse_video", [one.id for one in records(many.tools.store)]),
        ("dub_video", [f"{LANGUAGE}|{one.id}" for one in records(many.tools.store)]),
    ):
        ran = Counter(run.tags["dagster/partition"] for run in many.runs(job))
        assert ran == dict.fromkeys(keys, 1)
        assert {run.status for run in many.runs(job)} == {dg.DagsterRunStatus.SUCCESS}


def test_each_of_many_uploads_at_once_is_separated_and_translated_exactly_once(many: Room) -> None:
    count = len(uploaded(many))
    calls = Path(f"{many.octavia.control}.calls").read_text().splitlines()
    assert sum(line.startswith("FakeTranslator ") for line in calls) == count


@pytest.fixture(scope="module", params=[(1, 3), pytest.param((4, 20), marks=pytest.mark.soak)])
def killed(
    request: pytest.FixtureRequest, models_dir: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Room]:
    rounds, kills = request.param
    folder, chance = tmp_path_factory.mktemp("killed"), random.Random(4)
    octavia = make_octavia(folder, models_dir, threads=1)
    videos = tiny_videos(models_dir, folder, rounds * ROUND)
    with serving(folder) as bucket, room(octavia, bucket, folder, ENGINES) as found:
        if kills >= len(TARGETS):
            found.start("webserver")
        done = 0
        for number in range(rounds):
            before, share = finished(found), kills * (number + 1) // rounds - done
            upload(found, videos[number * ROUND : (number + 1) * ROUND])
            for turn in range(share):  # spread over the round: it takes an analysis and a dub for each upload
                reached = before + 2 * ROUND * turn // share
                found.wait(lambda n=reached: finished(found) >= n, 300 + PER_UPLOAD_S * ROUND, "the next kill")
                found.wait(passed(chance.uniform(2.0, 8.0)), 60, "time to pass")
                target = TARGETS[done % len(TARGETS)]
                found.wait(lambda name=target: found.kill(name), 120, f"a {target} to kill")
                done += 1
            expected = (number + 1) * ROUND
            found.wait(lambda n=expected: found.handed() >= n, 300 + PER_UPLOAD_S * ROUND, f"{expected} results")
        found.wait(lambda: not at_work(found), 300, "all to be still")
        yield found


def finished(found: Room) -> int:
    return sum(run.status is dg.DagsterRunStatus.SUCCESS for run in found.runs())


def passed(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def test_nothing_is_lost_doubled_or_half_written_when_processes_are_killed(killed: Room) -> None:
    whole(killed)


def test_a_dub_that_was_finished_is_not_made_again_because_of_a_kill(killed: Room) -> None:
    ended = Counter(
        run.tags["dagster/partition"] for run in killed.runs("dub_video") if run.status is dg.DagsterRunStatus.SUCCESS
    )
    assert set(ended.values()) == {1}


def test_no_scratch_is_left_by_killed_processes(killed: Room) -> None:
    assert list(Path(killed.tools.store.scratch).glob("*")) == []
