"""The music score tells music from speech, from noise, and from what a separator leaves of a voice."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from octavia_dag.dubbing.music import music_score, tonal_share
from octavia_dag.resources.embedded.separator import DeepFilterSeparator
from octavia_dag.resources.media import Media
from octavia_dag.resources.probe import probe_video, source_blocks

Samples = NDArray[np.float32]
Scored = Callable[[Samples, int], float]


def load(path: Path) -> tuple[Samples, int]:
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return sound.mean(axis=1, dtype=np.float32), rate


@pytest.fixture(scope="module")
def stems(media_dir: Path) -> tuple[Samples, Samples, int]:
    speech, rate = load(media_dir / "dialogue/speech.flac")
    music, _ = load(media_dir / "dialogue/music.flac")
    return speech, music, rate


@pytest.fixture(scope="module")
def scored(models_dir: str) -> Scored:
    separator = DeepFilterSeparator(models_dir=models_dir)

    def score(mix: Samples, rate: int) -> float:
        blocks = (mix[at : at + rate, None] for at in range(0, len(mix), rate))
        background = np.concatenate(list(separator.background(blocks, rate)))[:, 0]
        return music_score(mix, background, rate)

    return score


def test_music_alone_scores_above_08(stems: tuple[Samples, Samples, int], scored: Scored) -> None:
    _, music, rate = stems
    assert scored(music, rate) > 0.8


@pytest.mark.parametrize("name", ["dialogue/speech.flac", "jfk.flac", "katiesteve.wav"])
def test_speech_alone_scores_below_02(name: str, media_dir: Path, scored: Scored) -> None:
    assert scored(*load(media_dir / name)) < 0.2


@pytest.mark.parametrize("name", ["englishvideo.mp4", "cast/cast4.mp4"])
def test_a_video_of_speech_in_rooms_scores_below_02(
    name: str, media_dir: Path, models_dir: str, scored: Scored
) -> None:
    media = Media(models_dir=models_dir)
    source = probe_video(media, media_dir / name, "0" * 64, None)
    assert source.chosen is not None
    sound = np.concatenate(list(source_blocks(media, media_dir / name, source)))
    assert scored(sound.mean(axis=1, dtype=np.float32), source.chosen.rate) < 0.2


def test_the_score_rises_with_the_bed(stems: tuple[Samples, Samples, int], scored: Scored) -> None:
    speech, music, rate = stems
    speech, music = speech[: 24 * rate], music[: 24 * rate]
    gains = [10 ** (bed_db / 20) for bed_db in (-20, -10, 0)]
    scores = [scored((speech + gain * music).astype(np.float32), rate) for gain in gains]
    assert scores[0] < scores[1] < scores[2]
    assert scores[2] > 0.8


def test_the_true_stems_give_the_same_answer(stems: tuple[Samples, Samples, int]) -> None:
    speech, music, rate = stems
    assert music_score(music, music, rate) == 1.0
    assert music_score(speech, np.zeros_like(speech), rate) == 0.0
    assert music_score(speech + music, music, rate) == 1.0


def test_noise_as_loud_as_the_speech_is_not_music() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 10 * 16000).astype(np.float32)
    assert music_score(noise, noise, 16000) == 0.0


def test_a_chord_more_than_25_db_under_the_speech_does_not_count() -> None:
    time = np.arange(5 * 16000) / 16000
    chord = np.sum([np.sin(2 * np.pi * hz * time) for hz in (220, 277, 330)], axis=0).astype(np.float32)
    speech = np.random.default_rng(0).normal(0, 0.1, len(chord)).astype(np.float32)
    chord *= np.sqrt(np.mean(speech**2) / np.mean(chord**2))
    assert music_score(speech, np.float32(10 ** (-24 / 20)) * chord, 16000) == 1.0
    assert music_score(speech, np.float32(10 ** (-26 / 20)) * chord, 16000) == 0.0


def test_windows_in_which_nothing_sounds_are_not_asked() -> None:
    time = np.arange(2 * 16000) / 16000
    tone = (0.1 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    mix = np.concatenate([np.zeros_like(tone), np.float32(1e-2) * tone, tone])
    assert music_score(mix, mix, 16000) == 1.0
    assert music_score(mix, np.concatenate([mix[: 2 * len(tone)], 0 * tone]), 16000) == 0.0
    assert music_score(np.zeros(16000, np.float32), np.zeros(16000, np.float32), 16000) == 0.0


def test_a_tone_is_all_peaks_and_noise_hardly_any() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000).astype(np.float32)
    assert tonal_share(tone, 16000) > 0.99
    assert tonal_share(np.random.default_rng(0).normal(size=16000).astype(np.float32), 16000) < 0.03
