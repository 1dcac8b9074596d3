"""At risk: a change that Dagster's own daemon does not follow, follows twice, or follows for ever.

And a run that failed and is tried again and again; a change that comes while its partition is at work and is forgotten.

The daemon is real, with its code server and a process per run; the engines are fakes. Five videos in the everyday
tests, fifty by hand ("make soak"). What must be waited for is waited for once: first a failure and a change, each on a
video of its own, then changes that come while runs are at work.
"""

import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass

import dagster as dg
import pytest
import yaml
from daemon import LANGUAGE, Daemon, Ran, start
from octavia_command import make_octavia
from octavia_fakes import ENGINES
from tiny import tiny_videos

from octavia_dag.resources.videos import records

RUN_WITHIN_S = 90.0
SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE


@dataclass(frozen=True)
class Watched:
    """A daemon, and the videos that this file changes."""

    daemon: Daemon
    changed: str
    failing: str
    toggled: str
    late: str


@dataclass(frozen=True)
class Quiet:
    """What ran for one change and one failure, two ticks after all was still again."""

    runs: list[Ran]


@dataclass(frozen=True)
class Busy:
    """What ran for changes that came while runs were at work, when all was still again."""

    runs: list[Ran]
    ticks: list[float]


@pytest.fixture(scope="module", params=[5, pytest.param(50, marks=pytest.mark.soak)])
def watched(
    request: pytest.FixtureRequest, models_dir: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Watched]:
    count, folder = int(request.param), tmp_path_factory.mktemp("daemon")
    octavia, settings = make_octavia(folder, models_dir), folder / "settings.yaml"
    settings.write_text(yaml.safe_dump(ENGINES))
    videos = tiny_videos(models_dir, folder, count)
    with octavia.start(
        "dub", *videos, "--to", LANGUAGE, "--out", folder / "out", "--settings", settings, "--json"
    ) as done:
        try:
            said = done.communicate(timeout=60 + 20 * count)
        finally:
            done.kill()
    assert done.returncode == 0, said
    daemon = start(octavia, folder)  # it takes seconds to look for the first time
    try:
        yield Watched(daemon, *[one.id for one in records(daemon.tools.store)][:4])
    finally:
        daemon.stop()
        daemon.instance.dispose()


@pytest.fixture(scope="module")
def quiet(watched: Watched) -> Quiet:
    daemon, octavia = watched.daemon, watched.daemon.octavia
    octavia.tell_fakes({"FakeTranscriber": {"fail_at": octavia.calls("FakeTranscriber") + 1}})
    _listen_again(daemon, watched.failing)
    for video in (watched.failing, watched.changed):
        daemon.set_depth(video, 3.0)
        daemon.wait(_ran(daemon, video), RUN_WITHIN_S, f"the run of {video}")
        octavia.tell_fakes({})
    daemon.wait_ticks(2)
    return Quiet(daemon.runs())


@pytest.fixture(scope="module")
def busy(watched: Watched, quiet: Quiet) -> Busy:
    daemon, octavia = watched.daemon, watched.daemon.octavia
    octavia.tell_fakes({"FakeTranscriber": {"seconds": 4.0}})  # the report listens, long after the mix is made
    _listen_again(daemon, watched.toggled, watched.late)
    _toggle(daemon, watched.toggled, 9.0)
    for video in (watched.late, watched.failing):
        daemon.set_depth(video, 9.0)
    todo = {watched.toggled, watched.late}

    def both_changed_at_work() -> bool:
        for video in sorted(todo):
            if any(one.status is dg.DagsterRunStatus.STARTED for one in daemon.of(video)):
                if daemon.mix(video).settings["mix"]["duck_depth_db"] != 9.0:
                    continue  # the run is not beyond the mix yet
                todo.discard(video)
                _toggle(daemon, video, 3.0) if video == watched.toggled else daemon.set_depth(video, 3.0)
        return not todo

    daemon.wait(both_changed_at_work, 2 * RUN_WITHIN_S, "both runs")
    octavia.tell_fakes({})
    videos = (watched.toggled, watched.late, watched.failing)
    daemon.wait(
        lambda: not daemon.at_work() and all(daemon.plan(one).empty for one in videos),
        3 * RUN_WITHIN_S,
        "all to be as it should",
    )
    return Busy(daemon.runs()[len(quiet.runs) :], daemon.ticks())


def _listen_again(daemon: Daemon, *videos: str) -> None:
    """Has the next report of these ask the transcriber, which it would not for the sake of a mix."""
    for video in videos:
        shutil.rmtree(daemon.tools.store.video_folder(video) / "measured")


def _ran(daemon: Daemon, video: str) -> Callable[[], bool]:
    return lambda: bool(daemon.of(video)) and not daemon.at_work(video)


def _toggle(daemon: Daemon, video: str, last: float) -> None:
    """There and back four times, and there once more."""
    for _ in range(4):
        daemon.set_depth(video, last)
        daemon.set_depth(video, None)
    daemon.set_depth(video, last)


def test_one_change_is_one_run_of_that_partition_and_none_else(watched: Watched, quiet: Quiet) -> None:
    others = [one for one in quiet.runs if one.video != watched.failing]
    assert [(one.job, one.partition, one.sensor, one.status) for one in others] == [
        ("dub_video", f"{LANGUAGE}|{watched.changed}", "automation", SUCCESS)
    ]
    assert watched.daemon.mix(watched.changed).settings["mix"]["duck_depth_db"] == 3.0


def test_what_failed_is_not_tried_again_until_something_changes(watched: Watched, quiet: Quiet, busy: Busy) -> None:
    assert [one.status for one in quiet.runs if one.video == watched.failing] == [FAILURE]
    assert [one.status for one in busy.runs if one.video == watched.failing] == [SUCCESS]


def test_a_setting_toggled_there_and_back_ends_as_it_was_set_last(watched: Watched, busy: Busy) -> None:
    assert watched.daemon.plan(watched.toggled).empty
    assert watched.daemon.mix(watched.toggled).settings["mix"]["duck_depth_db"] == 3.0
    assert {one.status for one in busy.runs if one.video == watched.toggled} == {SUCCESS}


def test_a_change_that_comes_during_a_run_is_made_as_soon_as_it_has_ended(watched: Watched, busy: Busy) -> None:
    first, second = (one for one in busy.runs if one.video == watched.late)
    assert first.ended is not None
    assert first.ended <= second.created
    looks = [one for one in busy.ticks if first.ended < one <= second.created]
    assert len(looks) <= 1, "a tick passed it over"
    assert watched.daemon.mix(watched.late).settings["mix"]["duck_depth_db"] == 3.0


def test_no_partition_is_ever_at_work_twice(quiet: Quiet, busy: Busy) -> None:
    runs = [*quiet.runs, *busy.runs]
    spans = [(one.video, one.started, one.ended) for one in runs if one.started and one.ended]
    assert len(spans) == len(runs)
    meeting = [(a, b) for a in spans for b in spans if a[0] == b[0] and a[1] < b[1] < a[2]]
    assert meeting == []


def test_the_daemon_ends_with_all_its_processes(watched: Watched, busy: Busy) -> None:
    assert watched.daemon.descendants
    assert watched.daemon.stop() == []
