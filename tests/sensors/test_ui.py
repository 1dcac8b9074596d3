"""At risk: what operators see and click: the graph, a partition's pictures and checks, a run, a backfill, a night.

Webserver, daemon and browser are real, the engines are fakes. One video is dubbed before, another is in a catalogue.
What takes a run is started all at once, since runs wait for one another, and looked at when all is over.
"""

import re
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import dagster as dg
import pytest
import yaml
from daemon import LANGUAGE
from here import make_here
from octavia_fakes import ENGINES
from playwright.sync_api import Page, expect, sync_playwright
from tiny import tiny_videos
from ui import LOCATION, Ui, start_ui

from octavia_dag.assets.judging import Judge
from octavia_dag.definitions import defs
from octavia_dag.graph import of_granularity
from octavia_dag.partitions import dub_key
from octavia_dag.resources.nights import last_report, read_listed
from octavia_dag.resources.videos import records

pytestmark = pytest.mark.operators

SUCCESS = dg.DagsterRunStatus.SUCCESS
SHOWN_WITHIN_MS = 60_000


@dataclass(frozen=True)
class Worked:
    """What was launched from the UI, all of it over: a night and two backfills, by their ids."""

    ui: Ui
    dubbed: str
    listed: str
    night: str
    of_videos: str
    of_dubs: str


@pytest.fixture(scope="module")
def ui(models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Ui]:
    folder = tmp_path_factory.mktemp("ui")
    octavia = make_here(folder, models_dir)
    settings = octavia.home / "store" / "settings.yaml"
    settings.parent.mkdir(parents=True)
    never = {"cron": "0 0 29 2 *"}  # by itself; the night is begun by hand
    settings.write_text(yaml.safe_dump({**ENGINES, "catalogue": never}))
    dubbed, listed = tiny_videos(models_dir, folder, 2)
    done = octavia("dub", dubbed, "--to", LANGUAGE, "--out", folder / "out")
    assert done.returncode == 0, done.stderr
    (octavia.home / "catalogue.csv").write_text(f"uri,languages,tenant\n{listed},{LANGUAGE},acme\n")
    made = start_ui(octavia, folder)
    try:
        yield made
    finally:
        made.stop()
        made.instance.dispose()


@pytest.fixture(scope="module")
def worked(ui: Ui) -> Worked:
    (dubbed,) = (one.id for one in records(ui.tools.store))
    named = {"repositorySelector": LOCATION, "partitionSetName": "analyse_video_partition_set"}
    assets = [{"path": [node.name]} for node in of_granularity("dub")]
    night = ui.launch("catalogue_night")
    of_videos = ui.backfill(selector=named, partitionNames=[dubbed])
    of_dubs = ui.backfill(assetSelection=assets, partitionNames=[str(dub_key(dubbed, LANGUAGE))])
    for backfill in (of_videos, of_dubs):
        ui.wait(lambda one=backfill: ui.ended(dagster__backfill=one), f"the backfill {backfill}")
    ui.wait(lambda: len(records(ui.tools.store)) == 2, "the night to take its row")
    (listed,) = (one.id for one in records(ui.tools.store) if one.id != dubbed)
    ui.wait(lambda: Judge(ui.tools).plan(listed).empty and ui.ended(octavia__night=_name(ui)), "the night's dub", 240)
    return Worked(ui, dubbed, listed, night, of_videos, of_dubs)


def _name(ui: Ui) -> str:
    report = last_report(ui.tools.store)
    assert report is not None
    return report.night


@pytest.fixture(scope="module")
def page(ui: Ui) -> Generator[Page]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no Chromium; make system installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        made = browser.new_page(viewport={"width": 1600, "height": 1000})
        made.set_default_timeout(SHOWN_WITHIN_MS)
        yield made
        browser.close()


@pytest.fixture
def shot(page: Page, tmp_path: Path, request: pytest.FixtureRequest) -> Generator[None]:
    """What the browser shows at the end of a test, for whoever looks at it."""
    yield
    page.screenshot(path=tmp_path / f"{request.node.name}.png")


def partition_of(ui: Ui, asset: str) -> str:
    """The page of the first video's dub."""
    video = min(records(ui.tools.store), key=lambda one: one.path).id
    return f"{ui.url}/assets/{asset}?view=partitions&partition={quote(str(dub_key(video, LANGUAGE)), safe='')}"


@pytest.mark.usefixtures("shot")
def test_the_asset_graph_opens_with_all_its_groups(ui: Ui, page: Page) -> None:
    page.goto(f"{ui.url}/asset-groups")
    for group in ("source", "analysis", "voices", "localization", "delivery", "qa", "operators"):
        expect(page.get_by_text(group, exact=True).first).to_be_visible(timeout=SHOWN_WITHIN_MS)
    lines = page.locator("svg path")
    expect(lines.nth(6)).to_be_attached(timeout=SHOWN_WITHIN_MS)


@pytest.mark.usefixtures("shot")
def test_a_partition_of_the_deliverable_shows_its_pictures(ui: Ui, page: Page) -> None:
    page.goto(partition_of(ui, "final_mux"))
    page.get_by_text("[Show Markdown]").first.click()
    picture = page.get_by_role("dialog").locator("img[src^='data:image/png']").first
    expect(picture).to_be_visible(timeout=SHOWN_WITHIN_MS)
    assert page.evaluate("one => one.naturalWidth", picture.element_handle()) > 100


@pytest.mark.usefixtures("shot")
def test_the_deliverable_shows_its_checks(ui: Ui, page: Page) -> None:
    keys = defs.resolve_asset_graph().get_check_keys_for_assets({dg.AssetKey("final_mux")})
    assert keys
    page.goto(f"{ui.url}/assets/final_mux?view=checks")
    expect(page.get_by_text(f"Checks ({len(keys)})")).to_be_visible(timeout=SHOWN_WITHIN_MS)
    for key in keys:  # a long name is shown shortened; in full it stands beside that, hidden
        expect(page.get_by_text(key.name, exact=True).first).to_be_attached(timeout=SHOWN_WITHIN_MS)
    video = min(records(ui.tools.store), key=lambda one: one.path).id
    expect(page.get_by_text(str(dub_key(video, LANGUAGE))).first).to_be_visible(timeout=SHOWN_WITHIN_MS)


@pytest.mark.usefixtures("shot")
def test_a_partition_is_materialized_by_clicking(worked: Worked, page: Page) -> None:
    ui, key = worked.ui, str(dub_key(worked.dubbed, LANGUAGE))
    before = {one.run_id for one in ui.runs(dagster__partition=key)}
    page.goto(partition_of(ui, "final_mux"))
    page.get_by_role("button", name=re.compile("Materialize…")).first.click()
    page.get_by_role("button", name="Launch 1 run").click()
    ui.wait(lambda: {one.run_id for one in ui.runs(dagster__partition=key)} != before, "the click's run")
    ui.wait(lambda: ui.ended(dagster__partition=key), "the end of the click's run")
    (run,) = (one for one in ui.runs(dagster__partition=key) if one.run_id not in before)
    assert run.status is SUCCESS
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey("final_mux"), asset_partitions=[key])
    assert ui.instance.fetch_materializations(wanted, limit=1).records[0].run_id == run.run_id


def test_backfills_of_videos_and_of_dubs_run_each_partition_once(worked: Worked) -> None:
    found = {
        one: [(run.tags["dagster/partition"], run.status) for run in worked.ui.runs(dagster__backfill=one)]
        for one in (worked.of_videos, worked.of_dubs)
    }
    assert found == {
        worked.of_videos: [(worked.dubbed, SUCCESS)],
        worked.of_dubs: [(str(dub_key(worked.dubbed, LANGUAGE)), SUCCESS)],
    }


def test_a_night_takes_its_row_and_the_automation_makes_it_once_and_no_more(worked: Worked) -> None:
    ui = worked.ui
    runs = ui.runs(octavia__night=_name(ui))
    made = [(one.job_name, one.tags["dagster/partition"], one.tags["octavia/tenant"], one.status) for one in runs]
    assert sorted(made) == [
        ("analyse_video", worked.listed, "acme", SUCCESS),
        ("dub_video", str(dub_key(worked.listed, LANGUAGE)), "acme", SUCCESS),
    ]
    ui.wait(lambda: _closed(worked), "the night of the video to be closed")


def _closed(worked: Worked) -> bool:
    listed = read_listed(worked.ui.tools.store, worked.listed)
    return listed is not None and not listed.open


@pytest.mark.usefixtures("shot")
def test_the_night_and_the_page_of_what_is_not_as_it_should_be_are_shown(worked: Worked, page: Page) -> None:
    page.goto(f"{worked.ui.url}/assets/catalogue_nights")
    expect(page.get_by_text(re.compile("1 rows asked for")).first).to_be_visible(timeout=SHOWN_WITHIN_MS)
    page.goto(f"{worked.ui.url}/assets/status")
    expect(page.get_by_text(re.compile("Videos: 2;")).first).to_be_visible(timeout=SHOWN_WITHIN_MS)
