"""At risk: a night's catalogue in which a deliverable is lost, doubled or wrong because a part of the fleet died.

Ten videos into two languages as whole runs, on two Celery workers and, after half of it, on the pods of a provider that
loses, repeats and refuses. Meanwhile a worker, the daemon, the webserver, Redis and Postgres are killed. By hand ("make
soak"), also five rounds of forty.
"""

import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
import yaml
from fleet_room import LANGUAGES, Fleet, fleet_room
from octavia_command import make_octavia
from octavia_fakes import ENGINES
from tiny import tiny_videos

from octavia_dag.fleet.routing import LAUNCHER_TAG
from octavia_dag.graph import ENGINES as POOL
from octavia_dag.resources.media import Media
from octavia_dag.resources.mux import packet_md5

pytestmark = [pytest.mark.fleet, pytest.mark.soak]
KILLED = ("worker 1", "daemon", "webserver", "redis", "postgres")
FAULTS: tuple[str, ...] = ("429", "500", "twice", "lost", "", "garbled", "429", "429", "", "dropped")
PER_RUN_S = 40.0


@dataclass(frozen=True)
class Night:
    fleet: Fleet
    videos: list[Path]
    took_s: float


@pytest.fixture(
    scope="module", params=[10, *(pytest.param(40, marks=pytest.mark.soak, id=f"40-{n}") for n in range(5))]
)
def night(
    request: pytest.FixtureRequest, models_dir: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Night]:
    count, folder = int(request.param), tmp_path_factory.mktemp("fleet")
    videos = tiny_videos(models_dir, folder, count)
    settings = {**ENGINES, "engines": {"compute": "cpu"}}
    begun = time.monotonic()
    with fleet_room(make_octavia(folder, models_dir, threads=1), folder, settings) as fleet:
        fleet.provider.faults = list(FAULTS) * (count // 10)
        fleet.drop(videos)
        runs = count * (1 + len(LANGUAGES))
        for number, name in enumerate(KILLED, 1):
            if number == 3:
                fleet.compute("gpu")
            wanted = runs * number // (len(KILLED) + 2)
            fleet.wait(lambda wanted=wanted: fleet.ended() >= wanted, 120 + PER_RUN_S * runs, f"{wanted} runs")
            fleet.kill(name)
        fleet.wait(
            lambda: fleet.handed() >= count * len(LANGUAGES), 120 + PER_RUN_S * runs, "everything to be handed over"
        )
        fleet.wait(lambda: all(run.is_finished for run in fleet.runs()), 240, "all runs to be over")
        yield Night(fleet, videos, time.monotonic() - begun)


def test_every_deliverable_exists_exactly_once_and_whole(night: Night) -> None:
    night.fleet.whole(night.videos)


def test_both_kinds_of_workers_had_their_share(night: Night) -> None:
    launched = {run.tags.get(LAUNCHER_TAG) for job in ("analyse_video", "dub_video") for run in night.fleet.runs(job)}
    assert launched == {"cpu", "gpu"}
    assert night.fleet.provider.submissions > len(FAULTS)


def test_what_was_made_on_many_machines_is_what_one_makes(night: Night, models_dir: str, tmp_path: Path) -> None:
    video = night.videos[-1]
    settings = tmp_path / "fakes.yaml"
    settings.write_text(yaml.safe_dump(ENGINES))
    alone, out = make_octavia(tmp_path / "alone", models_dir, threads=1), tmp_path / "out"
    to = [word for tag in LANGUAGES for word in ("--to", tag)]
    done = alone("dub", video, *to, "--out", out, "--settings", settings)
    assert done.returncode == 0, done.stderr
    media = Media(models_dir=models_dir)
    delivered = {
        one["language"]: one["folder"] for one in night.fleet.results() if str(one["video"]).startswith(video.stem)
    }
    for tag in LANGUAGES:
        (one,) = delivered[tag].glob("*.mp4")
        for track in ("v:0", "a:0"):
            assert packet_md5(media, one, track) == packet_md5(media, out / f"{video.stem}.{tag}.mp4", track)


def test_no_place_in_the_queue_is_held_by_what_is_over(night: Night) -> None:
    with night.fleet.instance() as instance:
        held = instance.event_log_storage.get_concurrency_info(POOL)
        assert (held.active_slot_count, held.pending_step_count, held.assigned_step_count) == (0, 0, 0)
        assert instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])) == 0


def test_the_database_is_asked_over_few_connections(night: Night) -> None:
    """Postgres allows 100 by default; two workers, pods for two runs more, and the three services are at work here."""
    assert 0 < night.fleet.most_connections <= 40
