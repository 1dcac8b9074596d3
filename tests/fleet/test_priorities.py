"""At risk: somebody who waits for one video behind three hundred, or behind ten thousand of another customer.

By hand ("make soak"): the daemon, two Celery workers, one video whose dub is made already, so that a run is over soon.
"""

from collections.abc import Generator

import dagster as dg
import pytest
from fleet_room import AT_ONCE, PER_TENANT, Fleet, fleet_room
from octavia_command import make_octavia
from octavia_fakes import ENGINES
from tiny import tiny_videos

from octavia_dag.fleet.queue import PRIORITY_TAG, TENANT_TAG
from octavia_dag.resources.videos import records

pytestmark = [pytest.mark.fleet, pytest.mark.soak]
NIGHT, QUEUED = "octavia/night", 300


@pytest.fixture(scope="module")
def fleet(models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Fleet]:
    folder = tmp_path_factory.mktemp("queue")
    settings = {**ENGINES, "engines": {"compute": "cpu"}}
    with fleet_room(make_octavia(folder, models_dir, threads=1), folder, settings, languages=("es",)) as found:
        found.drop(tiny_videos(models_dir, folder, 1))
        found.wait(lambda: found.handed() == 1, 600, "the video")
        yield found


def key(fleet: Fleet) -> str:
    return f"es|{records(fleet.tools.store)[0].id}"


def starts(fleet: Fleet, of: list[str]) -> dict[str, tuple[float, float]]:
    """When each run that has started did so, and when it ended."""
    with fleet.instance() as instance:
        found = instance.get_run_records(dg.RunsFilter(run_ids=of))
    return {
        one.dagster_run.run_id: (one.start_time, one.end_time or float("inf"))
        for one in found
        if one.start_time is not None
    }


def end_the_rest(fleet: Fleet) -> None:
    """Takes back what still waits, so that the next test finds an empty queue."""
    with fleet.instance() as instance:
        for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])):
            instance.report_run_canceled(run)
    fleet.wait(lambda: all(run.is_finished for run in fleet.runs()), 240, "all to be over")


def test_somebody_who_waits_in_person_is_next_before_three_hundred_of_a_catalogue(fleet: Fleet) -> None:
    night = [
        {
            "dagster/partition": key(fleet),
            NIGHT: "tonight",
            PRIORITY_TAG: str(-number),
            "dagster/sensor_name": "automation",
        }
        for number in range(QUEUED)
    ]
    catalogue = fleet.submit("dub_video", night)
    fleet.wait(lambda: len(starts(fleet, catalogue)) >= 2 * AT_ONCE, 600, "the catalogue to be at work")
    (asked,) = fleet.submit("dub_video", [{"dagster/partition": key(fleet)}])
    with fleet.instance() as instance:
        record = instance.get_run_record_by_id(asked)
    assert record is not None
    when = record.create_timestamp.timestamp()
    fleet.wait(lambda: asked in starts(fleet, [asked]), 300, "the run that somebody waits for")
    begun = starts(fleet, [asked])[asked][0]
    others = starts(fleet, catalogue)
    lasted = sorted(end - start for start, end in others.values() if end < float("inf"))
    # Those that the daemon had handed out already may come before it, and none else.
    assert sum(when < start < begun for start, _ in others.values()) <= AT_ONCE
    assert begun - when < 2 * lasted[-1] + 5, (
        "a place comes free within a run's time; 5 s: the daemon's look and a start"
    )
    print(f"waited {begun - when:.1f} s; a run lasts {lasted[len(lasted) // 2]:.1f} s")  # noqa: T201 - a figure of the soak
    end_the_rest(fleet)


def test_a_tenant_at_its_limit_holds_no_other_back(fleet: Fleet) -> None:
    many = [{"dagster/partition": key(fleet), TENANT_TAG: "acme", PRIORITY_TAG: "2"} for _ in range(QUEUED)]
    acme = fleet.submit("dub_video", many)
    fleet.wait(lambda: len(starts(fleet, acme)) >= 4, 600, "the first tenant to be at work")
    (other,) = fleet.submit("dub_video", [{"dagster/partition": key(fleet), TENANT_TAG: "small", PRIORITY_TAG: "0"}])
    took = fleet.wait(lambda: other in starts(fleet, [other]), 300, "the other tenant")
    told = starts(fleet, acme)
    for start, _ in told.values():
        assert sum(a <= start < b for a, b in told.values()) <= int(str(PER_TENANT["limit"]))
    print(f"the other tenant waited {took:.1f} s")  # noqa: T201 - a figure of the soak
    end_the_rest(fleet)
