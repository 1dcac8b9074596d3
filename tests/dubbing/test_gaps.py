"""At risk: a word that stays in the bed, a bed where nobody speaks, and a click between the two."""

import numpy as np
import pytest
from numpy.typing import NDArray

from octavia_dag.dubbing.gaps import FADE_S, MARGIN_S, bed_share, spoken_stretches

WINDOW_S = 0.032
RATE_HZ = 1000


def heard(*runs: tuple[float, int]) -> NDArray[np.float32]:
    return np.concatenate([np.full(windows, value, np.float32) for value, windows in runs])


def share_of(*judges: NDArray[np.float32]) -> NDArray[np.float32]:
    """The share of the bed in each millisecond of what was heard."""
    return bed_share(spoken_stretches(judges, WINDOW_S), 0, round(len(judges[0]) * WINDOW_S * RATE_HZ), RATE_HZ)


def test_the_bed_is_alone_around_speech_and_the_programme_elsewhere() -> None:
    share = share_of(heard((0, 50), (0.9, 25), (0, 50)))  # 1.6 s to 2.4 s
    assert (share[1200:2801] == 1).all()
    assert not share[:1151].any()
    assert not share[2850:].any()


def test_little_probability_is_enough() -> None:
    assert share_of(heard((0, 50), (0.21, 25), (0, 50)))[2000] == 1
    assert not share_of(heard((0, 50), (0.19, 25), (0, 50))).any()


def test_the_cross_fade_is_half_a_cosine() -> None:
    share = share_of(heard((0, 50), (0.9, 25), (0, 50)))
    expected = np.sin(np.linspace(0, np.pi / 2, 51)) ** 2
    np.testing.assert_allclose(share[1150:1201], expected, atol=1e-6)
    np.testing.assert_allclose(share[2800:2851], expected[::-1], atol=1e-6)


def test_it_is_believed_who_hears_speech_where_the_others_hear_none() -> None:
    first, second = heard((0, 50), (0.9, 25), (0, 175)), heard((0, 180), (0.9, 25), (0, 45))
    np.testing.assert_array_equal(share_of(first, second), np.maximum(share_of(first), share_of(second)))


def test_who_hears_longer_is_believed_though_another_ends_sooner() -> None:
    long, short = heard((0, 50), (0.9, 100), (0, 50)), heard((0, 60), (0.9, 20), (0, 120))
    np.testing.assert_array_equal(share_of(long, short), share_of(long))


def test_the_start_of_a_note_is_no_speech() -> None:
    assert not share_of(heard((0, 50), (0.8, 4), (0, 50))).any()


def test_stretches_with_no_room_for_their_fades_are_one() -> None:
    room = round(2 * (MARGIN_S + FADE_S) / WINDOW_S)
    apart = share_of(heard((0, 50), (0.9, 25), (0, room + 2), (0.9, 25), (0, 50)))
    near = share_of(heard((0, 50), (0.9, 25), (0, room - 2), (0.9, 25), (0, 50)))
    assert apart[2000:].min() == 0
    assert np.count_nonzero(np.diff(np.flatnonzero(apart == 0)) > 1) == 2
    assert np.count_nonzero(np.diff(np.flatnonzero(near == 0)) > 1) == 1


def test_no_step_is_heard_anywhere() -> None:
    speech = heard((0, 50), (0.9, 25), (0, 30), (0.9, 25), (0, 50))
    assert np.abs(np.diff(share_of(speech))).max() <= np.pi / 2 / (FADE_S * RATE_HZ)


def test_speech_from_the_start_to_the_end_has_no_fade() -> None:
    assert (share_of(heard((0.9, 100))) == 1).all()


@pytest.mark.parametrize("windows", [0, 1, 100])
def test_nobody_speaks_in_silence(windows: int) -> None:
    assert not share_of(heard((0, windows))).any()


def test_pieces_fit_together() -> None:
    stretches = spoken_stretches([heard((0, 50), (0.9, 25), (0, 50))], WINDOW_S)
    pieces = [bed_share(stretches, first, 37, RATE_HZ) for first in range(0, 37 * 100, 37)]
    np.testing.assert_array_equal(np.concatenate(pieces), bed_share(stretches, 0, 3700, RATE_HZ))
