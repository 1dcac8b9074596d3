"""Regions are where lines begin and end: their edges, their shortest pause and their padding must be exact."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from octavia_dag.dubbing.regions import distance_s, first_speech, nearest, overlap_s, speech_regions
from octavia_dag.schema import Span


def probabilities(*runs: tuple[float, int]) -> NDArray[np.float32]:
    return np.concatenate([np.full(count, value, np.float32) for value, count in runs])


def regions(
    given_: NDArray[np.float32], pad_s: float = 0.0, min_speech_s: float = 0.25, duration_s: float | None = None
) -> list[tuple[float, float]]:
    found = speech_regions(
        given_,
        window_s=0.1,
        threshold=0.5,
        min_silence_s=0.3,
        min_speech_s=min_speech_s,
        pad_s=pad_s,
        duration_s=duration_s,
    )
    return [(one.start, one.end) for one in found]


def test_speech_begins_at_the_threshold_and_ends_where_silence_began() -> None:
    assert regions(probabilities((0, 10), (0.9, 10), (0, 10))) == [(1.0, 2.0)]


def test_a_probability_a_little_below_the_threshold_keeps_speech_going() -> None:
    assert regions(probabilities((0.9, 5), (0.4, 10), (0.9, 5), (0, 5))) == [(0.0, 2.0)]


def test_a_probability_a_little_below_the_threshold_begins_no_speech() -> None:
    assert regions(probabilities((0.4, 20))) == []


def test_a_pause_of_the_shortest_silence_cuts_and_a_shorter_one_does_not() -> None:
    assert regions(probabilities((0.9, 5), (0, 3), (0.9, 5))) == [(0.0, 0.5), (0.8, 1.3)]
    assert regions(probabilities((0.9, 5), (0, 2), (0.9, 5))) == [(0.0, 1.2)]


def test_a_click_is_no_speech() -> None:
    assert regions(probabilities((0, 5), (0.9, 2), (0, 5))) == []


def test_padding_never_leaves_the_sound() -> None:
    padded = regions(probabilities((0.9, 5), (0, 5), (0.9, 5)), pad_s=0.1, duration_s=1.45)
    assert padded == [(0.0, 0.6), (0.9, 1.45)]


@given(st.lists(st.sampled_from([0.0, 0.4, 0.6, 1.0]), max_size=80), st.floats(0, 0.5))
def test_regions_are_sorted_apart_and_inside(values: list[float], pad_s: float) -> None:
    found = regions(np.array(values, np.float32), pad_s=pad_s)
    edges = [edge for region in found for edge in region]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(values) * 0.1 + 1e-6 for edge in edges)


def test_the_first_speech_is_cut_to_the_seconds_asked_for() -> None:
    speech = [Span(start=10, end=20), Span(start=50, end=60), Span(start=70, end=80)]
    assert first_speech(speech, 15) == [Span(start=10, end=20), Span(start=50, end=55)]
    assert first_speech(speech) == speech
    assert first_speech([]) == []


def test_distances_and_overlaps_are_those_of_intervals() -> None:
    span = Span(start=2, end=3)
    assert [distance_s(moment, span) for moment in (1.5, 2.5, 4.0)] == pytest.approx([0.5, 0, 1])
    assert overlap_s(span, Span(start=2.5, end=9)) == pytest.approx(0.5)
    assert overlap_s(span, Span(start=3, end=9)) == 0
    assert nearest(4.4, [Span(start=0, end=1), span, Span(start=6, end=7)]) == 1
