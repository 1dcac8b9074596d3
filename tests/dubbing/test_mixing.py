"""At risk: a bed that steps back by another depth than the set one, and a dub louder than the people it replaces."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from octavia_dag.dubbing import mixing
from octavia_dag.schema import Span

RATE = 8000


def noise(seconds: float, level: float = 0.1) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.random.default_rng(3).normal(0.0, level, round(seconds * RATE))


@given(own=st.floats(0.2, 40.0), share=st.floats(0.01, 0.99))
def test_the_wet_share_turns_the_compressors_own_reduction_into_the_depth(own: float, share: float) -> None:
    depth = own * share
    wet = mixing.wet_for_depth(depth, own)
    left = wet * 10 ** (-own / 20) + 1 - wet
    assert -20 * math.log10(left) == pytest.approx(depth, abs=1e-9)


def test_no_depth_means_nothing_of_the_compressed_bed() -> None:
    assert mixing.wet_for_depth(0.0, 12.0) == 0.0


def test_a_depth_beyond_the_compressors_own_takes_all_of_it() -> None:
    assert mixing.wet_for_depth(9.0, 4.0) == 1.0


def test_a_louder_key_reaches_the_depth_on_the_compressors_slope() -> None:
    ratio, over_threshold = 8.0, 2.0
    own = over_threshold * (1 - 1 / ratio)
    boosted = (over_threshold + mixing.key_boost_db(6.0, own, ratio)) * (1 - 1 / ratio)
    assert 6.0 <= boosted <= 6.5


def test_a_key_that_reaches_the_depth_is_not_raised() -> None:
    assert mixing.key_boost_db(6.0, 6.0, 8.0) == 0.0


def test_a_ratio_of_one_can_never_reach_a_depth() -> None:
    assert math.isinf(mixing.key_boost_db(6.0, 0.0, 1.0))


def reduction(before: NDArray[np.float64], after: NDArray[np.float64], spans: list[Span]) -> float | None:
    window = round(mixing.WINDOW_S * RATE)
    levels = mixing.window_powers(before, window), mixing.window_powers(after, window)
    return mixing.median_power_drop_db(*levels, window / RATE, spans)


def test_the_median_reduction_is_that_inside_the_spans() -> None:
    before = noise(4.0)
    after = before.copy()
    after[RATE : 2 * RATE] *= 0.5
    after[3 * RATE :] *= 0.1
    found = reduction(before, after, [Span(start=1.0, end=2.0)])
    assert found == pytest.approx(20 * math.log10(2), abs=1e-6)


def test_a_bed_that_is_silent_inside_the_spans_has_no_reduction() -> None:
    silent = np.zeros(RATE)
    assert reduction(silent, silent, [Span(start=0.2, end=0.8)]) is None


def test_windows_outside_every_span_are_not_counted() -> None:
    marks = mixing.inside(20, 0.1, 0.4, [Span(start=0.5, end=1.2), Span(start=1.1, end=1.5)])
    assert list(np.flatnonzero(marks)) == [5, 6, 7, 8, 9, 10, 11]


def test_a_span_too_short_for_a_window_is_still_heard() -> None:
    assert list(np.flatnonzero(mixing.inside(20, 0.1, 0.4, [Span(start=1.0, end=1.2)]))) == [9]


def test_loudness_is_that_of_the_blocks_inside_the_spans() -> None:
    momentary = np.full(100, -10.0)
    momentary[23:50] = -30.0
    assert mixing.gated_lufs(momentary, [Span(start=2.0, end=5.0)]) == pytest.approx(-30.0)


def test_blocks_ten_units_below_the_speech_are_pauses() -> None:
    momentary = np.full(60, -20.0)
    momentary[30:] = -45.0
    assert mixing.gated_lufs(momentary, [Span(start=0.0, end=6.0)]) == pytest.approx(-20.0)


def test_silence_has_no_loudness() -> None:
    assert mixing.gated_lufs(np.full(50, -90.0), [Span(start=0.0, end=5.0)]) is None


@pytest.mark.parametrize(
    ("channels", "carriers"), [(1, ("FC",)), (2, ("FL", "FR")), (3, ("FC",)), (4, ("FL", "FR")), (6, ("FC",))]
)
def test_the_dub_goes_to_the_centre_or_to_both_sides(channels: int, carriers: tuple[str, ...]) -> None:
    assert mixing.speech_channels(channels) == carriers


def test_one_sound_in_two_channels_is_three_units_louder() -> None:
    assert mixing.placement_db(2) == pytest.approx(3.01, abs=0.001)
