"""Which broken promises hold a delivery back; and that one which was never measured does."""

import pytest

from octavia_dag.dubbing import quality
from octavia_dag.dubbing.promises import PROMISES, held, judged
from octavia_dag.graph import GRAPH
from octavia_dag.schema import Measure, QaReport

# What a dub may never be delivered with.
NEVER = {
    quality.PICTURE,
    quality.LENGTH,
    quality.GAP_LEVEL,
    quality.GAP_WIDTH,
    quality.CHANNELS,
    quality.VOICE_LEFT,
    quality.WORDS_LEFT,
    quality.IN_FILE,
    quality.LINE_WORDS,
    quality.LANGUAGE,
    quality.OWN_VOICES,
    quality.APART,
    quality.EMPTY,
    quality.PEAK,
}


def _report(*broken: str) -> QaReport:
    measures = [quality.measure(name, 1.0, "", "1", name not in broken) for name in PROMISES]
    return QaReport(video="talk", language="pt-BR", nothing_to_dub=False, measures=judged(measures), lines=(), flags=())


def test_a_dub_that_keeps_all_promises_is_delivered() -> None:
    assert held(_report()) == ()


@pytest.mark.parametrize("name", sorted(NEVER))
def test_what_nobody_would_want_to_hear_or_see_holds_a_delivery_back(name: str) -> None:
    [why] = held(_report(name))
    assert name in why


@pytest.mark.parametrize("name", [one.name for one in PROMISES.values() if one.warns])
def test_what_only_warns_says_why_and_holds_nothing_back(name: str) -> None:
    assert held(_report(name)) == ()
    assert name not in NEVER


def test_a_promise_that_was_not_measured_is_broken() -> None:
    found = judged([quality.measure(quality.PICTURE, 1.0, "", "1", ok=True)])
    assert [one.name for one in found] == list(PROMISES)
    assert [one.name for one in found if one.ok] == [quality.PICTURE]


def test_no_two_promises_share_a_check_and_each_is_about_an_asset() -> None:
    assert len({one.check for one in PROMISES.values()}) == len(PROMISES)
    assert {one.about for one in PROMISES.values()} <= {
        name for name, node in GRAPH.items() if node.granularity == "dub"
    }


def test_a_measure_by_itself_holds_a_delivery_back() -> None:
    assert Measure(name="x", value=None, unit="", limit="1", ok=False).blocking
