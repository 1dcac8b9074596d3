"""Pitch is right on sounds whose pitch is known, and says 0 where there is none."""

import numpy as np
import pytest
from numpy.typing import NDArray

from octavia_dag.dubbing.pitch import median_pitch_hz, pitch_track

RATE_HZ = 16000
TIME = np.arange(RATE_HZ) / RATE_HZ


def voice(hz: float, weights: list[float]) -> NDArray[np.float32]:
    """A second of harmonics."""
    heard = [(k, w) for k, w in enumerate(weights, 1) if hz * k < RATE_HZ / 2]
    return np.sum([w * np.sin(2 * np.pi * hz * k * TIME + k) for k, w in heard], axis=0).astype(np.float32)


@pytest.mark.parametrize("hz", [70.0, 98.7, 117.0, 146.8, 197.0, 261.6, 330.0, 390.0])
@pytest.mark.parametrize("weights", [[1.0], [1 / k for k in range(1, 12)], [0.3, 1.0, 0.2, 0.5, 0.2]])
def test_a_tone_has_its_pitch_within_half_a_percent(hz: float, weights: list[float]) -> None:
    assert median_pitch_hz(voice(hz, weights), RATE_HZ) == pytest.approx(hz, rel=0.005)


def test_a_missing_fundamental_is_still_the_pitch() -> None:
    assert median_pitch_hz(voice(110, [0, 1, 1, 1, 1, 1]), RATE_HZ) == pytest.approx(110, rel=0.005)


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, RATE_HZ).astype(np.float32)
    assert median_pitch_hz(noise, RATE_HZ) == 0.0
    assert median_pitch_hz(np.zeros(RATE_HZ, np.float32), RATE_HZ) == 0.0
    assert median_pitch_hz(np.zeros(10, np.float32), RATE_HZ) == 0.0


def test_a_glide_is_followed() -> None:
    glide = np.sin(2 * np.pi * (120 * TIME + 40 * TIME**2)).astype(np.float32)
    track = pitch_track(glide, RATE_HZ)
    expected = 120 + 80 * (np.arange(len(track)) * 0.01 + 0.025)
    assert np.median(np.abs(track - expected)) < 3


def test_pitch_does_not_depend_on_the_level() -> None:
    sound = voice(150, [1, 0.5, 0.3])
    assert median_pitch_hz(sound * np.float32(1e-3), RATE_HZ) == pytest.approx(
        median_pitch_hz(sound, RATE_HZ), rel=1e-3
    )
