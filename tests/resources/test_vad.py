"""Voice activity is what times are judged by: it must be right, repeatable, and one window for each 512 samples."""

from pathlib import Path

import numpy as np
import pytest
from recordings import regions_of, sound_16k

from octavia_dag.resources.vad import WINDOW_S, speech_probabilities


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


def test_a_hand_timed_recording_is_met_within_a_tenth_of_a_second(media_dir: Path, models_dir: str) -> None:
    regions = regions_of(sound_16k(media_dir / "englishvideo.mp4", models_dir))
    for start in (1.263, 5.245, 7.608):
        assert min(abs(region.start - start) for region in regions) <= 0.1
    for end in (3.946, 6.629, 8.688):
        assert min(abs(region.end - end) for region in regions) <= 0.1


@pytest.mark.parametrize("name", ["tone_no_speech.mp4", "dialogue/music.flac"])
def test_a_tone_and_music_hold_no_speech(media_dir: Path, models_dir: str, name: str) -> None:
    assert regions_of(sound_16k(media_dir / name, models_dir)) == []
