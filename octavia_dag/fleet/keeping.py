"""The keeper of a pool: decides, and tells the provider where that is another number than it keeps up now.

What is up is asked each time and never remembered: a number that somebody else set, or that was set though no answer
came, is found at the next look. A lease is written before workers are asked for and after they are let go, so that
there is never a worker up of which no lease tells, whenever the keeper dies. Where the provider cannot be asked, the
lease is left to end.
"""

from dataclasses import dataclass, replace
from typing import Protocol

from octavia_dag.fleet import pool_state
from octavia_dag.fleet.pool_state import Lease
from octavia_dag.fleet.runpod_api import ProviderError, Scale
from octavia_dag.fleet.warm_pool import Policy, Pool, Seen, decided
from octavia_dag.resources.memory import Memory


class Scaled(Protocol):
    """What of a provider's API keeping and watching take."""

    def scale(self) -> Scale:
        """How many workers stay up without work now, and how many there may be."""
        ...

    def keep_workers(self, count: int) -> None:
        """Sets how many stay up."""
        ...


@dataclass(frozen=True)
class Kept:
    """What was decided, and how many were kept up before."""

    pool: Pool
    before: int


def keep(endpoint: str, api: Scaled, memory: Memory, seen: Seen, policy: Policy) -> Kept:
    """One look. A ProviderError where the provider cannot be asked or told, a StorageError where no lease can be kept:
    then the last one is as it was, and ends when it said.
    """
    lease = pool_state.read(memory, endpoint)
    scale = api.scale()
    before = _until_now(lease, scale.minimum, seen.now)
    pool = decided(seen, before, replace(policy, most=min(policy.most, scale.most)))
    if pool.minimum > scale.minimum:
        pool_state.record(memory, endpoint, pool)
    if pool.minimum != scale.minimum:
        try:
            api.keep_workers(pool.minimum)
        except ProviderError:
            ends = lease.pool.until if lease else seen.now
            pool_state.record(memory, endpoint, replace(pool, minimum=scale.minimum, until=ends))
            raise
    if pool.minimum <= scale.minimum:
        pool_state.record(memory, endpoint, pool)
    return Kept(pool, scale.minimum)


def _until_now(lease: Lease | None, kept: int, now: float) -> Pool:
    """What was decided before, with what it came to: workers that nobody let down cost money after their lease."""
    if lease is None:
        return Pool(at=now, until=now)
    if lease.let_down or not kept:
        return lease.pool
    return replace(lease.pool, minimum=max(lease.pool.minimum, kept), until=max(lease.pool.until, now))
