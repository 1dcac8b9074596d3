"""At risk: that a dub depends on how one got there. Whatever was set, unset, corrected, killed and taken up again on
the way, the dub at the end is the one that a fresh home makes of the same settings and corrections, sound for sound.

Twenty sequences in the everyday tests, two hundred more by hand ("make soak"). Fake engines, real ffmpeg, real SIGKILL.
Where they end is drawn from a few states, so that the clean dubs they are measured by are made once each.
"""

import pytest
from wandering import Found, Grounds

EVERYDAY, BY_HAND = 20, 200


@pytest.fixture(scope="module")
def found(wandered: Grounds, request: pytest.FixtureRequest) -> Grounds:
    """The sequences of the tests that were asked for, all under way."""
    wandered.begin(sorted(_seeds(request.session)))
    return wandered


def _seeds(session: pytest.Session) -> set[int]:
    here = [one for one in session.items if isinstance(one, pytest.Function) and one.path.name == "test_sequences.py"]
    return {int(str(one.callspec.params["seed"])) for one in here}


@pytest.fixture
def one(found: Grounds, seed: int) -> Found:
    return found.of(seed)


SEEDS = [
    *(pytest.param(seed, id=f"seed{seed}") for seed in range(EVERYDAY)),
    *(pytest.param(seed, id=f"seed{seed}", marks=pytest.mark.soak) for seed in range(EVERYDAY, EVERYDAY + BY_HAND)),
]


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_was_done_on_the_way_the_dub_at_the_end_is_that_of_a_fresh_home(one: Found) -> None:
    assert one.refused == [], one.way
    assert one.sound == one.clean_sound, one.way


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_pointer_names_is_whole_at_every_moment(one: Found) -> None:
    assert one.half == [], one.way


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_left_to_do_at_the_end(one: Found) -> None:
    assert one.left == [], one.way
