"""At risk: a page that hides what is stale, failed or held, or that is told again and again."""

from typing import Any

import dagster as dg
import pytest
from resting import SENTENCE, House

from octavia_dag.dubbing.budget import Budget
from octavia_dag.resources import videos
from octavia_dag.sensors import overview
from octavia_dag.sensors.overview import tell


def told(house: House) -> int | None:
    """One tick that has all the time it needs."""
    return tell(house.tools, house.instance, now=lambda: 0.0)


def page(house: House) -> dict[str, Any]:
    """The metadata of the latest materialization of the page."""
    (record,) = house.instance.fetch_materializations(dg.AssetKey("status"), limit=1).records
    assert record.asset_materialization is not None
    shown = record.asset_materialization.metadata.items()
    return {name: one.records if isinstance(one, dg.TableMetadataValue) else one.value for name, one in shown}


def partitions(house: House) -> dict[tuple[str, str], tuple[str, str]]:
    rows = [one.data for one in page(house)["partitions"]]
    return {(one["video"], one["language"]): (one["state"], one["why"]) for one in rows}


def with_videos(house: House, count: int) -> list[str]:
    house.write(*(f"{house.video(f'{n}.mp4')},es,{-n}" for n in range(count)))
    night = house.night("2026-11-25", Budget(100.0))
    night.carry_out(night.choice())
    return sorted(house.ids(), key=lambda one: next(r.name for r in videos.records(house.tools.store) if r.id == one))


def test_what_is_stale_is_told_with_its_cause_and_what_is_at_work_or_failed_as_such(house: House) -> None:
    stale, working, broken = with_videos(house, 3)
    house.run(working, dg.DagsterRunStatus.STARTED)
    house.run(broken, dg.DagsterRunStatus.FAILURE)
    assert told(house) == 6
    shown = partitions(house)
    assert shown[stale, ""] == ("stale", "never made")
    assert shown[stale, "es"][0] == "stale"
    assert shown[working, ""][0] == "at work"
    assert shown[broken, ""] == ("failed", SENTENCE)
    assert (page(house)["failed"], page(house)["at_work"], page(house)["videos"]) == (1, 1, 3)
    assert page(house)["summary"] == "Videos: 3; 1 failed, 4 stale, 1 at work."


def test_the_page_is_told_again_only_when_it_became_another_one(house: House) -> None:
    video, _ = with_videos(house, 2)
    assert told(house) is not None
    assert told(house) is None
    house.run(video, dg.DagsterRunStatus.FAILURE)
    assert told(house) is not None
    assert told(house) is None
    assert len(house.instance.fetch_materializations(dg.AssetKey("status"), limit=9).records) == 2


def test_only_videos_of_which_something_changed_are_planned_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = with_videos(house, 2)
    planned: list[str] = []
    lines_of = overview.lines_of

    def counted(judge: Any, video: str) -> Any:
        planned.append(video)
        return lines_of(judge, video)

    monkeypatch.setattr(overview, "lines_of", counted)
    told(house)
    videos.request(house.tools.store, second, "pt-BR")
    told(house)
    assert planned == [*sorted([first, second]), second]
    assert (second, "pt-BR") in partitions(house)


def test_a_video_whose_settings_cannot_be_used_is_told_with_the_sentence(house: House) -> None:
    (video,) = with_videos(house, 1)
    (house.tools.store.video_folder(video) / "settings.yaml").write_text("mix: {duck_depth_db: 99}")
    told(house)
    state, why = partitions(house)[video, ""]
    assert state == "unreadable"
    assert "mix.duck_depth_db has the value 99" in why


def test_where_all_is_well_the_page_says_so(house: House) -> None:
    told(house)
    assert page(house)["summary"] == "Videos: 0; everything is as it should be."
