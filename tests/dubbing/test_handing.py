"""At risk: a dub that is delivered twice, a failure that nobody is told of, or that stays when there is a dub."""

import pytest

from octavia_dag.dubbing.handing import AGAIN_S, Asked, Found, after, decide, once_more, waits
from octavia_dag.schema import Handed

NEW, BROKEN = Found("new"), Found("new", ("The bed is silent.",))
SENT = Handed(state="delivered", content="new")


@pytest.mark.parametrize(
    ("found", "handed", "action"),
    [
        (Found(), None, None),
        (NEW, None, "deliver"),
        (NEW, SENT, None),
        (NEW, Handed(state="delivered", content="old"), "deliver"),
        (NEW, Handed(state="held", content="old"), "deliver"),
        (NEW, Handed(state="failed", failed="run"), "deliver"),
        (BROKEN, None, "hold"),
        (BROKEN, Handed(state="held", content="new"), None),
        (BROKEN, Handed(state="delivered", content="old"), "hold"),
        (Found(failed="run"), None, "fail"),
        (Found(failed="run"), Handed(state="failed", failed="run"), None),
        (Found(failed="other"), Handed(state="failed", failed="run"), "fail"),
        (Found("new", failed="run"), SENT, "fail"),
        (Found("new", failed="run"), None, "deliver"),
        (NEW, Handed(state="failed", content="new", failed="run"), "clear"),
        (Found(), Handed(state="failed", failed="run"), None),
    ],
)
def test_what_is_to_be_done(found: Found, handed: Handed | None, action: str | None) -> None:
    assert decide(found, handed) == action


@pytest.mark.parametrize("found", [NEW, BROKEN, Found(failed="run"), Found("new", failed="run")])
@pytest.mark.parametrize("handed", [None, SENT, Handed(state="failed", content="new", failed="old")])
def test_what_was_done_is_not_done_again(found: Found, handed: Handed | None) -> None:
    for _ in range(3):
        action = decide(found, handed)
        if action is None:
            return
        handed = after(action, found, handed)
    pytest.fail("it never comes to rest")


def test_a_failure_does_not_forget_what_was_delivered() -> None:
    noted = after("fail", Found("new", failed="run"), SENT)
    assert (noted.content, noted.failed) == ("new", "run")


@pytest.mark.parametrize("found", [NEW, BROKEN, Found(failed="run")])
def test_what_was_put_into_another_storage_is_put_into_this_one_too(found: Found) -> None:
    action = decide(found, None, "one")
    assert action is not None
    noted = after(action, found, None, "one")
    assert decide(found, noted, "one") is None
    assert decide(found, noted, "two") == action
    assert decide(found, after(action, found, noted, "two"), "two") is None


def test_what_is_asked_for_in_vain_is_asked_for_later_and_later() -> None:
    asked, now = once_more(None, "m", 100.0), 100.0
    for wait_s in (*AGAIN_S, AGAIN_S[-1]):
        assert waits(asked, "m", now + wait_s - 1)
        assert not waits(asked, "m", now + wait_s)
        now += wait_s
        asked = once_more(asked, "m", now)


def test_a_video_that_changed_since_it_was_asked_for_begins_anew() -> None:
    asked = Asked("m", 5, 100.0)
    assert not waits(asked, "n", 101.0)
    assert once_more(asked, "n", 101.0) == Asked("n", 1, 101.0)


def test_a_clock_that_was_ahead_keeps_nobody_waiting() -> None:
    assert not waits(Asked("m", 1, 1000.0), "m", 100.0)
