"""The packaged sample, a real recording over music, dubbed by the real engines: every promise is checked."""

from pathlib import Path

import pytest
from finished import Dub, DubVideo, check

from octavia_dag.cli.sample import SPEECH_S, TEXT, build
from octavia_dag.dubbing.hearing import word_error_rate
from octavia_dag.resources.media import Media
from octavia_dag.schema import SpeakerMap, Transcript


@pytest.fixture(scope="module")
def dub(dub_video: DubVideo, models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Dub:
    source = tmp_path_factory.mktemp("sample") / "sample.mp4"
    build(source, models_dir)
    return dub_video(source)


def test_every_promise_holds_on_the_two_files(dub: Dub, media: Media) -> None:
    check(media, dub.source, dub.deliverable)


def test_the_report_finds_no_broken_promise(dub: Dub) -> None:
    broken = [one for one in dub.report.measures if not one.ok]
    assert not broken


def test_the_original_is_understood(dub: Dub) -> None:
    transcript = dub.read("transcript", Transcript)
    heard = " ".join(line.text for line in transcript.lines)
    assert word_error_rate(TEXT, heard) <= 0.10
    assert transcript.lines[0].start == pytest.approx(SPEECH_S[0], abs=0.2)


def test_one_reader_is_one_speaker(dub: Dub) -> None:
    assert len(dub.read("speaker_map", SpeakerMap).speakers) == 1


def test_the_files_beside_it_are_there(dub: Dub) -> None:
    stem = Path(dub.deliverable.parent / "sample.pt-BR")
    assert all(Path(f"{stem}{suffix}").stat().st_size > 0 for suffix in (".srt", ".vtt", ".qa.json"))
