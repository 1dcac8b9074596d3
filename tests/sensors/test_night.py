"""At risk: nights that ask for the wrong rows, for one twice, for more than the budget, or for what is at work already.

The registry, the settings, the plan and Dagster's database are real; no step runs, and the length of a file is told.
"""

import os
import time
from pathlib import Path

import dagster as dg
import pytest
from resting import House

from octavia_dag.dubbing.budget import Budget
from octavia_dag.errors import InputError, ModelError, OctaviaError, RefusedError, StorageError
from octavia_dag.layers import Place, layer_at
from octavia_dag.plan import Plan
from octavia_dag.resources import videos
from octavia_dag.resources.nights import NightReport, last_report, one_at_a_time, read_listed, taken_in, write_listed
from octavia_dag.sensors import night as nights
from octavia_dag.sensors.automation import DEADLINE_TAG, NIGHT_TAG

FAILURE, STARTED = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED


def rows(report: NightReport) -> list[int]:
    return [one.row for one in report.taken]


@pytest.mark.operators
def test_of_a_thousand_rows_two_nights_ask_for_the_right_hundred_each_in_order_and_for_none_twice(house: House) -> None:
    house.set(minutes_per_night=150.0)  # a hundred of a minute and a half
    count = 1000
    priority = {n + 2: n * 7919 % 10 for n in range(count)}
    house.write(*(f"{house.video(f'{row}.mp4')},es,{one}" for row, one in priority.items()))
    by_hand = sorted(priority, key=lambda row: (-priority[row], row))
    first = house.sleep("2026-11-25")
    assert rows(first) == by_hand[:100]
    assert {one.name for one in videos.records(house.tools.store)} == {f"{row}.mp4" for row in by_hand[:100]}
    assert {one.requested for one in videos.records(house.tools.store)} == {("es",)}
    second = house.sleep("2026-11-26")
    assert rows(second) == by_hand[100:200]
    assert len(house.ids()) == 200
    assert (first.minutes, second.minutes) == (150.0, 150.0)
    assert [len(one.left) for one in (first, second)] == [900, 900]
    states = [one.state for one in second.left]
    assert (states.count("at work"), states.count("missing")) == (100, 800)


def test_what_is_taken_is_launched_by_the_automation_in_the_night_s_order_and_nothing_else_is(house: House) -> None:
    house.set(minutes_per_night=3.0)
    house.write(*(f"{house.video(f'{n}.mp4')},es,{n}" for n in range(4)))
    report = house.sleep("2026-11-25")
    requests = house.tick()
    by_place = sorted(requests, key=lambda one: -int(one.tags["dagster/priority"]))
    assert [one.partition for one in by_place] == [one.video for one in report.taken]
    assert [one.job for one in requests] == ["analyse_video", "analyse_video"]
    assert {one.tags[NIGHT_TAG] for one in requests} == {"2026-11-25"}


def test_a_row_s_deadline_goes_with_its_run_so_that_workers_are_there_in_time(house: House) -> None:
    told = "uri,languages,deadline\n{},es,2026-12-31T12:00+01:00\n{},es,\n"
    (house.root / "catalogue.csv").write_text(told.format(house.video("a.mp4"), house.video("b.mp4")))
    house.sleep("2026-11-25")
    found = {one.partition.partition("-")[0]: one.tags.get(DEADLINE_TAG) for one in house.tick()}
    assert found == {"a": "2026-12-31T12:00:00+01:00", "b": None}


def test_a_video_whose_night_is_over_is_left_alone_by_the_automation_whatever_changes(house: House) -> None:
    house.write(f"{house.video('a.mp4')},es,1")
    house.sleep("2026-11-25")
    (video,) = house.ids()
    listed = read_listed(house.tools.store, video)
    assert listed is not None
    assert house.tick() != []
    write_listed(house.tools.store, video, listed.model_copy(update={"open": False}))
    assert house.tick() == []


def test_what_is_at_work_is_not_asked_for(house: House) -> None:
    house.write(f"{house.video('a.mp4')},es,1")
    house.sleep("2026-11-25")
    (video,) = house.ids()
    house.run(video, STARTED)
    report = house.sleep("2026-11-26")
    assert rows(report) == []
    assert [(one.state, one.why) for one in report.left] == [("at work", "A run is at work on it.")]


def test_what_failed_is_tried_again_in_as_many_nights_as_are_set_and_then_given_up(house: House) -> None:
    house.set(minutes_per_night=15.0, retries=2)
    house.write(f"{house.video('a.mp4')},es,1")
    reports: list[NightReport] = []
    for day in range(1, 6):
        reports.append(house.sleep(f"2026-11-0{day}"))
        if reports[-1].taken:
            assert house.tick() != [], "the automation does not try it again"
            house.run(house.ids()[0], FAILURE)
    assert [rows(one) for one in reports] == [[2], [2], [2], [], []]
    assert [(one.state, one.why[:21]) for one in reports[-1].left] == [("given up", "It failed in 3 nights")]
    house.write(f"{house.video('a.mp4')},es,1,{{mix: {{duck_depth_db: 3}}}}", head="uri,languages,priority,settings")
    assert rows(house.sleep("2026-11-06")) == [2]


def test_a_night_that_is_begun_again_spends_what_is_left_of_its_budget(house: House) -> None:
    house.set(minutes_per_night=3.0)
    house.write(f"{house.video('a.mp4')},es,1")
    assert rows(house.sleep("2026-11-25")) == [2]
    house.write("a.mp4,es,1", *(f"{house.video(f'{n}.mp4')},es,1" for n in range(3)))
    assert rows(house.sleep("2026-11-25")) == [3]
    assert taken_in(Path(house.tools.store.root), "2026-11-25").minutes == 3.0
    assert rows(house.sleep("2026-11-26")) == [4, 5]


def test_a_row_counts_once_per_language_and_all_its_languages_are_asked_for_at_once(house: House) -> None:
    house.set(minutes_per_night=3.0)
    house.write(f'{house.video("a.mp4")},"es,pt-BR",1')
    report = house.sleep("2026-11-25")
    assert report.minutes == 3.0
    assert videos.records(house.tools.store)[0].requested == ("es", "pt-BR")


def test_a_row_that_cannot_be_made_is_left_with_its_fault_and_the_others_go_on(house: House) -> None:
    house.write(
        "gone.mp4,es,9",
        f"{house.video('fr.mp4')},it,8",
        f"{house.video('none.mp4')},,7",
        f"{house.video('a.mp4')},es,1",
    )
    report = house.sleep("2026-11-25")
    assert rows(report) == [5]
    faults = {one.row: one.why for one in report.left}
    assert "gone.mp4 is not there" in faults[2]
    assert "into it is not possible" in faults[3]
    assert "names no language" in faults[4]
    assert [one.name for one in videos.records(house.tools.store)] == ["a.mp4"]


def test_the_same_content_under_two_names_is_one_video_and_said(house: House) -> None:
    house.write(f"{house.video('a.mp4', 'same')},es,2", f"{house.video('b.mp4', 'same')},pt-BR,1")
    report = house.sleep("2026-11-25")
    assert rows(report) == [2]
    assert [one.why for one in report.left] == ["Its content is that of row 2; put both into one row."]
    assert videos.records(house.tools.store)[0].requested == ("es",)


def test_another_file_under_the_same_name_is_another_video(house: House) -> None:
    house.write(f"{house.video('a.mp4')},es,1")
    house.sleep("2026-11-25")
    house.video("a.mp4", "a film that was put into its place")
    report = house.sleep("2026-11-26")
    assert [(one.row, one.why) for one in report.taken] == [(2, "another file lies there now")]
    assert len(house.ids()) == 2


def test_the_row_s_settings_are_the_video_s_and_a_change_of_them_is_work_for_a_night(house: House) -> None:
    head = "uri,languages,priority,settings"
    house.write(f"{house.video('a.mp4')},es,1,{{mix: {{duck_depth_db: 4}}}}", head=head)
    house.sleep("2026-11-25")
    (video,) = house.ids()
    store = Path(house.tools.store.root)
    assert layer_at(store, Place(video)) == {"mix": {"duck_depth_db": 4}}
    house.write("a.mp4,es,1,", head=head)
    report = house.sleep("2026-11-26")
    assert [(one.state, one.why) for one in report.taken] == [("stale", "the row's settings changed")]
    assert layer_at(store, Place(video)) == {}


def test_a_choice_alone_registers_and_spends_nothing(house: House) -> None:
    house.write(f"{house.video('a.mp4')},es,1")
    night = house.night("2026-11-25")
    assert [one.row for one in night.foretold(night.choice()).taken] == [2]
    assert house.ids() == []
    assert taken_in(Path(house.tools.store.root), "2026-11-25").minutes == 0.0


def test_a_budget_of_its_own_leaves_that_of_the_night_aside(house: House) -> None:
    house.set(minutes_per_night=0.0)
    house.write(f"{house.video('a.mp4')},es,1")
    assert house.night("2026-11-25").choice().taken == ()
    assert [one.row for one in house.night("2026-11-25", Budget(2.0)).choice().taken] == [2]


def test_money_without_a_price_is_refused_in_a_sentence(house: House) -> None:
    house.set(minutes_per_night=15.0, money_per_night=1.0)
    house.write(f"{house.video('a.mp4')},es,1")
    with pytest.raises(InputError, match="but no price"):
        house.night("2026-11-25")


def test_two_nights_never_choose_at_the_same_time(house: House) -> None:
    with one_at_a_time(house.tools.store), pytest.raises(RefusedError), one_at_a_time(house.tools.store):
        raise AssertionError


@pytest.mark.parametrize(
    "uri",
    [f"{'x' * 300}.mp4", f"{'d/' * 2500}x.mp4", "good.mp4/x.mp4", ".", "a::b.mp4"],
    ids=["a long name", "a long path", "a file in a file", "a folder", "two addresses"],
)
def test_an_address_at_which_nothing_can_lie_stops_no_other_row(house: House, uri: str) -> None:
    house.write(f"{uri},es,9", f"{house.video('good.mp4')},es,1")
    report = house.sleep("2026-11-25")
    assert rows(report) == [3]
    assert [(one.row, one.state) for one in report.left] == [(2, "unusable")]


@pytest.mark.parametrize("error", [StorageError("Fetching it: there is no room."), ModelError("A model is missing.")])
def test_a_row_that_may_be_taken_another_night_stops_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch, error: OctaviaError
) -> None:
    bring = nights.Night._near  # pyright: ignore[reportPrivateUsage]

    def near(night: nights.Night, uri: str) -> Path:
        if uri.endswith("a.mp4"):
            raise error
        return bring(night, uri)

    monkeypatch.setattr(nights.Night, "_near", near)
    house.write(f"{house.video('a.mp4')},es,9", f"{house.video('good.mp4')},es,1")
    report = house.sleep("2026-11-25")
    assert rows(report) == [3]
    assert [(one.row, one.state, one.why) for one in report.left] == [(2, "unreachable", str(error))]
    assert last_report(house.tools.store) == report


def test_a_file_that_is_no_video_is_known_as_that_the_next_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Path] = []

    def refused(_: object, path: Path, *__: object) -> None:
        looked.append(path)
        raise InputError("It is no video; give one.")

    monkeypatch.setattr(nights, "probe_video", refused)
    house.write(f"{house.video('hosts')},es,9")
    for day in ("2026-11-25", "2026-11-26"):
        assert [(one.state, one.why) for one in house.sleep(day).left] == [("unusable", "It is no video; give one.")]
    assert len(looked) == 1
    assert [one.state for one in house.night("2026-11-27").standings.values()] == ["unusable"]


def test_a_row_that_got_a_language_and_other_settings_is_paid_in_all_its_languages(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = "uri,languages,priority,settings"
    house.write(f"{house.video('a.mp4')},es,1,", head=head)
    house.sleep("2026-11-25")
    monkeypatch.setattr(Plan, "stale_languages", ("pt-BR",))  # es was made meanwhile
    house.write('a.mp4,"es,pt-BR",1,{mix: {duck_depth_db: 4}}', head=head)
    assert house.sleep("2026-11-26").minutes == 3.0


def test_what_a_row_would_have_cost_that_is_another_s_video_goes_to_the_next_one(house: House) -> None:
    house.set(minutes_per_night=3.0)
    house.write(
        f"{house.video('a.mp4', 'same')},es,9", f"{house.video('b.mp4', 'same')},es,8", f"{house.video('c.mp4')},es,7"
    )
    report = house.sleep("2026-11-25")
    assert rows(report) == [2, 4]
    assert [one.row for one in report.left] == [3]
    assert (report.minutes, taken_in(Path(house.tools.store.root), "2026-11-25").minutes) == (3.0, 3.0)


def test_a_note_of_what_was_spent_that_a_crash_cut_short_hides_no_other(house: House) -> None:
    house.set(minutes_per_night=3.0)
    house.write(f"{house.video('a.mp4')},es,1")
    house.sleep("2026-11-25")
    with (Path(house.tools.store.root) / "catalogue" / "taken" / "2026-11-25.jsonl").open("a") as file:
        file.write('{"half')
    house.write("a.mp4,es,1", *(f"{house.video(name)},es,1" for name in ("b.mp4", "c.mp4")))
    assert rows(house.sleep("2026-11-25")) == [3]
    assert taken_in(Path(house.tools.store.root), "2026-11-25").minutes == 3.0


def test_looking_again_does_not_measure_a_file_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.write(f"{house.video('a.mp4')},es,1")
    house.night("2026-11-25").choice()
    monkeypatch.setattr(nights, "probe_video", None)
    assert [one.row for one in house.night("2026-11-25").choice().taken] == [2]
    time.sleep(0.01)
    os.utime(house.root / "a.mp4")
    with pytest.raises(TypeError):
        house.night("2026-11-25").choice()
