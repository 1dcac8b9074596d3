"""At risk: a plan that says "nothing to do" of a dub that cannot go on."""

import pytest

from octavia_dag.cli.planning import told_plan
from octavia_dag.plan import Item, Plan
from octavia_dag.settings import Settings


@pytest.mark.parametrize("more", [(), (Item("stems", None, "make", ("code version 1 -> 2",), 1.0),)])
def test_a_held_dub_is_told_whatever_else_is_to_be_made(more: tuple[Item, ...]) -> None:
    found = Plan("talk-1a2b3c4d", (*more, Item("casting", "es", "held")))
    assert "held, since its transcript cannot be used: es" in told_plan(found, Settings())


@pytest.mark.parametrize("more", [(), (Item("stems", None, "make", ("code version 1 -> 2",), 1.0),)])
def test_a_dub_that_waits_is_told_with_how_to_go_on(more: tuple[Item, ...]) -> None:
    found = Plan("talk-1a2b3c4d", (*more, Item("dubbed_chunks", "es", "waiting", ("never made",))))
    (line,) = [one for one in told_plan(found, Settings()) if one.startswith("waiting for approval: es")]
    assert "octavia review export talk-1a2b3c4d --to es" in line
