"""At risk: a voice that is cloned from noise, from distortion, or from less than there is."""

from itertools import pairwise

import numpy as np
import pytest

from octavia_dag.dubbing.references import LEAST_S, WINDOW_S, best_segments, clearness_db, clipped
from octavia_dag.schema import Span

HZ = 16000


def talk(seconds: float, noise: float) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """Half a second of a tone, half of a pause, again and again, over noise."""
    t = np.arange(round(seconds * HZ)) / HZ
    tone = 0.2 * np.sin(2 * np.pi * 150 * t) * (t % 1.0 < 0.5)
    return (tone + np.random.default_rng(1).normal(0, noise, len(t))).astype(np.float32)


def test_clearness_is_the_level_of_speech_over_that_of_the_pauses() -> None:
    expected = 20 * np.log10(0.2 / np.sqrt(2) / 0.002)
    assert clearness_db(talk(6, 0.002), HZ) == pytest.approx(expected, abs=1.0)


def test_the_clear_half_is_taken_wherever_it_is() -> None:
    for loud_first in (True, False):
        parts = [talk(9, 0.05), talk(9, 0.001)]
        sound = np.concatenate(parts if loud_first else parts[::-1])
        found = best_segments(sound, HZ, [Span(start=0, end=18)], seconds=9)
        assert found == (Span(start=9, end=18) if loud_first else Span(start=0, end=9),)


def test_a_clipped_stretch_is_left_out_however_clear_it_is() -> None:
    sound = talk(12, 0.001)
    sound[3 * HZ : 6 * HZ] = np.clip(sound[3 * HZ : 6 * HZ] * 20, -1, 1)
    assert clipped(sound)
    assert best_segments(sound, HZ, [Span(start=0, end=12)], seconds=12) == (
        Span(start=0, end=3),
        Span(start=6, end=12),
    )


def test_where_all_is_clipped_something_is_taken_all_the_same() -> None:
    sound = np.clip(talk(6, 0.001) * 20, -1, 1)
    assert sum(one.seconds for one in best_segments(sound, HZ, [Span(start=0, end=6)], seconds=30)) == WINDOW_S


def test_a_single_peak_at_full_scale_is_no_clipping() -> None:
    sound = talk(3, 0.001)
    sound[100] = 1.0
    assert not clipped(sound)


@pytest.mark.parametrize("seconds", [0.5, 1.0, 3.3, 7.0, 40.0])
def test_it_is_of_the_segments_in_time_and_never_more_than_asked(seconds: float) -> None:
    segments = [Span(start=0.5, end=0.5 + seconds), Span(start=50, end=52)]
    found = best_segments(talk(60, 0.01), HZ, segments, seconds=30)
    assert found
    assert all(any(s.start <= one.start and one.end <= s.end for s in segments) for one in found)
    assert all(a.end < b.start for a, b in pairwise(found))
    total = sum(one.seconds for one in found)
    assert total <= 30
    if seconds + 2 <= 30:
        assert found == tuple(segments), "where all fits, all of it"
    else:
        assert total > 30 - WINDOW_S - LEAST_S
