"""At risk: a run that waits for ever for the step of a worker that died, or a step that two workers take.

Three videos step by step: the run is looked after beside the daemon, its steps are worked on by two Celery workers, one
of which is killed in the middle.
"""

from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from fleet_room import LANGUAGES, WORKERS, Fleet, fleet_room
from octavia_command import make_octavia
from octavia_fakes import ENGINES
from tiny import tiny_videos

pytestmark = [pytest.mark.fleet, pytest.mark.soak]
COUNT = 3
PER_RUN_S = 150.0


@dataclass(frozen=True)
class Stepped:
    fleet: Fleet
    videos: list[Path]


@pytest.fixture(scope="module")
def stepped(models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Stepped]:
    folder = tmp_path_factory.mktemp("steps")
    videos = tiny_videos(models_dir, folder, COUNT)
    settings = {**ENGINES, "engines": {"compute": "local"}}
    runs = COUNT * (1 + len(LANGUAGES))
    with fleet_room(make_octavia(folder, models_dir, threads=1), folder, settings, steps="celery") as fleet:
        fleet.drop(videos)
        fleet.wait(lambda: fleet.ended() >= 2, PER_RUN_S * runs, "two runs")
        fleet.kill(WORKERS[0])
        fleet.wait(lambda: fleet.handed() >= COUNT * len(LANGUAGES), PER_RUN_S * runs, "everything to be handed over")
        fleet.wait(lambda: all(run.is_finished for run in fleet.runs()), 240, "all runs to be over")
        yield Stepped(fleet, videos)


def test_every_deliverable_exists_exactly_once_and_whole(stepped: Stepped) -> None:
    stepped.fleet.whole(stepped.videos)


def test_the_steps_were_worked_on_by_the_workers_and_both_had_some(stepped: Stepped) -> None:
    logs = [(stepped.fleet.folder / f"{name}.log").read_text() for name in WORKERS]
    assert all("STEP_SUCCESS" in log for log in logs)
    beside = (stepped.fleet.folder / "code server.log").read_text()
    assert not [line for line in beside.splitlines() if "STEP_START" in line and "dub_video" in line]


def test_no_step_succeeded_twice(stepped: Stepped) -> None:
    with stepped.fleet.instance() as instance:
        for run in stepped.fleet.runs("dub_video"):
            records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_SUCCESS).records
            steps = Counter(one.event_log_entry.step_key for one in records)
            assert set(steps.values()) <= {1}, steps
