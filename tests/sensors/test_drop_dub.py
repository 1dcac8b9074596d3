"""At risk: that the parts fit, and the whole does not: a real video, dropped by another program, really dubbed.

The daemon and the embedded engines, a bucket over HTTP, and no hand that touches anything. Short recordings in the
everyday tests; by hand ("make soak") the whole dialogue.
"""

import hashlib
import json
import math
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from bucket import BUCKET, serving
from octavia_command import make_octavia
from room import Room, room

from octavia_dag.resources.media import Media
from octavia_dag.resources.mux import packet_md5
from octavia_dag.resources.probe import probe_video

pytestmark = pytest.mark.operators
LANGUAGE, KEY = "pt-BR", "incoming/pt-BR/talk.mp4"
WITHIN_S = 900.0
OUTSIDER = "import boto3,sys; boto3.client('s3').upload_file(sys.argv[1], sys.argv[2], sys.argv[3])"
SHORT = ("englishvideo.mp4", "tone_no_speech.mp4")
WHOLE = ("dialogue/dialogue.mp4", "englishvideo.mp4")


@dataclass(frozen=True)
class Delivered:
    """What was dropped first and over it, and the results that came of it."""

    sources: tuple[Path, ...]
    results: tuple[dict[str, Any], ...]
    room: Room


def drop(found: Room, path: Path) -> None:
    """Another program uploads."""
    command = [sys.executable, "-c", OUTSIDER, str(path), BUCKET, KEY]
    subprocess.run(command, env=found.environment(), check=True, timeout=60)


@pytest.fixture(scope="module", params=[SHORT, pytest.param(WHOLE, marks=pytest.mark.soak)], ids=["short", "whole"])
def delivered(
    request: pytest.FixtureRequest, media_dir: Path, models_dir: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Delivered]:
    folder = tmp_path_factory.mktemp("dub")
    sources = tuple(media_dir / name for name in request.param)
    octavia = make_octavia(folder, models_dir)
    with serving(folder) as bucket, room(octavia, bucket, folder, {}, at_once=1) as found:
        drop(found, sources[0])
        found.wait(lambda: bool(found.runs("analyse_video")), WITHIN_S, "the first to be at work")
        drop(found, sources[1])
        found.wait(lambda: found.handed() == len(sources), 2 * WITHIN_S, "the results")
        yield Delivered(sources, tuple(_results(found, sources)), found)


def _results(found: Room, sources: tuple[Path, ...]) -> Generator[dict[str, Any]]:
    for source in sources:
        sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
        yield next(one for one in found.results() if str(one["video"]).endswith(sha256[:8]))


def test_what_is_dropped_is_delivered_with_every_promise_kept(delivered: Delivered) -> None:
    for result in delivered.results:
        assert result["state"] == "delivered"
        assert result["key"] == f"delivered/{result['video']}/{LANGUAGE}/result.json"
        assert result["broken_promises"] == []
        assert result["dropped_as"] == [KEY]


def test_an_upload_is_taken_while_another_is_dubbed(delivered: Delivered) -> None:
    instance = delivered.room.instance
    first = f"{LANGUAGE}|{delivered.results[0]['video']}"
    (dubbed,) = instance.get_run_records(dg.RunsFilter(job_name="dub_video", tags={"dagster/partition": first}))
    taken = [one.end_time or math.inf for one in instance.get_run_records(dg.RunsFilter(job_name="take_uploads"))]
    assert sorted(taken)[1] < (dubbed.end_time or 0.0)


def test_a_key_that_was_overwritten_by_another_video_is_dubbed_too(delivered: Delivered) -> None:
    assert len({result["video"] for result in delivered.results}) == 2
    assert delivered.room.bucket.all_keys("incoming/") == []


def test_the_delivered_file_is_the_dropped_picture_with_a_new_sound(
    delivered: Delivered, models_dir: str, tmp_path: Path
) -> None:
    media = Media(models_dir=models_dir)
    source, result = delivered.sources[0], delivered.results[0]
    (name,) = [one for one in result["files"] if one.endswith(source.suffix)]
    path = tmp_path / name
    path.write_bytes(delivered.room.bucket.get(f"delivered/{result['video']}/{LANGUAGE}/{name}"))
    assert packet_md5(media, path, "v:0") == packet_md5(media, source, "v:0")
    assert probe_video(media, path, "", 0).audio[0].language == "por"


def test_the_report_is_delivered_with_it(delivered: Delivered) -> None:
    result = delivered.results[0]
    report = json.loads(delivered.room.bucket.get(f"delivered/{result['video']}/{LANGUAGE}/qa_report.json"))
    assert all(measure["ok"] for measure in report["measures"])
    assert report["measures"]


def test_the_reports_page_is_delivered_with_it(delivered: Delivered) -> None:
    """What the page does is tried in a browser elsewhere; here it comes along, whole, and of this dub."""
    result = delivered.results[0]
    page = delivered.room.bucket.get(f"delivered/{result['video']}/{LANGUAGE}/qa_report.html").decode()
    assert page.rstrip().endswith("</html>")
    assert str(result["video"]) in page
    assert page.count('data-kind="video/mp4"') == 2
