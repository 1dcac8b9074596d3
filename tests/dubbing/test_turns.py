"""Turns fill the regions without gaps, change where the voices change, and are named by first appearance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavia_dag.dubbing.turns import Window, best_split, changes, label_windows, name_of, to_turns
from octavia_dag.schema import Span

HOP_S = 0.25


def line_of(regions: list[int]) -> list[Window]:
    """Windows every 0.25 s, a second between regions."""
    return [Window(region, number * HOP_S + region) for number, region in enumerate(regions)]


def scores_of(labels: list[int], people: int = 2, margin: float = 0.5) -> np.ndarray:
    return np.eye(people, dtype=np.float32)[labels] * np.float32(margin)


def test_a_single_doubtful_window_does_not_make_a_turn() -> None:
    labels = label_windows(scores_of([0] * 6 + [1] + [0] * 6), line_of([0] * 13), hop_s=HOP_S)
    assert set(labels.tolist()) == {0}


def test_a_second_of_another_voice_makes_a_turn_even_inside_a_region() -> None:
    truth = [0] * 8 + [1] * 6 + [0] * 8
    assert label_windows(scores_of(truth), line_of([0] * 22), hop_s=HOP_S).tolist() == truth


def test_half_a_second_across_pauses_is_a_turn_of_its_own_where_the_voice_is_clear() -> None:
    truth, regions = [0] * 6 + [1] * 2 + [0] * 6, [0] * 6 + [1] * 2 + [2] * 6
    assert label_windows(scores_of(truth), line_of(regions), hop_s=HOP_S).tolist() == truth


def test_half_a_second_of_unclear_voice_joins_its_neighbours() -> None:
    truth, regions = [0] * 6 + [1] * 2 + [0] * 6, [0] * 6 + [1] * 2 + [2] * 6
    labels = label_windows(scores_of(truth, margin=0.2), line_of(regions), hop_s=HOP_S)
    assert set(labels.tolist()) == {0}


@given(st.lists(st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3), min_size=2, max_size=7))
def test_the_chain_is_the_cheapest_of_all(rows: list[list[float]]) -> None:
    scores, windows = np.array(rows, np.float32), line_of([number // 3 for number in range(len(rows))])

    def worth(labels: list[int]) -> float:
        gain = sum(float(scores[i, label]) * HOP_S for i, label in enumerate(labels))
        for i in range(1, len(labels)):
            if labels[i] != labels[i - 1]:
                gain -= 0.3 if windows[i].region == windows[i - 1].region else 0.1
        return gain

    every = np.stack(np.meshgrid(*[range(3)] * len(rows), indexing="ij"), -1).reshape(-1, len(rows)).tolist()
    found = label_windows(scores, windows, hop_s=HOP_S).tolist()
    assert worth(found) == pytest.approx(max(worth(labels) for labels in every), abs=1e-5)


@pytest.mark.parametrize("where", [0, 3, 10])
def test_the_split_is_found_exactly_where_the_voice_changes(where: int) -> None:
    first = np.array([0.8] * where + [0.3] * (10 - where), np.float32)
    assert best_split(first, np.float32(1.1) - first) == where


def test_turns_fill_the_regions_and_are_named_by_first_appearance() -> None:
    regions = [Span(start=0, end=2), Span(start=3, end=4)]
    windows = [Window(0, 0.5), Window(0, 1.0), Window(0, 1.5), Window(1, 3.5)]
    labels = np.array([2, 2, 0, 2])
    assert [(c.before, c.after) for c in changes(labels, windows)] == [(2, 0)]
    turns = to_turns(regions, labels, windows, [1.3])
    assert [(t.start, t.end, t.speaker) for t in turns] == [(0, 1.3, "A"), (1.3, 2, "B"), (3, 4, "A")]


@pytest.mark.parametrize("edge", [-5.0, 9.0])
def test_a_change_placed_outside_its_region_makes_no_turn_outside_it(edge: float) -> None:
    turns = to_turns([Span(start=1, end=2)], np.array([0, 1]), [Window(0, 1.2), Window(0, 1.8)], [edge])
    assert [(t.start, t.end) for t in turns] == [(1, 2)]


def test_more_people_than_letters_have_names_of_their_own() -> None:
    assert len({name_of(number) for number in range(60)}) == 60
    assert [name_of(number) for number in (0, 1, 25, 26)] == ["A", "B", "Z", "A2"]
