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
from scipy import signal

from octavia_dag.dubbing.loudness import MomentaryMeter
from octavia_dag.dubbing.mixing import gated_lufs
from octavia_dag.errors import MediaError
from octavia_dag.resources.levels import as_nut, flac, hear, hear_while_made, limited
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


@pytest.mark.parametrize("rate", [48000, 44100])
@pytest.mark.parametrize("tilt", [0.0, 0.95])
def test_loudness_in_memory_is_what_ffmpeg_hears(tmp_path: Path, media: Media, rate: int, tilt: float) -> None:
    """Of noise that swells, white and with most of it low, as speech has."""
    noise = signal.lfilter([1.0 - tilt], [1.0, -tilt], np.random.default_rng(8).normal(0.0, 0.1, 8 * rate))
    sound = noise * np.abs(np.sin(np.linspace(0, 9, 8 * rate)))
    wanted = hear(media, ffmpeg.input(str(written(tmp_path, sound, rate))).audio, "Measuring").momentary_lufs
    meter = MomentaryMeter(rate)
    for start in range(0, len(sound), 10_007):
        meter.add(sound[start : start + 10_007].astype(np.float32))
    found = meter.momentary_lufs()
    assert len(found) == pytest.approx(len(wanted), abs=1)
    count = min(len(found), len(wanted))
    # ffmpeg hears at 48 kHz, and the way there takes the last of what a noise has below 22 kHz.
    assert found[3:count] == pytest.approx(wanted[3:count], abs=0.2)


def test_less_than_a_block_has_no_loudness() -> None:
    meter = MomentaryMeter(RATE)
    meter.add(np.ones(RATE // 5, np.float32))
    assert set(meter.momentary_lufs()) == {-120.0}


def test_a_peak_that_is_heard_while_the_sound_is_made_is_the_same(tmp_path: Path, media: Media) -> None:
    sound = ffmpeg.input(str(written(tmp_path, loud()))).audio.filter("volume", "6dB")
    wanted = hear(media, sound, "Measuring", peak=True).true_peak_dbtp
    copy = tmp_path / "copy.flac"
    found = hear_while_made(media, as_nut(sound), "Making", lambda heard: [flac(heard, copy)])
    assert found.true_peak_dbtp == pytest.approx(wanted, abs=1e-6)
    assert found.true_peak_dbtp > 0.0, "float samples go beyond full scale"
    assert soundfile.info(str(copy)).frames == 2 * RATE


def test_a_sound_that_cannot_be_made_is_said_by_who_makes_it(tmp_path: Path, media: Media) -> None:
    sound = ffmpeg.input(str(tmp_path / "there is none.flac")).audio
    with pytest.raises(MediaError, match=r"^Making: .*No such file"):
        hear_while_made(media, as_nut(sound), "Making")
