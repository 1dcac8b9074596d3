"""At risk: workers that are paid for and do nothing, a budget that is overspent, a queue that waits for cold starts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavia_dag.fleet.warm_pool import Policy, Pool, Seen, decided, expired

pytestmark = pytest.mark.fleet

POLICY = Policy(standby=0, most=20, pace_s=600, drain_s=900, lease_s=120, price_per_hour=2.0, budget=50.0)
MORNING = 9 * 3600.0


def pool_after(policy: Policy, *moments: tuple[float, int, int]) -> Pool:
    pool = Pool(at=MORNING, until=MORNING)
    for at, waiting, working in moments:
        pool = decided(Seen(MORNING + at, waiting, working), pool, policy)
    return pool


@pytest.mark.parametrize(("waiting", "minimum"), [(0, 0), (1, 1), (7, 7), (200, 20)])
def test_it_grows_with_what_waits_up_to_the_most(waiting: int, minimum: int) -> None:
    assert pool_after(POLICY, (0, waiting, 0)).minimum == minimum


def test_a_worker_that_gets_several_done_in_time_is_counted_for_several() -> None:
    assert pool_after(replace(POLICY, drain_s=3000), (0, 20, 0)).minimum == 4


def test_a_near_deadline_asks_for_more() -> None:
    policy = replace(POLICY, drain_s=6000)
    far = decided(Seen(MORNING, 20, 0), Pool(at=MORNING, until=MORNING), policy)
    near = decided(Seen(MORNING, 20, 0, deadline_s=1300), Pool(at=MORNING, until=MORNING), policy)
    assert (far.minimum, near.minimum) == (2, 10)


def test_it_goes_down_with_what_waits() -> None:
    assert pool_after(POLICY, (0.0, 5, 0), (60.0, 0, 5)).minimum == 0


def test_some_stand_by_for_as_long_as_work_came_lately() -> None:
    policy = replace(POLICY, standby=2, standby_s=1000)
    busy = [(0.0, 5, 0), (60.0, 0, 5), (120.0, 0, 0)]
    assert pool_after(policy, *busy, (500.0, 0, 0)).minimum == 2
    assert pool_after(policy, *busy, (500.0, 0, 0), (1061.0, 0, 0)).minimum == 0


def test_what_nobody_renews_has_expired() -> None:
    pool = pool_after(POLICY, (0, 3, 0))
    assert not expired(pool, MORNING + 119)
    assert expired(pool, MORNING + 120)
    assert not expired(Pool(), MORNING)


def test_a_new_day_has_a_new_budget() -> None:
    spent = Pool(minimum=0, spent=50.0, day=0, at=86_300.0, until=86_300.0)
    assert decided(Seen(86_350.0, 9, 0), spent, POLICY).minimum == 0
    assert decided(Seen(86_450.0, 9, 0), spent, POLICY).minimum == 9


def test_without_a_price_there_is_no_limit_in_money() -> None:
    assert pool_after(replace(POLICY, price_per_hour=0.0), (0, 20, 0)).minimum == 20


ticks = st.lists(st.tuples(st.integers(1, 200), st.integers(0, 300), st.integers(0, 20)), max_size=60)


@given(ticks)
def test_what_idles_in_a_day_never_costs_more_than_its_budget(steps: list[tuple[int, int, int]]) -> None:
    policy, pool, now, paid = replace(POLICY, budget=1.0), Pool(at=MORNING, until=MORNING), MORNING, 0.0
    for lasted, waiting, working in steps:
        paid += max(0, pool.minimum - working) * policy.price_per_hour * min(lasted, policy.lease_s) / 3600
        now += lasted
        pool = decided(Seen(now, waiting, working), pool, policy)
    paid += pool.minimum * policy.price_per_hour * policy.lease_s / 3600
    assert paid <= policy.budget + 1e-6


@given(ticks)
def test_deciding_twice_at_one_moment_changes_nothing(steps: list[tuple[int, int, int]]) -> None:
    pool, now = Pool(at=MORNING, until=MORNING), MORNING
    for lasted, waiting, working in steps:
        now += lasted
        pool = decided(Seen(now, waiting, working), pool, POLICY)
        assert decided(Seen(now, waiting, working), pool, POLICY) == pool
