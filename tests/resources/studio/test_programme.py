"""At risk: channels that are heard with the wrong ones, and a loudness that is not the whole programme's."""

import numpy as np
import pytest

from octavia_dag.resources.engines import Samples
from octavia_dag.resources.studio.programme import Programme, groups_of


def noise(frames: int, channels: int, seed: int) -> Samples:
    return np.random.default_rng(seed).normal(0.01, 0.2, (frames, channels)).astype(np.float32)


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        (1, [[0]]),
        (2, [[0, 1]]),
        (3, [[0, 1], [2]]),
        (5, [[0, 1], [3, 4], [2]]),
        (6, [[0, 1], [4, 5], [2]]),
        (7, [[0, 1], [5, 6], [2], [4]]),
        (8, [[0, 1], [4, 5], [6, 7], [2]]),
        (9, [[one] for one in range(9)]),
    ],
)
def test_pairs_are_heard_together_the_lfe_not_at_all_and_the_rest_alone(
    channels: int, expected: list[list[int]]
) -> None:
    assert [group.channels for group in groups_of(channels)] == expected


def test_mean_and_deviation_are_those_of_the_whole_however_it_arrives() -> None:
    loud, quiet = noise(5000, 3, 1), noise(3000, 3, 2) * np.float32(0.01)
    heard = Programme.spooled(iter([loud[:1], loud[1:], quiet]), 8000, 8000, "test")
    assert heard is not None
    with heard.spool:
        whole = np.concatenate([loud, quiet])
        pair, alone = heard.groups
        for group, middle in ((pair, whole[:, :2].mean(axis=1)), (alone, whole[:, 2])):
            assert group.mean == pytest.approx(float(middle.mean()), rel=1e-4)
            assert group.scale == pytest.approx(float(middle.std(ddof=1)), rel=1e-4)
            told = group.heard(whole)
            assert told.mean() == pytest.approx(0, abs=1e-3)
            np.testing.assert_allclose(group.restored(told), whole[:, group.channels], atol=1e-6)
        assert heard.frames == 8000
        np.testing.assert_array_equal(heard.spool.read(4990, 5010), whole[4990:5010])


def test_frames_are_counted_at_the_sound_s_own_rate() -> None:
    heard = Programme.spooled(iter([noise(9001, 1, 1)]), 48_000, 44_100, "test")
    assert heard is not None
    with heard.spool:
        assert heard.frames == 9001
        assert abs(heard.spool.frames - 9001 * 44_100 / 48_000) < 2


def test_silence_can_be_brought_to_a_loudness_and_back() -> None:
    silent = np.zeros((100, 2), np.float32)
    heard = Programme.spooled(iter([silent]), 8000, 8000, "test")
    assert heard is not None
    with heard.spool:
        group = heard.groups[0]
        assert not group.sounds_in(silent)
        assert not group.restored(group.heard(silent)).any()


def test_no_block_is_no_programme() -> None:
    assert Programme.spooled(iter(()), 8000, 8000, "test") is None
