"""At risk: a line that starts late because of its own silence, a word clipped, a click."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavia_dag.dubbing.trimming import Samples, faded, onset_s, pauses, trimmed

HZ = 24000


def tone(seconds: float) -> Samples:
    return (0.5 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * HZ)) / HZ)).astype(np.float32)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * HZ), np.float32)


@given(st.floats(0, 0.5), st.floats(0.05, 1), st.floats(0, 0.5))
def test_silence_goes_and_speech_stays(before: float, speech: float, after: float) -> None:
    sound = trimmed(np.concatenate([silence(before), tone(speech), silence(after)]), HZ)
    assert speech - 0.001 <= len(sound) / HZ <= speech + 0.041


def test_speech_loses_nothing_but_the_fades() -> None:
    whole = np.concatenate([silence(0.2), tone(0.5), silence(0.3)])
    sound = trimmed(whole, HZ)
    energy = float(np.sum(sound.astype(np.float64) ** 2) / np.sum(whole.astype(np.float64) ** 2))
    assert energy == pytest.approx(1.0, abs=1e-3)


def test_what_is_40_db_under_the_peak_is_silence_and_what_is_30_db_under_is_not() -> None:
    quiet = tone(0.2)
    assert onset_s(np.concatenate([quiet * 0.005, tone(0.3)]), HZ) == pytest.approx(0.2, abs=0.011)
    assert onset_s(np.concatenate([quiet * 0.03, tone(0.3)]), HZ) == 0.0


def test_a_silent_sound_has_no_onset_and_is_trimmed_to_nothing() -> None:
    assert onset_s(silence(0.3), HZ) is None
    assert len(trimmed(silence(0.3), HZ)) == 0
    assert len(trimmed(silence(0.0), HZ)) == 0


def test_ends_are_faded_to_nothing() -> None:
    sound = faded(np.ones(HZ, np.float32), HZ)
    assert sound[0] == 0
    assert sound[-1] == 0
    assert sound[HZ // 2] == 1
    assert np.all(np.diff(sound[: HZ // 200]) > 0)


def test_pauses_are_found_where_they_are() -> None:
    sound = np.concatenate([tone(0.5), silence(0.2), tone(0.5), silence(0.05), tone(0.5)])
    assert pauses(sound, HZ, shortest_s=0.1) == [pytest.approx((0.5, 0.7), abs=0.011)]
