"""At risk: a night that makes what matters less, more than was allowed, the same twice, or leaves a row unsaid."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavia_dag.dubbing.budget import WORK, Budget, Candidate, Choice, Cost, Left, State, choose, ordered

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
STATES: tuple[State, ...] = ("missing", "stale", "failed", "given up", "at work", "waiting", "held", "unusable", "done")

candidates = st.lists(
    st.builds(
        Candidate,
        row=st.integers(2, 10_000),
        state=st.sampled_from(STATES),
        priority=st.sampled_from([-1.0, 0.0, 0.5, 10.0]),
        deadline=st.none() | st.integers(0, 5).map(lambda days: NOON + timedelta(days=days)),
        why=st.just("as told"),
    ),
    unique_by=lambda one: one.row,
    max_size=40,
)


def each(minutes: float, money: float | None = None) -> Callable[[Candidate], Cost | Left]:
    return lambda _: Cost(minutes, money)


def rows(choice: Choice) -> list[int]:
    return [one.row for one in choice.taken]


def test_the_highest_priority_comes_first_then_the_earliest_deadline_then_the_catalogue_s_order() -> None:
    later = NOON + timedelta(days=1)
    given_rows = [
        Candidate(2, "missing", 1.0),
        Candidate(3, "missing", 5.0),
        Candidate(4, "missing", 5.0, later),
        Candidate(5, "missing", 5.0, NOON),
        Candidate(6, "missing", 1.0),
        Candidate(7, "missing", 9.0, later),
    ]
    assert rows(choose(given_rows, Budget(), each(1.0))) == [7, 5, 4, 3, 2, 6]


def test_a_thousand_rows_and_a_budget_for_a_hundred_take_the_right_hundred_and_the_next_night_the_next() -> None:
    """The oracle sorts by hand what `choose` walks through."""
    given_rows = [
        Candidate(n + 2, "missing", float(n * 7919 % 10), NOON + timedelta(hours=n * 104729 % 500)) for n in range(1000)
    ]
    by_hand = [one.row for one in sorted(given_rows, key=lambda c: (10 - int(c.priority), c.deadline or NOON, c.row))]
    first = rows(choose(given_rows, Budget(minutes=250.0), each(2.5)))
    assert first == by_hand[:100]
    after = [Candidate(c.row, "at work" if c.row in first else c.state, c.priority, c.deadline) for c in given_rows]
    assert rows(choose(after, Budget(minutes=250.0), each(2.5))) == by_hand[100:200]


@given(candidates, st.floats(0, 60), st.integers(0, 10_000))
def test_a_night_takes_only_what_has_work_never_more_than_its_budget_and_says_of_each_other_row_why(
    found: list[Candidate], minutes: float, seed: int
) -> None:
    def cost(one: Candidate) -> Cost | Left:
        gone = Left(one.row, "unusable", "no such file")
        return gone if (one.row + seed) % 7 == 0 else Cost(float((one.row * 31 + seed) % 40))

    choice = choose(found, Budget(minutes=minutes), cost)
    states = {one.row: one.state for one in found}
    assert all(states[row] in WORK for row in rows(choice))
    assert sum(one.cost.minutes for one in choice.taken) <= minutes + 1e-6
    assert sorted([*rows(choice), *(one.row for one in choice.left)]) == sorted(states)
    assert all(one.why for one in choice.left)


@given(candidates, st.floats(0, 60))
def test_no_row_is_taken_before_one_with_work_that_is_more_urgent_and_would_fit(
    found: list[Candidate], minutes: float
) -> None:
    taken = rows(choose(found, Budget(minutes=minutes), each(1.0)))
    queue = [one.row for one in ordered(found) if one.state in WORK]
    assert taken == queue[: len(taken)]
    assert len(taken) == min(len(queue), int(minutes + 1e-6))


def test_what_a_row_costs_is_not_asked_once_the_budget_is_spent() -> None:
    asked: list[int] = []

    def cost(one: Candidate) -> Cost | Left:
        asked.append(one.row)
        return Cost(10.0)

    choose([Candidate(row, "missing") for row in range(2, 100)], Budget(minutes=25.0), cost)
    assert asked == [2, 3, 4]


def test_a_long_row_is_not_overtaken_by_a_small_one_behind_it() -> None:
    lengths = {2: 40.0, 3: 40.0, 4: 5.0}
    found = [Candidate(row, "missing") for row in lengths]
    choice = choose(found, Budget(minutes=60.0), lambda one: Cost(lengths[one.row]))
    assert rows(choice) == [2]
    assert [one.row for one in choice.left] == [3, 4]
    assert "spent at row 3" in choice.left[1].why


def test_a_row_that_never_fits_is_said_and_does_not_stop_the_others() -> None:
    lengths = {2: 90.0, 3: 40.0}
    found = [Candidate(row, "missing") for row in lengths]
    choice = choose(found, Budget(minutes=60.0), lambda one: Cost(lengths[one.row]))
    assert rows(choice) == [3]
    assert choice.left == (Left(2, "missing", "It takes more than a whole night's budget: 90.0 minutes of 60.0."),)


def test_what_the_night_has_spent_already_counts() -> None:
    found = [Candidate(row, "missing") for row in range(2, 12)]
    assert rows(choose(found, Budget(minutes=5.0), each(1.0), Cost(3.0))) == [2, 3]


def test_money_is_a_limit_of_its_own() -> None:
    found = [Candidate(row, "missing") for row in range(2, 12)]
    assert rows(choose(found, Budget(money=1.0), each(600.0, 0.25))) == [2, 3, 4, 5]
    assert rows(choose(found, Budget(minutes=1200.0, money=1.0), each(600.0, 0.25))) == [2, 3]


def test_where_no_price_is_known_one_row_is_made_alone() -> None:
    found = [Candidate(row, "missing") for row in range(2, 12)]
    choice = choose(found, Budget(money=1.0), each(1.0))
    assert rows(choice) == [2]
    assert "alone" in choice.left[0].why
    assert rows(choose(found, Budget(money=1.0), each(1.0), Cost(1.0))) == []


@pytest.mark.parametrize(("seconds", "words"), [(18.0, "0.30 minutes of 0.25"), (1800.0, "30.0 minutes of 0.25")])
def test_a_budget_of_a_few_seconds_is_told_as_exactly(seconds: float, words: str) -> None:
    assert Budget(minutes=0.25).excess(Cost(seconds / 60.0)) == words
