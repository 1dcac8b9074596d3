"""At risk: a loudness or a peak that is measured wrong, and a limiter that moves the sound or lets a peak through."""

import math
from pathlib import Path

import ffmpeg
import numpy as np
import pyloudnorm
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from octavia_dag.dubbing.mixing import gated_lufs
from octavia_dag.resources.levels import flac, hear, limited
from octavia_dag.resources.media import Media
from octavia_dag.schema import Span

RATE = 48000


@pytest.fixture
def media(models_dir: str) -> Media:
    return Media(models_dir=models_dir)


def written(folder: Path, sound: NDArray[np.float64], rate: int = RATE) -> Path:
    path = folder / "sound.flac"
    soundfile.write(path, sound, rate, subtype="PCM_16")
    return path


def true_peak_dbtp(path: Path) -> float:
    sound, rate = soundfile.read(path)
    return 20 * math.log10(np.abs(soxr.resample(sound, rate, 4 * rate, quality="VHQ")).max())


def loud(channels: int = 2, seconds: float = 2.0) -> NDArray[np.float64]:
    noise = np.random.default_rng(2).normal(0.0, 0.5, (round(seconds * RATE) * 3 // 4, channels))
    # Nothing above 18 kHz, as in any sound that was ever encoded.
    return np.clip(soxr.resample(noise, RATE * 3 // 4, RATE), -1, 1)


@pytest.mark.parametrize("rate", [48000, 44100, 24000])
def test_the_loudness_over_spans_agrees_with_another_meter(tmp_path: Path, media: Media, rate: int) -> None:
    sound = np.random.default_rng(4).normal(0.0, 0.05, 6 * rate)
    sound[: 2 * rate] *= 0.01
    heard = hear(media, ffmpeg.input(str(written(tmp_path, sound, rate))).audio, "Measuring")
    wanted = pyloudnorm.Meter(rate).integrated_loudness(sound[2 * rate :])
    assert gated_lufs(heard.momentary_lufs, [Span(start=2.0, end=6.0)]) == pytest.approx(wanted, abs=0.2)


def test_a_peak_between_the_samples_is_found(tmp_path: Path, media: Media) -> None:
    time = np.arange(RATE)
    sound = 0.5 * np.sin(2 * np.pi * time / 4 + np.pi / 4) * np.hanning(RATE)
    assert np.abs(sound).max() < 0.36
    heard = hear(media, ffmpeg.input(str(written(tmp_path, sound))).audio, "Measuring", peak=True)
    assert heard.true_peak_dbtp == pytest.approx(20 * math.log10(0.5), abs=0.2)


def test_silence_has_no_peak(tmp_path: Path, media: Media) -> None:
    heard = hear(media, ffmpeg.input(str(written(tmp_path, np.zeros(RATE)))).audio, "Measuring", peak=True)
    assert heard.true_peak_dbtp == -math.inf


def test_the_limiter_holds_the_true_peak(tmp_path: Path, media: Media) -> None:
    held = limited(ffmpeg.input(str(written(tmp_path, loud()))).audio, RATE, -6.0)
    media.run(flac(held, tmp_path / "held.flac"), "Limiting")
    assert true_peak_dbtp(tmp_path / "held.flac") < -5.3


def test_the_limiter_keeps_length_and_place(tmp_path: Path, media: Media) -> None:
    sound = np.zeros((RATE, 2))
    sound[[1000, 30000, 47900]] = 0.9
    held = limited(ffmpeg.input(str(written(tmp_path, sound))).audio, RATE, -6.0)
    media.run(flac(held, tmp_path / "held.flac"), "Limiting")
    got = soundfile.read(tmp_path / "held.flac")[0]
    assert got.shape == sound.shape
    assert [int(np.abs(got[at - 500 : at + 99, 0]).argmax()) - 500 for at in (1000, 30000, 47900)] == [0, 0, 0]


def test_what_is_below_the_limit_is_not_touched(tmp_path: Path, media: Media) -> None:
    sound = loud() * 0.1
    held = limited(ffmpeg.input(str(written(tmp_path, sound))).audio, RATE, -1.0)
    media.run(flac(held, tmp_path / "held.flac"), "Limiting")
    got = soundfile.read(tmp_path / "held.flac")[0]
    assert np.corrcoef(got.ravel(), sound.ravel())[0, 1] > 0.999
    assert abs(20 * math.log10(np.std(got) / np.std(sound))) < 0.05
