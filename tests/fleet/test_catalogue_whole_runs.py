"""At risk: a night's catalogue in which a deliverable is lost, doubled or wrong because a part of the fleet died.

Ten videos into two languages as whole runs, on two Celery workers and, after half of it, on the pods of a provider that
loses, repeats and refuses. Meanwhile a worker, the daemon, the webserver, Redis and Postgres are killed. By hand ("make
soak") five rounds of forty.
"""

import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fleet_room import LANGUAGES, Fleet, fleet_room
from octavia_command import make_octavia
from octavia_fakes import ENGINES
from tiny import tiny_videos

from octavia_dag.fleet.routing import LAUNCHER_TAG

pytestmark = pytest.mark.fleet
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
