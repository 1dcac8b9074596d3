"""The orchestration ratio divides by the union of work intervals: overlapping work must count once."""

import pytest

from octavia_dag.resources.stopwatch import Interval, busy, intervals, union_seconds


def _interval(start: float, end: float) -> Interval:
    return Interval("engine", "x", start, end)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], 0.0),
        ([(0, 1), (2, 3)], 2.0),
        ([(0, 2), (1, 3)], 3.0),
        ([(0, 10), (1, 2), (3, 4)], 10.0),
        ([(3, 4), (0, 1)], 2.0),
    ],
)
def test_the_union_counts_overlapping_work_once(spans: list[tuple[float, float]], expected: float) -> None:
    assert union_seconds([_interval(*span) for span in spans]) == expected


def test_work_that_fails_is_recorded_too() -> None:
    with pytest.raises(ValueError, match="no"), busy("engine", "failing"):
        raise ValueError("no")
    assert "failing" in [one.name for one in intervals()]
