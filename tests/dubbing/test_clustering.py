"""The count of people is what casting stands on: one voice too many, and a person speaks with two.

Voices are drawn on the sphere: a mean per person, windows scattered around it, so the truth is known exactly.
"""

import numpy as np
import pytest

from octavia_dag.dubbing import clustering
from octavia_dag.dubbing.clustering import Vectors, assign, cluster, settled, speaker_means

SIZE = 256
WINDOW_S = 0.5


def people(cosine: float, counts: list[int], seed: int, spread: float = 0.45) -> tuple[Vectors, np.ndarray]:
    """Windows of people whose means have pairwise `cosine`; two windows of one person have about 1 / (1 + spread^2)."""
    dice = np.random.default_rng(seed)
    basis = np.linalg.qr(dice.normal(size=(SIZE, len(counts) + 1)))[0].T
    means = np.sqrt(cosine) * basis[0] + np.sqrt(1 - cosine) * basis[1:]
    truth = np.repeat(np.arange(len(counts)), counts)
    noise = dice.normal(size=(len(truth), SIZE)) / np.sqrt(SIZE)
    windows = means[truth] + spread * noise
    return (windows / np.linalg.norm(windows, axis=1, keepdims=True)).astype(np.float32), truth


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7])
def test_the_count_is_that_of_the_people(count: int) -> None:
    windows, _ = people(0.45, [20] * count, seed=count)
    assert len(speaker_means(windows, 1, 8, window_s=WINDOW_S)) == count


def test_a_guest_of_one_sentence_beside_a_long_monologue_is_found() -> None:
    windows, _ = people(0.3, [500, 5], seed=1, spread=0.6)
    assert len(speaker_means(windows, 1, 8, window_s=WINDOW_S)) == 2


def test_means_above_the_limit_are_one_voice() -> None:
    windows, _ = people(0.85, [30, 30], seed=2)
    assert len(speaker_means(windows, 1, 8, window_s=WINDOW_S)) == 1


@pytest.mark.parametrize(("minimum", "maximum", "expected"), [(1, 2, 2), (4, 6, 4), (3, 3, 3), (1, 1, 1), (2, 2, 2)])
def test_the_count_stays_inside_its_bounds(minimum: int, maximum: int, expected: int) -> None:
    windows, _ = people(0.3, [20, 20, 20], seed=3)
    assert len(speaker_means(windows, minimum, maximum, window_s=WINDOW_S)) == expected


def test_every_window_is_given_to_its_own_person() -> None:
    windows, truth = people(0.4, [25, 12, 30], seed=4)
    labels = assign(windows, 1, 8, window_s=WINDOW_S)
    pairs = {(int(a), int(b)) for a, b in zip(labels, truth, strict=True)}
    assert len(pairs) == 3


def test_an_hour_of_windows_costs_no_more_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    plain = clustering.assign

    def counted(windows: Vectors, minimum: int, maximum: int, *, window_s: float) -> np.ndarray:
        seen.append(len(windows))
        return plain(windows, minimum, maximum, window_s=window_s)

    monkeypatch.setattr(clustering, "assign", counted)
    monkeypatch.setattr(clustering, "MOST_WINDOWS", 120)
    windows, _ = people(0.3, [250, 250], seed=5)
    assert len(speaker_means(windows, 1, 8, window_s=WINDOW_S)) == 2
    assert max(seen) <= 120


def test_a_group_too_short_to_judge_joins_its_nearest() -> None:
    windows, truth = people(0.3, [20, 20, 3], seed=6)
    labels = settled(windows, truth.astype(np.intp), WINDOW_S)
    assert labels.max() == 1


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_windows_than_people_give_fewer_people(count: int) -> None:
    windows, _ = people(0.2, [1] * count, seed=7)
    assert len(set(cluster(windows, 4).tolist())) == count


def test_means_are_unit_vectors_near_the_true_ones() -> None:
    windows, truth = people(0.2, [30, 30], seed=8)
    means = speaker_means(windows, 2, 2, window_s=WINDOW_S)
    true = clustering.means_of(windows, truth.astype(np.intp))
    np.testing.assert_allclose(np.linalg.norm(means, axis=1), 1.0, atol=1e-5)
    assert np.sort((means @ true.T).max(axis=1)).min() > 0.999
