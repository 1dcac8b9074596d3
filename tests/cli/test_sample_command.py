"""At risk: a sample on which a dub proves nothing, because its speech, its bed or its picture is not what it says."""

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from octavia_dag.cli.sample import BED_BELOW_SPEECH_DB, LENGTH_S, RATE_HZ, SPEECH_S, TEXT, bed, build, sample
from octavia_dag.errors import InputError, ModelError
from octavia_dag.resources.media import Media

Sound = NDArray[np.float32]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory, models_dir: str) -> Path:
    path = tmp_path_factory.mktemp("sample") / "it's a sample 🎬.mp4"
    result = CliRunner().invoke(sample, [str(path), "--models", models_dir], catch_exceptions=False)
    assert result.exit_code == 0
    assert result.output == f"{path}\n"
    return path


@pytest.fixture(scope="module")
def sound(video: Path, models_dir: str) -> Sound:
    import ffmpeg

    graph = ffmpeg.input(str(video)).output("pipe:", format="f32le", acodec="pcm_f32le")
    raw = b"".join(Media(models_dir=models_dir).read(graph, "Reading the sample"))
    return np.frombuffer(raw, np.float32).reshape(-1, 2)


def level_db(sound: Sound, start_s: float, end_s: float) -> float:
    piece = sound[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]
    return 10 * float(np.log10(np.mean(piece.astype(np.float64) ** 2)))


def test_it_is_an_mp4_with_a_moving_picture_and_stereo_sound_of_its_length(video: Path, models_dir: str) -> None:
    probe = Media(models_dir=models_dir).probe(video, "-show_streams", "-show_format")
    picture, sound = probe["streams"]
    assert (picture["codec_name"], picture["nb_frames"], picture["avg_frame_rate"]) == ("h264", "740", "25/1")
    assert (sound["codec_name"], sound["channels"], sound["tags"]["language"]) == ("aac", 2, "eng")
    assert float(probe["format"]["duration"]) == pytest.approx(LENGTH_S, abs=0.03)


def test_a_transcriber_hears_every_word_of_its_text(sound: Sound, models_dir: str) -> None:
    import soxr
    from faster_whisper import WhisperModel
    from jiwer import wer

    from octavia_dag.resources.models import model_dir

    whisper = WhisperModel(str(model_dir(models_dir, "whisper-base")), device="cpu", compute_type="int8")
    segments, _ = whisper.transcribe(soxr.resample(sound.mean(axis=1), RATE_HZ, 16_000), language="en", beam_size=1)
    heard = " ".join(segment.text for segment in segments)
    said, heard = (" ".join(re.sub(r"[^a-z ]", "", text.lower()).split()) for text in (TEXT, heard))
    assert wer(said, heard) <= 0.05


def test_the_speech_starts_and_ends_where_it_says(sound: Sound) -> None:
    start_s, end_s = SPEECH_S
    assert level_db(sound, start_s + 0.05, start_s + 0.35) > level_db(sound, start_s - 0.35, start_s - 0.05) + 6
    assert level_db(sound, end_s - 0.35, end_s - 0.05) > level_db(sound, end_s + 0.05, end_s + 0.35) + 6


def test_the_bed_sounds_alone_for_three_seconds_at_both_ends(sound: Sound) -> None:
    start_s, end_s = SPEECH_S
    assert start_s > 3
    assert end_s < LENGTH_S - 3
    speech_db = level_db(sound, start_s, end_s)
    # The speech's level over its pauses too is 1 to 3 dB below that of the speech alone, and a chord swells by 3 dB.
    for alone in ((0.5, 3.0), (27.0, 29.1)):
        assert speech_db - level_db(sound, *alone) == pytest.approx(BED_BELOW_SPEECH_DB - 2, abs=3.5)


def test_nothing_is_near_full_scale(sound: Sound) -> None:
    assert np.abs(sound).max() < 10 ** (-2 / 20)


def test_the_bed_is_stereo_and_a_downmix_keeps_it() -> None:
    sides = bed(round(LENGTH_S * RATE_HZ))
    middle = sides.mean(axis=1)
    seconds = range(1, 28)
    for second in seconds:
        piece = slice(second * RATE_HZ, (second + 1) * RATE_HZ)
        assert np.mean(middle[piece] ** 2) > 0.5 * np.mean(sides[piece] ** 2)
        assert np.mean((sides[piece, 0] - sides[piece, 1]) ** 2) > 0.05 * np.mean(sides[piece] ** 2)


def test_it_is_the_same_every_time(video: Path, tmp_path: Path, models_dir: str) -> None:
    build(tmp_path / "again.mp4", models_dir)
    assert (tmp_path / "again.mp4").read_bytes() == video.read_bytes()


@pytest.mark.parametrize("name", ["sample.mkv", "no/such/folder/sample.mp4"])
def test_a_place_it_cannot_be_written_to_is_refused(tmp_path: Path, models_dir: str, name: str) -> None:
    with pytest.raises(InputError, match=r"name a \.mp4 file in a folder that exists"):
        build(tmp_path / name, models_dir)


def test_without_its_recording_it_says_how_to_get_it_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="octavia models pull"):
        build(tmp_path / "sample.mp4", str(tmp_path / "models"))
    assert list(tmp_path.iterdir()) == []
