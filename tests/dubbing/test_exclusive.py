"""At risk: words in a gap that nobody owns, a person named out of order, an overlap that lies where nobody speaks."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavia_dag.dubbing.exclusive import filled, shared
from octavia_dag.schema import Span, Turn

MOMENTS = st.integers(0, 60)


def turn(speaker: str, start: float, end: float) -> Turn:
    return Turn(speaker=speaker, start=start, end=end)


def told(turns: list[Turn]) -> list[tuple[str, float, float]]:
    return [(one.speaker, one.start, one.end) for one in turns]


def spans(edges: list[int]) -> list[Span]:
    """Every second stretch between the edges."""
    return [Span(start=start, end=end) for start, end in list(pairwise(sorted(set(edges))))[::2]]


def test_a_gap_inside_a_region_goes_to_both_sides_and_edges_to_whoever_is_there() -> None:
    turns = filled([turn("x", 1.2, 3.0), turn("y", 4.0, 5.5)], [Span(start=1.0, end=6.0)])
    assert told(turns) == [("A", 1.0, 3.5), ("B", 3.5, 6.0)]


def test_a_pause_of_one_person_inside_a_region_parts_nothing() -> None:
    turns = filled([turn("x", 1.0, 2.0), turn("x", 2.4, 4.0)], [Span(start=1.0, end=4.0)])
    assert told(turns) == [("A", 1.0, 4.0)]


def test_a_turn_across_two_regions_is_a_turn_in_each_and_none_between() -> None:
    turns = filled([turn("x", 0.0, 9.0)], [Span(start=1, end=3), Span(start=5, end=6)])
    assert told(turns) == [("A", 1, 3), ("A", 5, 6)]


def test_a_region_in_which_nobody_was_heard_goes_to_whoever_speaks_nearest() -> None:
    turns = filled(
        [turn("x", 0.0, 2.0), turn("y", 8.0, 9.0)], [Span(start=0, end=2), Span(start=6, end=7), Span(start=8, end=9)]
    )
    assert told(turns) == [("A", 0, 2), ("B", 6, 7), ("B", 8, 9)]


def test_without_any_turn_one_person_says_everything() -> None:
    assert told(filled([], [Span(start=1, end=2), Span(start=4, end=5)])) == [("A", 1, 2), ("A", 4, 5)]


def test_people_are_named_by_first_appearance_inside_the_regions() -> None:
    turns = filled([turn("x", 0, 1), turn("z", 2, 3), turn("y", 4, 5)], [Span(start=2, end=3), Span(start=4, end=5)])
    assert told(turns) == [("A", 2, 3), ("B", 4, 5)]


@given(st.lists(MOMENTS, min_size=2, max_size=10), st.lists(MOMENTS, max_size=14), st.data())
def test_regions_are_filled_exactly_whatever_was_heard(cuts: list[int], edges: list[int], data: st.DataObject) -> None:
    regions = spans(cuts)
    heard = [
        turn(data.draw(st.sampled_from("xyz")), start, end) for start, end in pairwise(sorted(set(edges))) if start % 3
    ]
    turns = filled(heard, regions)
    assert sum(one.seconds for one in turns) == pytest.approx(sum(region.seconds for region in regions))
    assert all(one.end <= other.start for one, other in pairwise(turns))
    assert all(any(r.start <= one.start < one.end <= r.end for r in regions) for one in turns)
    names = list(dict.fromkeys(one.speaker for one in turns))
    assert names == list("ABC"[: len(names)])


def test_what_spans_share_with_regions() -> None:
    found = shared([Span(start=0, end=4), Span(start=5, end=6)], [Span(start=3, end=5.5), Span(start=1, end=2)])
    assert [(span.start, span.end) for span in found] == [(1, 2), (3, 4), (5, 5.5)]
