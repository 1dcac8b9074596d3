"""Where things stand in a report's charts."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavia_dag.dubbing.charts import clock, outline, rate_height, share, ticks


@given(st.floats(0.0, 20000.0), st.floats(0.1, 20000.0))
def test_nothing_stands_outside_of_a_chart(value: float, whole: float) -> None:
    assert 0.0 <= share(value, whole) <= 100.0
    assert 0.0 <= rate_height(value) <= 100.0


def test_a_chart_of_nothing_has_everything_at_its_beginning() -> None:
    assert share(3.0, 0.0) == 0.0


@given(st.floats(0.5, 30000.0))
def test_marks_are_even_and_not_too_many(seconds: float) -> None:
    places = [place for place, _ in ticks(seconds, 10)]
    assert places[0] == 0.0
    assert len(places) <= 11
    assert np.ptp(np.diff(places)) < 0.01 if len(places) > 2 else True


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0:00"), (59.9, "0:59"), (61, "1:01"), (3599, "59:59"), (3661, "1:01:01")]
)
def test_times_are_told_as_on_a_clock(seconds: float, told: str) -> None:
    assert clock(seconds) == told


def test_a_faster_line_stands_higher() -> None:
    heights = [rate_height(rate) for rate in (0.85, 1.0, 1.2, 1.3)]
    assert heights == sorted(heights, reverse=True)


def test_an_outline_goes_over_the_tops_and_back_under_the_bottoms() -> None:
    low, high = np.array([-0.5, -0.25], np.float32), np.array([0.25, 0.5], np.float32)
    found = [float(number) for number in re.findall(r"[\d.]+", outline(low, high))]
    assert found == [0, 0.5, 1, 0, 1, 1.5, 0, 2]


def test_silence_is_a_line_in_the_middle() -> None:
    still = np.zeros(3, np.float32)
    found = [float(number) for number in re.findall(r"[\d.]+", outline(still, still))]
    assert set(found[1::2]) == {1.0}
