"""At risk: a frame lost or told twice at a seam, a seam that is heard, and windows that hear the wrong moment."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavia_dag.dubbing.overlapping import Grid, Samples, Window

GRIDS = st.builds(Grid, length=st.just(20), stride=st.integers(2, 20), frames=st.integers(1, 200))


def ramp(frames: int) -> Samples:
    return np.arange(1, frames + 1, dtype=np.float32)[:, np.newaxis]


def heard(sound: Samples, window: Window) -> Samples:
    return window.filled(sound[window.start : window.stop])


@given(GRIDS)
@settings(deadline=None)
def test_what_is_let_through_comes_back_frame_by_frame(grid: Grid) -> None:
    sound = ramp(grid.frames)
    answers = (window.answered(heard(sound, window)) for window in grid.windows())
    made = np.concatenate(list(grid.joined(answers)))
    assert made.shape == sound.shape
    np.testing.assert_allclose(made, sound, rtol=1e-5)


@given(GRIDS)
@settings(deadline=None)
def test_every_window_is_full_and_answers_for_what_it_heard(grid: Grid) -> None:
    sound = ramp(grid.frames)
    for window in grid.windows():
        whole = heard(sound, window)
        own = sound[window.offset : window.offset + window.kept]
        assert len(whole) == grid.length
        np.testing.assert_array_equal(window.answered(whole), own)
        np.testing.assert_array_equal(window.own(sound[window.start : window.stop]), own)


def test_a_window_over_the_end_hears_what_was_before_instead() -> None:
    sound = ramp(11)
    last = list(Grid(8, 6, 11).windows())[-1]
    assert (last.offset, last.kept) == (6, 5)
    assert heard(sound, last)[:, 0].tolist() == [6, 7, 8, 9, 10, 11, 0, 0]


def test_a_sound_shorter_than_a_window_lies_in_silence() -> None:
    assert heard(ramp(3), next(Grid(8, 6, 3).windows()))[:, 0].tolist() == [0, 0, 1, 2, 3, 0, 0, 0]


@pytest.mark.parametrize("level", [1.0, 5.0])
def test_a_seam_is_a_straight_line_from_one_answer_to_the_next(level: float) -> None:
    grid = Grid(8, 6, 14)
    answers = [np.full((window.kept, 1), level * number, np.float32) for number, window in enumerate(grid.windows())]
    made = np.concatenate(list(grid.joined(answers)))[:, 0] / level
    np.testing.assert_allclose(made[:6], 0)
    np.testing.assert_allclose(made[6:8], [1 / 3, 2 / 3], rtol=1e-5)
    np.testing.assert_allclose(made[8:12], 1)


def test_what_no_later_window_changes_is_handed_on_at_once() -> None:
    grid = Grid(8, 6, 100)
    asked: list[int] = []

    def answers() -> object:
        for number, window in enumerate(grid.windows()):
            asked.append(number)
            yield np.zeros((window.kept, 2), np.float32)

    made = grid.joined(answers())  # type: ignore[arg-type]
    assert len(next(made)) == 6
    assert asked == [0]
