"""At risk: a dub that clips once it is decoded, changes at the joins of its pieces, or loses its channels."""

import math
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from octavia_dag.resources import encoding
from octavia_dag.resources.encoding import Encoded, Track, encode
from octavia_dag.resources.media import Media, SideBySide

RATE = 48000


@pytest.fixture
def media(models_dir: str) -> Media:
    return Media(models_dir=models_dir)


def written(folder: Path, sound: NDArray[np.float64]) -> Path:
    path = folder / "sound.flac"
    soundfile.write(path, sound, RATE, subtype="PCM_16")
    return path


def decoded(media: Media, path: Path, channels: int) -> NDArray[np.float32]:
    output = ffmpeg.output(ffmpeg.input(str(path)).audio, "pipe:", format="f32le", ac=channels, ar=RATE)
    return np.frombuffer(b"".join(media.read(output, "Decoding")), np.float32).reshape(-1, channels)


def encoded(media: Media, sound: NDArray[np.float64], folder: Path, container: str = "mp4", **more: Any) -> Encoded:
    seconds = more.pop("seconds", len(sound) / RATE)
    track = Track(written(folder, sound), seconds, container, 192, "por")
    return encode(media, track, more.pop("source_peak", lambda: -1.0), folder)


def dense(seconds: float = 3.0) -> NDArray[np.float64]:
    """Music-like and loud: what an encoder's noise lifts over full scale."""
    time = np.arange(round(seconds * RATE)) / RATE
    chord = sum(np.sign(np.sin(2 * np.pi * f * time)) for f in (110.0, 277.2, 1318.5)) / 3.3
    return np.stack([chord, chord * 0.97], axis=1) * 0.97


def true_peak_dbtp(sound: NDArray[np.float32]) -> float:
    return 20 * math.log10(np.abs(soxr.resample(sound, RATE, 4 * RATE, quality="VHQ")).max())


@pytest.mark.parametrize("container", ["mp4", "mkv", "webm"])
def test_what_is_decoded_peaks_at_one_below_full_scale(tmp_path: Path, media: Media, container: str) -> None:
    found = encoded(media, dense(), tmp_path, container)
    assert found.limit_dbtp is not None
    assert found.true_peak_dbtp <= -1.0
    assert true_peak_dbtp(decoded(media, found.path, 2)) <= -1.0


def test_a_source_that_peaks_higher_allows_the_dub_to(tmp_path: Path, media: Media) -> None:
    found = encoded(media, dense(), tmp_path, source_peak=lambda: 6.0)
    assert found.limit_dbtp is None
    assert found.true_peak_dbtp > 0.0


def test_a_soft_sound_is_never_limited_and_its_source_never_measured(tmp_path: Path, media: Media) -> None:
    def never() -> float:
        raise AssertionError

    assert encoded(media, dense() * 0.2, tmp_path, source_peak=never).limit_dbtp is None


@pytest.mark.parametrize("seconds", [2.0, 3.5])
def test_the_track_is_cut_or_padded_to_the_length(tmp_path: Path, media: Media, seconds: float) -> None:
    found = encoded(media, dense(3.0) * 0.2, tmp_path, seconds=seconds)
    told = media.probe(found.path, "-show_streams")["streams"][0]
    assert float(told["duration"]) == pytest.approx(seconds, abs=0.002)


@pytest.mark.parametrize(("container", "codec"), [("mp4", "aac"), ("ts", "aac"), ("webm", "opus")])
def test_five_point_one_keeps_each_channel_in_its_place(
    tmp_path: Path, media: Media, container: str, codec: str
) -> None:
    time = np.arange(6 * RATE) / RATE
    sound = np.stack([0.3 * np.sin(2 * np.pi * 80.0 * time) * (np.floor(time) == place) for place in range(6)], axis=1)
    found = encoded(media, sound, tmp_path, container)
    told = media.probe(found.path, "-show_streams")["streams"][0]
    assert (told["codec_name"], told["channels"], told["channel_layout"]) == (codec, 6, "5.1")
    heard = decoded(media, found.path, 6)
    for place in range(6):
        inner = heard[round((place + 0.2) * RATE) : round((place + 0.8) * RATE)]
        assert int(np.std(inner, axis=0).argmax()) == place


@pytest.mark.parametrize("limit", [None, -6.0])
def test_pieces_join_without_a_gap_or_a_step(
    tmp_path: Path, media: Media, monkeypatch: pytest.MonkeyPatch, limit: float | None
) -> None:
    time = np.arange(5 * RATE) / RATE
    sound = 0.7 * np.sin(2 * np.pi * 441.3 * time)
    track = Track(written(tmp_path, sound), 5.0, "mp4", 192, "por")
    prepared = vars(encoding)["_prepared"]
    got: list[NDArray[np.float32]] = []
    for length in (600, 2):
        monkeypatch.setattr(encoding, "SEGMENT_S", length)
        output = prepared(media, track, limit, tmp_path).output("pipe:", format="f32le", ac=1)
        got.append(np.frombuffer(b"".join(media.read(output, "Joining")), np.float32))
    assert len(got[0]) == len(got[1]) == len(sound)
    assert (tmp_path / "piece-0002.flac").is_file()
    assert np.abs(got[0] - got[1]).max() < 2e-3


def test_a_long_sound_is_encoded_as_a_short_one(tmp_path: Path, media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = dense(5.0) * 0.3
    whole = decoded(media, encoded(media, sound, tmp_path).path, 2)
    monkeypatch.setattr(encoding, "SEGMENT_S", 2)
    assert np.array_equal(decoded(media, encoded(media, sound, tmp_path).path, 2), whole)


def test_the_bit_rate_is_at_least_what_is_asked_for(tmp_path: Path, media: Media) -> None:
    noise = np.random.default_rng(8).normal(0.0, 0.1, (4 * RATE, 2))
    told = media.probe(encoded(media, noise, tmp_path).path, "-show_streams")["streams"][0]
    assert int(told["bit_rate"]) > 128_000


def test_pieces_are_made_by_as_many_ffmpegs_as_there_may_be(
    tmp_path: Path, models_dir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int | None] = []

    class Pool(SideBySide):
        def __init__(self, count: int | None) -> None:
            asked.append(count)
            super().__init__(count)

    monkeypatch.setattr(encoding, "SEGMENT_S", 2)
    monkeypatch.setattr(encoding, "SideBySide", Pool)
    encoded(Media(models_dir=models_dir, threads=1), dense(5.0) * 0.3, tmp_path)
    assert asked == [1]
