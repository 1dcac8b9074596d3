"""How many workers a provider keeps up without work: a pure decision, over what is seen and what was decided before.

A worker that starts cold takes a minute and more; one that is kept up costs money while nothing comes. The pool grows
with what waits, as fast as the nearest deadline asks for, within what the day may still cost; a few stand by for the
next upload as long as uploads came lately, and at night there are none. What was decided is a lease: it ends by itself,
so that a pool whose keeper died is let down by whoever sees that first, a worker included.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """What is wanted. Times in seconds; `price_per_hour` is of one worker; `budget` is for a day and for what is kept
    up, not for the work itself.
    """

    most: int = 10
    pace_s: float = 600.0  # of one run on one worker
    drain_s: float = 900.0  # what waits is to be begun and done in this time, if no deadline is nearer
    standby: int = 1  # so many stay after the last work
    standby_s: float = 3600.0  # for so long
    lease_s: float = 120.0
    price_per_hour: float = 0.0
    budget: float = 0.0  # 0: no limit


@dataclass(frozen=True)
class Seen:
    """The queue and the workers now. `deadline_s`: until the nearest deadline of what waits, None without one."""

    now: float
    waiting: int
    working: int
    deadline_s: float | None = None


@dataclass(frozen=True)
class Pool:
    """What was decided: how many are kept up, since when nothing came, what that cost today, until when it holds."""

    minimum: int = 0
    last_work: float = -math.inf
    spent: float = 0.0
    day: int = 0
    at: float = 0.0
    until: float = 0.0


def decided(seen: Seen, pool: Pool, policy: Policy) -> Pool:
    """The pool as it is to be from now on; deciding twice at the same moment changes nothing."""
    day = int(seen.now // 86_400)
    lasted = max(0.0, min(seen.now, pool.until) - pool.at)
    idle = max(0, pool.minimum - seen.working)  # the others would be paid for anyway
    cost = idle * policy.price_per_hour * lasted / 3600
    spent = cost if day != pool.day else pool.spent + cost
    last_work = seen.now if seen.waiting or seen.working else pool.last_work
    wanted = _wanted(seen, policy)
    if seen.now - last_work < policy.standby_s:
        wanted = max(wanted, policy.standby)
    minimum = min(wanted, policy.most, _affordable(spent, policy))
    return Pool(minimum, last_work, spent, day, seen.now, seen.now + policy.lease_s)


def expired(pool: Pool, now: float) -> bool:
    """Whether workers are kept up that nobody asks for any more."""
    return pool.minimum > 0 and now >= pool.until


def _wanted(seen: Seen, policy: Policy) -> int:
    """Workers that get what waits done in time."""
    if not seen.waiting:
        return 0
    within = policy.drain_s if seen.deadline_s is None else min(policy.drain_s, seen.deadline_s)
    rounds = max(1, math.floor(within / policy.pace_s))  # runs that one worker gets done until then
    return math.ceil(seen.waiting / rounds)


def _affordable(spent: float, policy: Policy) -> int:
    """Workers that the rest of the day's budget pays for until the lease ends."""
    if not policy.budget or not policy.price_per_hour:
        return policy.most
    return max(0, math.floor((policy.budget - spent) / (policy.price_per_hour * policy.lease_s / 3600) + 1e-9))
