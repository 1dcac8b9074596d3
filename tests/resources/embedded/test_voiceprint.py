"""The voiceprint's front end is the one the model was trained on, and people are told apart whatever their level."""

from pathlib import Path

import numpy as np
import pytest
from recordings import sound_16k
from scipy.signal import get_window

from octavia_dag.errors import EngineError
from octavia_dag.resources.embedded.voiceprint import (
    RATE_HZ,
    WINDOW_FRAMES,
    Voiceprint,
    levelled,
    log_mel,
    window_at,
)
from octavia_dag.resources.engines import Samples

READERS = ("1688-142285", "1998-15444", "2033-164914", "2414-128291")


@pytest.fixture(scope="module")
def voiceprint(models_dir: str) -> Voiceprint:
    return Voiceprint(models_dir)


@pytest.fixture(scope="module")
def readers(media_dir: Path, models_dir: str) -> list[Samples]:
    return [sound_16k(media_dir / "librispeech" / f"{reader}-0001.flac", models_dir) for reader in READERS]


def slaney_mel(hz: float) -> float:
    """The Auditory Toolbox's scale: 15 mels to 1000 Hz, then 27 to 6400 Hz."""
    return 3 * hz / 200 if hz < 1000 else 15 + 27 * np.log(hz / 1000) / np.log(6.4)


def mel_frame_by_definition(frame: np.ndarray) -> np.ndarray:
    """One frame's 40 mel energies, bin by bin, as the front end is described."""
    window = np.zeros(512)
    window[56:456] = get_window("hamming", 400)
    padded = np.fft.fft(frame * window)
    power = [abs(padded[k]) ** 2 for k in range(257)]
    top = slaney_mel(8000)
    hz_of = np.interp(np.linspace(0, top, 42), [slaney_mel(h) for h in range(8001)], range(8001))
    energies: list[float] = []
    for band in range(40):
        low, mid, high = hz_of[band : band + 3]
        total = 0.0
        for k in range(257):
            hz = k * 16000 / 512
            if low < hz < high:
                total += power[k] * ((hz - low) / (mid - low) if hz <= mid else (high - hz) / (high - mid))
        energies.append(total * 2 / (high - low))
    return np.array(energies)


def test_log_mels_follow_their_definition() -> None:
    sound = np.random.default_rng(3).normal(0, 0.1, 4000).astype(np.float32)
    mels = log_mel(sound)
    assert mels.shape == (1 + (4000 - 512) // 160, 40)
    for number in (0, 7, len(mels) - 1):
        expected = np.log10(mel_frame_by_definition(sound[number * 160 : number * 160 + 512]) + 1e-10)
        np.testing.assert_allclose(mels[number], expected, atol=2e-3)


def test_a_long_sound_in_blocks_is_the_same_as_whole() -> None:
    sound = np.random.default_rng(4).normal(0, 0.1, RATE_HZ * 40).astype(np.float32)
    at = 3100
    np.testing.assert_allclose(log_mel(sound)[at], log_mel(sound[at * 160 : at * 160 + 512])[0], atol=1e-4)


def test_an_embedding_is_the_mean_of_half_overlapped_windows(voiceprint: Voiceprint, readers: list[Samples]) -> None:
    sound = readers[0][: RATE_HZ * 3]
    mels = levelled(log_mel(sound))
    windows = [window_at(mels, at) for at in range(0, len(mels) - WINDOW_FRAMES + 1, 40)]
    mean = np.mean([voiceprint.embed_windows([window])[0] for window in windows], axis=0)
    assert float(voiceprint.embed(sound) @ mean / np.linalg.norm(mean)) > 0.998  # int8: a batch shares its scale


def test_people_are_nearer_to_themselves_than_to_others(voiceprint: Voiceprint, readers: list[Samples]) -> None:
    halves = [(sound[: len(sound) // 2], sound[len(sound) // 2 :]) for sound in readers]
    firsts, seconds = (np.stack([voiceprint.embed(pair[side]) for pair in halves]) for side in (0, 1))
    cosines = firsts @ seconds.T
    assert cosines.diagonal().min() > 0.75
    assert cosines[~np.eye(len(readers), dtype=bool)].max() < 0.65


@pytest.mark.parametrize("gain_db", [-30.0, 12.0])
def test_a_voice_is_the_same_at_another_level(voiceprint: Voiceprint, readers: list[Samples], gain_db: float) -> None:
    sound = readers[1][: RATE_HZ * 4]
    louder = sound * np.float32(10 ** (gain_db / 20))
    assert float(voiceprint.embed(sound) @ voiceprint.embed(louder)) > 0.98


def test_a_short_sound_is_repeated_not_padded(voiceprint: Voiceprint, readers: list[Samples]) -> None:
    whole = voiceprint.embed(readers[2])
    short = readers[2][RATE_HZ * 2 : RATE_HZ * 2 + RATE_HZ // 2]
    padded = np.concatenate([short, np.zeros(RATE_HZ // 2, np.float32)])
    assert float(voiceprint.embed(short) @ whole) > float(voiceprint.embed(padded) @ whole)


def test_too_little_sound_is_refused(voiceprint: Voiceprint) -> None:
    with pytest.raises(EngineError, match=r"0\.4 s"):
        voiceprint.embed(np.zeros(RATE_HZ // 4, np.float32))
