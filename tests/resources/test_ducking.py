"""At risk: music that pumps, steps back too little or not at all, or a dub that is out of time, too loud or clipped."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyloudnorm
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from octavia_dag.dubbing.mixing import WINDOW_S, median_power_drop_db, window_powers
from octavia_dag.resources.ducking import duck
from octavia_dag.resources.media import Media
from octavia_dag.schema import DuckedMix, Span
from octavia_dag.settings import Mix

Sound = NDArray[np.float64]
DUB_RATE = 24000
SECONDS = 8
SPEAKS = (Span(start=1.0, end=3.0), Span(start=3.9, end=5.5), Span(start=6.4, end=7.2))


def speechlike(rate: int, seconds: float = SECONDS, level: float = 0.1) -> Sound:
    """Noise in syllables of 0.2 s, inside SPEAKS only; each stretch dies away in its last 0.15 s, as voices do."""
    sound = np.random.default_rng(5).normal(0.0, level, round(seconds * rate))
    time = np.arange(len(sound)) / rate
    left = np.max([np.where((one.start <= time) & (time < one.end), one.end - time, 0.0) for one in SPEAKS], axis=0)
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 5 * time)
    return sound * syllables * np.minimum(left / 0.15, 1.0) ** 2


@dataclass
class Scene:
    """A programme as files: its bed, the original speech, and the dub."""

    folder: Path
    media: Media
    rate: int = 48000
    channels: int = 2
    gain: float = 1.0
    dub_level: float = 0.1
    dub_seconds: float = SECONDS
    written: DuckedMix = field(init=False)

    def mixed(self, mix: Mix) -> "Scene":
        bed = np.random.default_rng(1).normal(0.0, 0.05, (SECONDS * self.rate, self.channels)) * self.gain
        vocals = np.repeat(speechlike(self.rate)[:, None], self.channels, axis=1) * self.gain
        if self.channels == 6:
            vocals[:, [0, 1, 3, 4, 5]] = 0.0
        self.write("bed", bed, self.rate)
        self.write("vocals", vocals, self.rate)
        self.write("dub", speechlike(DUB_RATE, self.dub_seconds, self.dub_level), DUB_RATE)
        self.written = duck(
            self.media,
            background=self.folder / "bed.flac",
            speech=self.folder / "dub.flac",
            vocals=self.folder / "vocals.flac",
            spans_dub=SPEAKS,
            spans_original=SPEAKS,
            out_dir=self.folder,
            mix=mix,
        )
        return self

    def write(self, name: str, sound: Sound, rate: int) -> None:
        soundfile.write(self.folder / f"{name}.flac", np.clip(sound, -1, 1), rate, subtype="PCM_16")

    def read(self, name: str) -> Sound:
        return np.asarray(soundfile.read(self.folder / f"{name}.flac", always_2d=True)[0], np.float64)

    @property
    def bed(self) -> Sound:
        return self.read("bed")

    @property
    def ducked(self) -> Sound:
        return self.read("ducked_bed")

    @property
    def result(self) -> Sound:
        return self.read("final_audio_native_music")


@pytest.fixture
def scene(tmp_path: Path, models_dir: str) -> Scene:
    return Scene(tmp_path, Media(models_dir=models_dir))


def dropped_db(before: NDArray[Any], after: NDArray[Any], rate: int, spans: Sequence[Span]) -> float | None:
    window = round(WINDOW_S * rate)
    return median_power_drop_db(window_powers(before, window), window_powers(after, window), window / rate, spans)


def reduction(scene: Scene) -> float:
    found = dropped_db(scene.bed, scene.ducked, scene.rate, SPEAKS)
    assert found is not None
    return found


@pytest.mark.parametrize("depth", [3.0, 6.0, 9.0])
def test_the_bed_steps_back_by_the_set_depth(scene: Scene, depth: float) -> None:
    assert reduction(scene.mixed(Mix(duck_depth_db=depth))) == pytest.approx(depth, abs=0.3)


def test_a_depth_the_compressor_alone_would_miss_is_reached_and_told(scene: Scene) -> None:
    scene.mixed(Mix(duck_depth_db=9.0, threshold_db=-10.0))
    assert reduction(scene) == pytest.approx(9.0, abs=0.3)
    assert any("raised" in note for note in scene.written.notes)


def test_a_depth_that_no_key_can_reach_is_told(scene: Scene) -> None:
    scene.mixed(Mix(duck_depth_db=6.0, ratio=1.0))
    assert any("6.0 dB is set" in note for note in scene.written.notes)


def test_without_depth_the_bed_is_the_background_sample_by_sample(scene: Scene) -> None:
    scene.mixed(Mix(duck_depth_db=0.0))
    assert np.array_equal(scene.ducked, scene.bed)


def test_a_quieter_programme_ducks_as_far(scene: Scene) -> None:
    loud = reduction(scene.mixed(Mix()))
    scene.gain = 10 ** (-14 / 20)
    assert reduction(scene.mixed(Mix())) == pytest.approx(loud, abs=0.5)


def test_in_gaps_the_bed_keeps_its_level_and_shape(scene: Scene) -> None:
    scene.mixed(Mix())
    for start, end in ((0.0, 1.0), (3.0, 3.9), (5.5, 6.4), (7.2, 8.0)):
        before, after = (
            one[round(start * scene.rate) : round(end * scene.rate)].ravel() for one in (scene.bed, scene.result)
        )
        assert abs(20 * math.log10(np.std(after) / np.std(before))) < 0.5
        assert np.corrcoef(before, after)[0, 1] > 0.98


def test_a_dub_shorter_than_the_bed_does_not_cut_it(scene: Scene) -> None:
    scene.dub_seconds = SECONDS - 0.7
    scene.mixed(Mix())
    assert scene.result.shape == scene.ducked.shape == scene.bed.shape


@pytest.mark.parametrize(("rate", "channels"), [(44100, 2), (16000, 1)])
def test_the_mix_has_the_backgrounds_rate_channels_and_frames(scene: Scene, rate: int, channels: int) -> None:
    scene.rate, scene.channels = rate, channels
    scene.mixed(Mix())
    assert scene.result.shape == (SECONDS * rate, channels)
    assert (scene.written.rate, scene.written.channels) == (rate, channels)


@pytest.mark.parametrize("channels", [1, 2])
def test_the_dub_is_as_loud_as_the_original_speech(scene: Scene, channels: int) -> None:
    scene.channels, scene.dub_level = channels, 0.03
    scene.mixed(Mix())
    speaking = np.concatenate([np.arange(round(s.start * scene.rate), round(s.end * scene.rate)) for s in SPEAKS])
    meter = pyloudnorm.Meter(scene.rate)
    dub = meter.integrated_loudness((scene.result - scene.ducked)[speaking])
    assert dub == pytest.approx(meter.integrated_loudness(scene.read("vocals")[speaking]), abs=0.5)


def test_in_five_point_one_the_dub_comes_from_the_centre_alone(scene: Scene) -> None:
    scene.channels = 6
    scene.mixed(Mix())
    power = np.std(scene.result - scene.ducked, axis=0)
    assert power[2] > 0.01
    assert max(np.delete(power, 2)) < 1e-4


def test_the_dub_is_in_time_to_the_millisecond(scene: Scene) -> None:
    scene.mixed(Mix())
    laid = (scene.result - scene.ducked)[:, 0]
    wanted = soxr.resample(speechlike(DUB_RATE), DUB_RATE, scene.rate)[: len(laid)]
    reach = scene.rate // 100
    lags = range(-reach, reach + 1)
    inner = slice(scene.rate, 3 * scene.rate)
    likeness = [float(np.dot(laid[inner], np.roll(wanted, lag)[inner])) for lag in lags]
    assert abs(lags[int(np.argmax(likeness))]) <= scene.rate // 1000


def test_a_sum_over_full_scale_is_limited_not_clipped(scene: Scene) -> None:
    scene.gain = 3.0
    scene.mixed(Mix(duck_depth_db=0.0))
    peak = 20 * math.log10(np.abs(soxr.resample(scene.result, scene.rate, 4 * scene.rate, quality="VHQ")).max())
    assert peak < 0.6
    assert np.mean(np.abs(scene.result) > 0.999) < 1e-4
    assert any("limited" in note for note in scene.written.notes)


def test_speech_that_cannot_be_measured_is_told(scene: Scene) -> None:
    scene.gain = 0.0
    scene.mixed(Mix())
    assert scene.written.speech_gain_db == 0.0
    assert any("too soft" in note for note in scene.written.notes)


def test_real_music_steps_back_and_is_untouched_before_the_first_word(scene: Scene, media_dir: Path) -> None:
    folder = media_dir / "dialogue"
    truth = json.loads((folder / "truth.json").read_text())
    spans = [Span(start=one["start"], end=one["end"]) for one in truth["segments"]]
    rate = 48000
    music = np.asarray(soundfile.read(folder / "music.flac")[0], np.float64)
    speech = np.asarray(soundfile.read(folder / "speech.flac")[0], np.float64).mean(axis=1)
    scene.write("dub", soxr.resample(speech, rate, DUB_RATE), DUB_RATE)
    written = duck(
        scene.media,
        background=folder / "music.flac",
        speech=scene.folder / "dub.flac",
        vocals=folder / "speech.flac",
        spans_dub=spans,
        spans_original=spans,
        out_dir=scene.folder,
        mix=Mix(),
    )
    assert dropped_db(music, scene.ducked, rate, spans) == pytest.approx(6.0, abs=0.3)
    assert written.median_reduction_db == pytest.approx(6.0, abs=0.3)
    assert np.array_equal(scene.ducked[: 4 * rate], music[: 4 * rate])


def test_without_music_the_bed_is_silence_of_the_same_length(scene: Scene) -> None:
    scene.mixed(Mix(keep_music=False))
    assert scene.ducked.shape == scene.bed.shape
    assert not scene.ducked.any()
    assert scene.written.median_reduction_db is None


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_without_music_the_dub_alone_is_as_loud_as_the_original_speech(scene: Scene, channels: int) -> None:
    scene.channels, scene.dub_level = channels, 0.03
    scene.mixed(Mix(keep_music=False))
    assert scene.result.shape == scene.bed.shape
    assert scene.written.speech_lufs == pytest.approx(scene.written.original_speech_lufs, abs=0.1)
    assert not scene.result[: round(0.9 * scene.rate)].any()
