"""At risk: a dub that is delivered twice, a failure that nobody is told of, or that stays when there is a dub."""

import pytest

from octavia_dag.dubbing.handing import Found, after, decide
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
