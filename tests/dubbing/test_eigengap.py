"""At risk: one person counted as two, a guest of one sentence lost, a laugh that becomes a person."""

import numpy as np
import pytest

from octavia_dag.dubbing import eigengap
from octavia_dag.dubbing.clustering import Labels, Vectors
from octavia_dag.dubbing.eigengap import assign_by_eigengap, group_count

SIZE = 256


def voices(counts: list[int], *, same: float = 0.7, apart: float = 0.2, seed: int = 0) -> tuple[Vectors, Labels]:
    """Windows of people whose own have a mean cosine of `same`, and those of two people `apart`; and whose each is."""
    random = np.random.default_rng(seed)
    common = random.standard_normal(SIZE) / np.sqrt(SIZE)
    own = random.standard_normal((len(counts), SIZE)) / np.sqrt(SIZE)
    truth = np.repeat(np.arange(len(counts)), counts)
    scatter = random.standard_normal((len(truth), SIZE)) / np.sqrt(SIZE)
    made = np.sqrt(apart) * common + np.sqrt(same - apart) * own[truth] + np.sqrt(1 - same) * scatter
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32), truth


def assigned(windows: Vectors, minimum: int = 1, maximum: int = 8, *, window_s: float = 1.0) -> Labels:
    return assign_by_eigengap(windows, minimum, maximum, threshold=0.5, window_s=window_s)


def same_split(one: Labels, other: Labels) -> bool:
    return len(one) == len(other) and bool(np.all((one[:, None] == one) == (other[:, None] == other)))


@pytest.mark.parametrize("counts", [[40], [3, 60], [30, 30], [50, 20, 9, 31], [20] * 6])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_everybody_is_found_and_nobody_is_mixed_up(counts: list[int], seed: int) -> None:
    windows, truth = voices(counts, seed=seed)
    assert same_split(assigned(windows), truth)


@pytest.mark.parametrize(("minimum", "maximum", "found"), [(1, 2, 2), (5, 8, 5), (3, 3, 3), (1, 1, 1), (6, 6, 6)])
def test_the_bounds_hold(minimum: int, maximum: int, found: int) -> None:
    windows, _ = voices([20, 20, 20])
    assert len(set(assigned(windows, minimum, maximum).tolist())) == found


def test_a_second_of_laughter_is_nobody() -> None:
    windows, _ = voices([60, 2], apart=0.1)
    assert set(assigned(windows, window_s=0.5).tolist()) == {0}


@pytest.mark.parametrize(("cosine", "found"), [(0.6, 1), (0.3, 2)])
def test_two_windows_are_two_people_below_the_threshold(cosine: float, found: int) -> None:
    windows = np.array([[1.0, 0.0], [cosine, np.sqrt(1 - cosine**2)]], np.float32)
    assert len(set(assigned(windows, window_s=3.0).tolist())) == found


@pytest.mark.parametrize("count", [0, 1])
def test_less_than_two_windows_are_one_person_at_most(count: int) -> None:
    assert assigned(voices([3])[0][:count], 2, 4).tolist() == [0] * count


def test_of_very_many_windows_some_are_clustered_and_everyone_is_given_a_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(eigengap, "MOST_WINDOWS", 100)
    windows, truth = voices([200, 100, 30])
    mixed = np.random.default_rng(0).permutation(len(truth))
    assert same_split(assigned(windows[mixed], window_s=0.5), truth[mixed])


@pytest.mark.parametrize("counts", [[40], [12, 60], [30, 30], [50, 20, 15, 31], [20] * 6])
def test_the_gap_alone_counts_people(counts: list[int]) -> None:
    assert group_count(voices(counts)[0], 1, 8, threshold=0.5) == len(counts)


def test_windows_that_are_like_nobodys_do_not_add_up_to_people() -> None:
    windows, truth = voices([30, 30, *[1] * 9], apart=0.3)
    labels = assigned(windows, window_s=0.5)
    assert same_split(labels[:60], truth[:60])
    assert len(set(labels.tolist())) == 2


def test_a_window_that_is_like_no_other_is_a_person_where_it_is_long_enough() -> None:
    windows, truth = voices([6, 1], apart=0.1)
    assert same_split(assigned(windows, window_s=2.5), truth)
    assert set(assigned(windows, window_s=0.5).tolist()) == {0}


def test_a_higher_threshold_tells_more_apart() -> None:
    windows, _ = voices([30, 30], same=0.8, apart=0.55)
    assert [group_count(windows, 1, 8, threshold=threshold) for threshold in (0.3, 0.68)] == [1, 2]
