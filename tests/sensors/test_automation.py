"""At risk: a change that no run follows, a run that no change asked for, and ticks that cost more than they may."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy.exc import OperationalError

from octavia_dag.plan import Item, Plan
from octavia_dag.sensors.automation import DESIRED_TAG, Marks, attempted_in, decide, order, video_marks

VIDEO = "talk-1a2b3c4d"
DESIRED = {None: "v", "es": "e", "fr": "f"}


def never(job: str, partition: str, desired: str) -> bool:
    return False


def tried(*states: str) -> Callable[[str, str, str], bool]:
    def attempted(job: str, partition: str, desired: str) -> bool:
        return desired in states

    return attempted


def planned(*items: Item) -> Plan:
    return Plan(VIDEO, items, DESIRED)


STALE_VIDEO = Item("stems", None, "make", ("separation.track: None -> 0",))
STALE_ES = Item("ducked_mix", "es", "make", ("mix.duck_depth_db: 6.0 -> 3.0",))
STALE_FR = Item("ducked_mix", "fr", "make", ("mix.duck_depth_db: 6.0 -> 3.0",))
FOLLOWS_ES = Item("dubbed_chunks", "es", "may follow", ("if stems comes out otherwise",))


def test_a_stale_language_is_one_job_with_its_cause() -> None:
    (request,) = decide(planned(STALE_ES), [], never)
    assert (request.job, request.partition, request.desired) == ("dub_video", f"es|{VIDEO}", "e")
    assert request.why == "ducked_mix: mix.duck_depth_db: 6.0 -> 3.0"


def test_the_video_s_own_job_comes_first_and_alone() -> None:
    requests = decide(planned(STALE_VIDEO, FOLLOWS_ES, STALE_FR), [], never)
    assert [(one.job, one.partition) for one in requests] == [("analyse_video", VIDEO)]


def test_languages_go_side_by_side() -> None:
    assert [one.partition for one in decide(planned(STALE_ES, STALE_FR), [], never)] == [f"es|{VIDEO}", f"fr|{VIDEO}"]


@pytest.mark.parametrize(
    ("items", "busy", "launched"),
    [
        ((STALE_ES, STALE_FR), [f"es|{VIDEO}"], [f"fr|{VIDEO}"]),
        ((STALE_ES, STALE_FR), [VIDEO], []),
        ((STALE_VIDEO, FOLLOWS_ES), [f"es|{VIDEO}"], []),
        ((STALE_ES,), ["es|other-1a2b3c4d"], [f"es|{VIDEO}"]),
    ],
)
def test_a_partition_at_work_is_left_alone(items: tuple[Item, ...], busy: list[str], launched: list[str]) -> None:
    assert [one.partition for one in decide(planned(*items), busy, never)] == launched


def test_a_desired_state_that_failed_is_not_tried_again() -> None:
    assert [one.desired for one in decide(planned(STALE_ES, STALE_FR), [], tried("e"))] == ["f"]


def test_what_waits_or_is_held_launches_nothing() -> None:
    waiting = Item("dubbed_chunks", "es", "waiting")
    assert decide(planned(waiting, Item("casting", "fr", "held")), [], never) == []


def test_changed_videos_come_first_and_the_sweep_goes_on_where_it_stopped() -> None:
    marks = {"a": "1", "b": "1", "c": "1", "d": "1"}
    seen = {"a": "1", "b": "0", "c": "1", "d": "1"}
    assert order(marks, seen, "") == (["b"], ["a", "c", "d"])
    assert order(marks, seen, "a") == (["b"], ["c", "d", "a"])
    assert order(marks, seen, "d") == (["b"], ["a", "c", "d"])


def registered(store: Path, video: str) -> Path:
    folder = store / "videos" / video
    (folder / "current").mkdir(parents=True)
    (folder / "video.json").write_text("{}")
    return folder


@pytest.mark.parametrize(
    "touched", ["settings.yaml", "settings.es.yaml", "current/ducked_mix.es.json", "glossary.csv", "approval.es.json"]
)
def test_whatever_can_make_a_video_stale_changes_its_mark_and_no_other_s(tmp_path: Path, touched: str) -> None:
    folder = registered(tmp_path, VIDEO)
    registered(tmp_path, "other-1a2b3c4d")
    before = video_marks(tmp_path, "shared")
    (folder / touched).write_text("x")
    after = video_marks(tmp_path, "shared")
    assert [video for video in before if before[video] != after[video]] == [VIDEO]


def test_what_all_share_changes_every_mark(tmp_path: Path) -> None:
    registered(tmp_path, VIDEO)
    assert video_marks(tmp_path, "one") != video_marks(tmp_path, "other")


def test_a_folder_without_a_record_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "videos" / "half").mkdir(parents=True)
    assert video_marks(tmp_path, "shared") == {}


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_marks_that_cannot_be_read_mean_that_all_is_planned_again(tmp_path: Path, text: str) -> None:
    (tmp_path / "automation.json").write_text(text)
    assert Marks.read(tmp_path).seen == {}


def test_marks_outlive_a_restart(tmp_path: Path) -> None:
    Marks(tmp_path / "automation.json", {VIDEO: "1"}).write()
    assert Marks.read(tmp_path).seen == {VIDEO: "1"}


def test_a_run_that_was_killed_was_no_attempt_but_one_that_failed_was() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        ran(instance, "killed")
        attempted = attempted_in(instance)
        assert not attempted("dub_video", f"es|{VIDEO}", "e")
        ran(instance, "failed")
        assert attempted("dub_video", f"es|{VIDEO}", "e")
        ran(instance, "killed")
        assert attempted("dub_video", f"es|{VIDEO}", "e")
        assert not attempted("dub_video", f"es|{VIDEO}", "another")


def test_a_run_in_which_dagster_s_database_was_away_was_no_attempt_and_a_defect_is_one() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        ran(instance, "database away")
        assert not attempted_in(instance)("dub_video", f"es|{VIDEO}", "e")
        ran(instance, "defect")
        assert attempted_in(instance)("dub_video", f"es|{VIDEO}", "e")


def test_what_is_killed_again_and_again_is_left_alone() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        for count in range(1, 6):
            ran(instance, "killed")
            assert attempted_in(instance)("dub_video", f"es|{VIDEO}", "e") == (count == 5)


def test_what_succeeds_again_and_again_without_reaching_its_state_is_a_loop() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        for count in range(1, 4):
            ran(instance, "succeeded")
            assert attempted_in(instance)("dub_video", f"es|{VIDEO}", "e") == (count == 3)


def ran(instance: dg.DagsterInstance, how: str) -> None:
    """A run towards the state "e" that was killed, failed, succeeded, or met what `how` says."""

    @dg.op
    def step() -> None:
        if how == "failed":
            raise dg.Failure("No.")
        if how == "defect":
            raise ValueError("No.")
        if how == "database away":
            raise OperationalError("SELECT 1", None, ConnectionError("server closed the connection"))

    @dg.job(name="dub_video")
    def job() -> None:
        step()

    tags = {"dagster/partition": f"es|{VIDEO}", DESIRED_TAG: "e"}
    if how == "killed":
        instance.report_run_failed(instance.create_run_for_job(job, tags=tags))
    else:
        job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)
