"""A window must hold its speech, nothing twice, and tell the true time of every moment."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from octavia_dag.dubbing.windows import PAUSE_S, WINDOW_S, halves, pack_windows, split_long, unheard
from octavia_dag.schema import Span, Word

RATE = 100


def spans(*edges: tuple[float, float]) -> list[Span]:
    return [Span(start=start, end=end) for start, end in edges]


def ramp(seconds: float) -> NDArray[np.float32]:
    """A sound whose every sample is its own time."""
    return np.arange(round(seconds * RATE)).astype(np.float32) / np.float32(RATE)


@given(st.lists(st.tuples(st.floats(0.3, 20), st.floats(0.0, 30)), min_size=1, max_size=12))
def test_speech_is_heard_once_in_windows_that_are_short_enough(parts: list[tuple[float, float]]) -> None:
    regions: list[Span] = []
    at = 0.0
    for speech, pause in parts:
        regions.append(Span(start=at + pause, end=at + pause + speech))
        at += pause + speech
    windows = pack_windows(regions, at + 1)
    assert [region for window in windows for region in window.regions] == regions
    pieces = [piece for window in windows for piece in window.pieces]
    assert all(before.end <= after.start + 0.001 for before, after in pairwise(pieces))
    for window in windows:
        assert sum(piece.seconds for piece in window.pieces) <= WINDOW_S + 0.01
        for region in window.regions:
            assert any(piece.start <= region.start and region.end <= piece.end for piece in window.pieces)


def test_a_long_pause_is_shortened_and_times_are_mapped_back() -> None:
    window = pack_windows(spans((1, 2), (9, 10)), 12)[0]
    heard = window.cut(ramp(12), RATE)
    assert len(heard) == round((2 + 2 * PAUSE_S) * RATE)
    for index in range(5, len(heard), 10):
        assert window.source_time(index / RATE) == pytest.approx(heard[index], abs=0.02)


def test_windows_are_parted_at_the_longest_pause() -> None:
    windows = pack_windows(spans((0, 10), (10.4, 17), (18.2, 24), (24.5, 29), (29.5, 40)), 41)
    assert windows[0].regions[-1].end == 17


def test_endless_speech_is_parted_where_it_is_quietest() -> None:
    sound = np.ones(60 * RATE, np.float32)
    sound[20 * RATE : 20 * RATE + 20] = 0
    parts = split_long(spans((0, 40)), sound, RATE, max_s=27)
    assert len(parts) == 2
    assert parts[0].end == parts[1].start == pytest.approx(20.1, abs=0.1)


def test_regions_without_a_word_and_long_wordless_stretches_are_unheard() -> None:
    window = pack_windows(spans((0, 4), (5, 6), (7, 8), (9, 10)), 11)[0]
    words = [(0, Word(start=0.0, end=1.0, text="a")), (0, Word(start=3.5, end=4.0, text="b"))]
    last = [(3, Word(start=9.0, end=9.9, text="c"))]
    missed = unheard([*words, *last], window)
    assert [one.regions for one in missed] == [tuple(spans((5, 6), (7, 8))), tuple(spans((1, 3.5)))]


def test_nothing_is_heard_again_in_the_same_way() -> None:
    window = pack_windows(spans((0, 4), (5, 6)), 11)[0]
    assert [one.regions for one in unheard([], window)] == [tuple(spans((0, 4))), tuple(spans((5, 6)))]
    assert unheard([], pack_windows(spans((0, 4)), 11)[0]) == []


def test_halves_share_the_regions_and_no_sound() -> None:
    first, second = halves(pack_windows(spans((0, 4), (5, 6), (7, 8)), 11)[0])
    assert len(first.regions) + len(second.regions) == 3
    assert first.pieces[-1].end <= second.pieces[0].start
