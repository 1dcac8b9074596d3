"""A Matroska file with 5.1 sound, dubbed by the real engines: the dub speaks from the centre, no channel is lost."""

import ffmpeg
import numpy as np
import pytest
from finished import Dub, DubVideo, check

from octavia_dag.cli.sample import SPEECH_S, TEXT, build
from octavia_dag.dubbing.hearing import word_error_rate
from octavia_dag.resources.media import Media
from octavia_dag.resources.probe import probe_video, source_blocks
from octavia_dag.schema import Transcript

CENTRE, SURROUNDS = 2, (4, 5)


@pytest.fixture(scope="module")
def dub(dub_video: DubVideo, models_dir: str, media: Media, tmp_path_factory: pytest.TempPathFactory) -> Dub:
    folder = tmp_path_factory.mktemp("surround")
    build(folder / "sample.mp4", models_dir)
    source = folder / "surround.mkv"
    whole = ffmpeg.input(str(folder / "sample.mp4"))
    # The bed all around, the voice and the bed in the middle.
    channels = "5.1|FL=0.5*FL|FR=0.5*FR|FC=0.5*FL+0.5*FR|LFE=0.1*FL|BL=0.3*FL-0.3*FR|BR=0.3*FR-0.3*FL"
    sound = whole.audio.filter("pan", args=channels)
    media.run(ffmpeg.output(whole.video, sound, str(source), vcodec="copy", acodec="aac"), "Making a 5.1 video")
    return dub_video(source)


def test_every_promise_holds_on_the_two_files(dub: Dub, media: Media) -> None:
    check(media, dub.source, dub.deliverable)


def test_the_original_is_understood(dub: Dub) -> None:
    heard = " ".join(line.text for line in dub.read("transcript", Transcript).lines)
    assert word_error_rate(TEXT, heard) <= 0.15


def test_the_dub_has_all_channels_and_speaks_from_the_centre(dub: Dub, media: Media) -> None:
    made = probe_video(media, dub.deliverable, "", 0)
    assert made.audio[0].channels == 6
    before, after = (
        np.concatenate(list(source_blocks(media, path, probe_video(media, path, "", 0), rate=16000, channels=None)))
        for path in (dub.source, dub.deliverable)
    )
    first, last = (round(moment * 16000) for moment in SPEECH_S)
    change = np.sum((after[first:last] - before[first:last]) ** 2, axis=0)
    assert int(np.argmax(change)) == CENTRE
    assert all(change[one] < 0.1 * change[CENTRE] for one in SURROUNDS)
    assert np.all(np.abs(after[first:last]).max(axis=0)[list(SURROUNDS)] > 0)
