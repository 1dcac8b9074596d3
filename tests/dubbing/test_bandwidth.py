"""At risk: a telephone that is taken for a microphone, so that its voices are trusted, or the other way round."""

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from octavia_dag.dubbing.bandwidth import narrow
from octavia_dag.dubbing.clustering import Vectors


def spoken(rate: int, *, below: float | None = None, tilt: int = 1, level: float = 0.05, seconds: float = 4) -> Vectors:
    """Noise that falls off like a voice, `tilt` orders from 500 Hz on, in syllables; nothing of it above `below` Hz."""
    noise = np.random.default_rng(0).standard_normal(round(rate * seconds))
    noise *= np.sin(2 * np.pi * 2 * np.arange(len(noise)) / rate) > -0.3
    noise = sosfilt(butter(tilt, 500, fs=rate, output="sos"), noise)
    if below is not None:
        noise = sosfilt(butter(20, below, fs=rate, output="sos"), noise)
    written = np.round(noise / np.std(noise) * level * 32767) / 32767  # as 16 bits hold it
    return written.astype(np.float32)


@pytest.mark.parametrize("rate", [16000, 24000, 48000])
@pytest.mark.parametrize("level", [0.2, 0.05, 0.001])
def test_what_ends_where_a_telephone_does_is_narrow_however_quiet(rate: int, level: float) -> None:
    assert narrow(spoken(rate, below=3400, level=level), rate)


@pytest.mark.parametrize("rate", [16000, 24000, 48000])
@pytest.mark.parametrize("level", [0.2, 0.05, 0.01])
def test_what_goes_on_above_it_is_not(rate: int, level: float) -> None:
    assert not narrow(spoken(rate, level=level), rate)
    assert not narrow(spoken(rate, tilt=2, level=level), rate), "a dull voice neither: 40 dB less at the top"


def test_what_was_recorded_at_a_telephone_s_rate_is_narrow() -> None:
    assert narrow(spoken(8000), 8000)


@pytest.mark.parametrize("samples", [0, 100, 16000])
def test_silence_tells_nothing_and_is_not_trusted(samples: int) -> None:
    assert narrow(np.zeros(samples, np.float32), 16000)
