"""At risk: speech changed by a stretched pause, a line longer than its room, a rhythm changed for nothing."""

import numpy as np
import pytest

from octavia_dag.dubbing.pausing import follow_pauses, iou
from octavia_dag.dubbing.trimming import Samples, pauses
from octavia_dag.schema import Line, Word

HZ = 24000


def tone(seconds: float) -> Samples:
    return (0.5 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * HZ)) / HZ)).astype(np.float32)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * HZ), np.float32)


def original(pause_s: float) -> Line:
    """Speaks for 2 s, pauses, speaks for 2 s, from 10 s on."""
    words = (
        Word(start=10, end=12, text="one"),
        Word(start=12 + pause_s, end=14 + pause_s, text="two"),
    )
    return Line(id="1", speaker="A", start=10, end=14 + pause_s, text="one two", words=words)


DUB = np.concatenate([tone(1.9), silence(0.15), tone(2.0)])


def test_the_second_half_starts_with_the_originals_second_half() -> None:
    found = follow_pauses(DUB, HZ, original(0.65), room_s=6.0)
    assert pauses(found, HZ, shortest_s=0.1) == [pytest.approx((1.9, 2.65), abs=0.011)]


def test_only_silence_is_added_inside_a_silence() -> None:
    found = follow_pauses(DUB, HZ, original(0.65), room_s=6.0)
    added = len(found) - len(DUB)
    at = round((1.9 + 0.075) * HZ)
    assert np.array_equal(np.delete(found, np.arange(at - 100, at - 100 + added)), DUB)


def test_a_line_stays_as_it_is_where_its_room_does_not_allow_more() -> None:
    assert follow_pauses(DUB, HZ, original(0.65), room_s=4.2) is DUB


def test_a_line_stays_as_it_is_where_its_original_does_not_pause() -> None:
    assert follow_pauses(DUB, HZ, original(0.3), room_s=9.0) is DUB


def test_a_line_without_a_pause_of_its_own_stays_as_it_is() -> None:
    whole = tone(4.0)
    assert follow_pauses(whole, HZ, original(0.65), room_s=9.0) is whole


def test_iou_is_that_of_the_lengths() -> None:
    assert iou([(0, 2)], [(1, 3)]) == pytest.approx(1 / 3)
    assert iou([(0, 1), (2, 3)], [(0, 1), (2, 3)]) == pytest.approx(1.0)
    assert iou([], []) == 0.0
