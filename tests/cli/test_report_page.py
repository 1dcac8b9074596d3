"""At risk: what people judge a dub by: that the page shows the right moment in both, to anybody, anywhere, and obeys no
word of a stranger's video. Looked at in the system's own Chromium.
"""

import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from chromium import Watched, chromium, eventually, watched
from hostile import MARKUP
from playwright.sync_api import Browser, Page, expect
from reported import LANGUAGE, NAME, SECONDS, Reported, make_reported

from octavia_dag.schema import SyncedSpeech, Transcript

pytestmark = pytest.mark.operators

NEAR_S = 0.1
# Clicks, and tells the time of the next picture that each of the two shows, by the browser's own account.
CLICKED = """(selector) => {
    const shown = [...document.querySelectorAll('video')].map((one) => new Promise((done, failed) => {
        one.requestVideoFrameCallback((_, told) => done([told.mediaTime, one.currentTime]));
        setTimeout(() => failed(new Error('no picture came')), 5000);
    }));
    document.querySelector(selector).click();
    return Promise.all(shown);
}"""
TIMES = "[...document.querySelectorAll('video')].map((one) => one.currentTime)"
SETTLED = "[...document.querySelectorAll('video')].every((one) => !one.seeking && one.readyState >= 3)"
RUNNING = "[...document.querySelectorAll('video')].every((one) => !one.paused)"


@pytest.fixture(scope="module")
def reported(models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Reported:
    return make_reported(models_dir, tmp_path_factory.mktemp("reported"))


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def opened(browser: Browser, reported: Reported) -> Generator[Watched]:
    """The page; whatever a test does on it, the console stays silent and no request leaves."""
    with watched(browser) as found:
        load(found, reported.page)
        yield found
        assert not found.complaints
        assert not found.foreign()


def load(found: Watched, page: Path) -> None:
    """Opens a page and waits until both programmes can be played."""
    found.page.goto(page.as_uri())
    eventually(found.page, "[...document.querySelectorAll('video')].every((one) => one.readyState >= 3)")


def times(page: Page) -> list[float]:
    eventually(page, SETTLED)
    return page.evaluate(TIMES)


def starts(reported: Reported) -> list[float]:
    """Where each line begins, by the documents and not by the page."""
    dub = {one.id: one.start for one in reported.artifact("synced_speech", LANGUAGE).read(SyncedSpeech).lines}
    lines = reported.artifact("transcript").read(Transcript).lines
    return [min(line.start, dub[line.id]) for line in lines]


def background(page: Page) -> int:
    """How bright the page's ground is, 0 to 765."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3])


def test_both_programmes_play_in_step_and_one_is_heard(opened: Watched) -> None:
    page = opened.page
    page.get_by_role("button", name="Play K").click()
    eventually(page, "document.getElementById('dub').currentTime > 2")
    original, dub = page.evaluate(TIMES)
    assert abs(original - dub) <= NEAR_S
    assert page.evaluate("[...document.querySelectorAll('video')].map((one) => [one.muted, one.videoWidth > 0])") == [
        [True, True],
        [False, True],
    ]


def test_a_click_on_a_line_shows_its_moment_in_both(opened: Watched, reported: Reported) -> None:
    page, wanted = opened.page, starts(reported)
    assert len(wanted) > 3
    for number in (len(wanted), 2):
        page.evaluate("document.querySelectorAll('video').forEach((one) => one.pause())")
        page.wait_for_timeout(200)
        for picture, clock in page.evaluate(CLICKED, f"#line-{number} td.said"):
            assert picture == pytest.approx(wanted[number - 1], abs=NEAR_S)
            assert clock == pytest.approx(wanted[number - 1], abs=NEAR_S)
        expect(page.locator(f"#line-{number}")).to_have_attribute("aria-current", "true")


def test_the_page_tells_in_its_first_bytes_which_report_it_shows(reported: Reported) -> None:
    version = reported.artifact("qa_report", LANGUAGE).manifest.data_version
    assert f'<meta name="octavia-report" content="{version}">'.encode() in reported.page.read_bytes()[:1024]


def test_a_click_moves_both_at_once(opened: Watched, reported: Reported) -> None:
    for number, start in enumerate(starts(reported), 1):
        script = f"document.querySelector('#line-{number} button').click(), {TIMES}"
        for time in opened.page.evaluate(script):
            assert time == pytest.approx(start, abs=NEAR_S)
    original, dub = times(opened.page)
    assert abs(original - dub) <= NEAR_S


def test_a_line_that_was_clicked_stops_at_its_end_where_that_is_wanted(opened: Watched) -> None:
    page = opened.page
    page.get_by_label("stop after a line").check()
    page.locator("#line-1 button").click()
    eventually(page, "document.getElementById('dub').currentTime > 0 && document.getElementById('dub').paused")
    end = float(page.locator("#line-1").get_attribute("data-end") or "nan")
    assert page.evaluate("document.getElementById('dub').currentTime") == pytest.approx(end + 0.15, abs=0.25)


def test_j_k_and_l_go_back_pause_and_go_on(opened: Watched, reported: Reported) -> None:
    page, wanted = opened.page, starts(reported)
    current = page.locator("tr[aria-current]")
    page.keyboard.press("k")
    eventually(page, RUNNING)
    page.keyboard.press("k")
    eventually(page, f"!({RUNNING})")
    page.locator("#line-2 button").click()
    page.keyboard.press("l")
    expect(current).to_have_attribute("id", "line-3")
    assert page.evaluate(TIMES) == [pytest.approx(wanted[2], abs=0.5)] * 2
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(current).to_have_attribute("id", "line-1")
    assert page.evaluate(TIMES) == [pytest.approx(wanted[0], abs=0.5)] * 2


def test_a_line_can_be_played_without_a_mouse(opened: Watched) -> None:
    page = opened.page
    page.locator("#order").focus()
    page.keyboard.press("Tab")
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label.startswith("Play line 1,")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    eventually(page, RUNNING)


def test_the_other_sound_is_a_key_away(opened: Watched) -> None:
    opened.page.keyboard.press("s")
    assert opened.page.evaluate("[...document.querySelectorAll('video')].map((one) => one.muted)") == [False, True]
    expect(opened.page.get_by_role("button", name="Hear original")).to_have_attribute("aria-pressed", "true")


def test_what_is_heard_next_plays_at_its_own_pace(opened: Watched) -> None:
    """The one that follows is hurried while it is behind, and must not lead like that."""
    script = "document.getElementById('original').playbackRate = 1.08, document.getElementById('hear-original').click()"
    opened.page.evaluate(script)
    assert opened.page.evaluate("[...document.querySelectorAll('video')].map((one) => one.playbackRate)") == [1, 1]


def test_a_click_on_the_timeline_goes_there(opened: Watched) -> None:
    chart = opened.page.locator(".inner svg[data-seek]").first
    box = chart.bounding_box()
    assert box is not None
    chart.click(position={"x": box["width"] * 0.75, "y": box["height"] - 4})
    assert times(opened.page) == [pytest.approx(0.75 * SECONDS, abs=0.2)] * 2


def test_words_of_a_video_are_shown_and_never_obeyed(opened: Watched) -> None:
    page = opened.page
    expect(page.locator("#lines-table")).to_contain_text(MARKUP.split(" ")[0])
    assert page.locator("h1").inner_text().startswith(NAME)
    assert page.evaluate("document.images.length + document.querySelectorAll('h1 b').length") == 0
    assert page.evaluate("[...document.scripts].filter((one) => !one.dataset.clip).length") == 1


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_the_page_is_as_dark_as_its_reader_likes(browser: Browser, reported: Reported, scheme: Any, dark: bool) -> None:
    with watched(browser, color_scheme=scheme) as found:
        load(found, reported.page)
        assert (background(found.page) < 200) == dark
        found.page.get_by_role("button", name="Dark / light").click()
        assert (background(found.page) < 200) != dark


def test_a_phone_shows_it_without_scrolling_sideways(browser: Browser, reported: Reported) -> None:
    with watched(browser, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True) as found:
        load(found, reported.page)
        assert found.page.evaluate("document.documentElement.scrollWidth") <= 360
        found.page.locator("#line-2 button").tap()
        eventually(found.page, RUNNING)
        covered = found.page.evaluate(
            "document.querySelector('#line-2').getBoundingClientRect().bottom"
            " - document.getElementById('player').getBoundingClientRect().bottom"
        )
        assert covered > 0, "the line that plays lies under the player"
        assert not found.complaints


def test_only_what_is_flagged_can_be_shown(opened: Watched) -> None:
    page = opened.page
    flagged = page.locator("tr[data-flagged]").count()
    page.get_by_label("only those with flags").check()
    assert page.locator("#lines-table tbody tr:visible").count() == flagged > 0


def test_the_lineage_names_engines_licences_settings_and_hashes(reported: Reported) -> None:
    text = reported.page.read_text(encoding="utf-8")
    root = reported.octavia.home / "store"
    keys = [path.parent.name for path in root.glob("videos/*/**/manifest.json")]
    assert keys
    assert all(key in text for key in keys)
    for told in ("FakeSeparator fake-1", "silero-vad", "MIT", "mix.duck_depth_db", "octavia-dag", "sha256"):
        assert told in text
    assert str(root) not in text, "the page tells where things lie on this machine"


def test_the_index_lists_the_dub_and_finds_it(browser: Browser, reported: Reported, tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    done = reported.octavia("report", "--index", "--out", path)
    assert done.returncode == 0, done.stderr
    with watched(browser) as found:
        found.page.goto(path.as_uri())
        row = found.page.locator("tbody tr")
        expect(row).to_contain_text(NAME)
        for text, shown in (("NOT THERE", False), ("Talk & ", True)):
            found.page.get_by_role("searchbox").fill(text)
            expect(row).to_be_visible(visible=shown)
        assert not found.complaints
        assert not found.foreign()


@pytest.mark.parametrize("arguments", [("talk",), ("talk", "--index")])
def test_half_a_wish_is_refused(reported: Reported, arguments: tuple[str, ...]) -> None:
    done = reported.octavia("report", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("octavia: ")
    assert len(done.stderr.splitlines()) == 1
