"""What was decided of a pool, kept in the database that all machines share: whoever finds a lease that has ended may
let its workers down, also where its keeper died with everything it knew.

A row an endpoint. Only the keeper (the sensor) makes the table and writes a row anew; who lets down marks the lease it
has read, and nothing where the keeper wrote meanwhile. Times are those of the machines, whose clocks must agree to some
seconds.
"""

import math
from dataclasses import dataclass

from sqlalchemy import Boolean, Column, Double, Integer, MetaData, Table, Text, insert, inspect, select, update
from sqlalchemy.schema import CreateTable

from octavia_dag.fleet.warm_pool import Pool
from octavia_dag.resources.memory import Memory

# `turn` changes with every writing of the keeper; "until" and "at" are no good names in SQL.
_POOLS = Table(
    "warm_pools",
    MetaData(),
    Column("endpoint", Text, primary_key=True),
    Column("turn", Integer, nullable=False),
    Column("let_down", Boolean, nullable=False),
    Column("minimum", Integer, nullable=False),
    Column("last_work", Double),
    Column("spent", Double, nullable=False),
    Column("day_number", Integer, nullable=False, key="day"),
    Column("decided_at", Double, nullable=False, key="at"),
    Column("holds_until", Double, nullable=False, key="until"),
)


@dataclass(frozen=True)
class Lease:
    """What was decided last, and whether somebody has let it down since."""

    pool: Pool
    turn: int
    let_down: bool

    def holds(self, now: float) -> bool:
        """Whether it says how many workers are kept up."""
        return now < self.pool.until


def read(memory: Memory, endpoint: str) -> Lease | None:
    """The lease; None where nothing was ever decided, a StorageError where nobody can tell."""
    with memory.connected("Reading the lease of workers in") as connection:
        if not inspect(connection).has_table(_POOLS.name):
            return None
        row = connection.execute(select(_POOLS).where(_POOLS.c.endpoint == endpoint)).mappings().first()
    if row is None:
        return None
    last_work = -math.inf if row["last_work"] is None else row["last_work"]
    pool = Pool(row["minimum"], last_work, row["spent"], row["day"], row["at"], row["until"])
    return Lease(pool, row["turn"], row["let_down"])


def record(memory: Memory, endpoint: str, pool: Pool) -> None:
    """Keeps what was decided."""
    values = {
        "minimum": pool.minimum,
        "last_work": pool.last_work if math.isfinite(pool.last_work) else None,
        "spent": pool.spent,
        "day": pool.day,
        "at": pool.at,
        "until": pool.until,
        "let_down": False,
    }
    with memory.connected("Keeping the lease of workers in") as connection:
        connection.execute(CreateTable(_POOLS, if_not_exists=True))
        known = update(_POOLS).where(_POOLS.c.endpoint == endpoint).values(turn=_POOLS.c.turn + 1, **values)
        if not connection.execute(known).rowcount:
            connection.execute(insert(_POOLS).values(endpoint=endpoint, turn=0, **values))
        connection.commit()


def mark_let_down(memory: Memory, endpoint: str, lease: Lease, until: float) -> bool:
    """Notes that the workers of `lease` were up until then and are no more; False where it is another lease by now."""
    same = (_POOLS.c.endpoint == endpoint) & (_POOLS.c.turn == lease.turn) & ~_POOLS.c.let_down
    with memory.connected("Marking a lease of workers in") as connection:
        done = connection.execute(update(_POOLS).where(same).values(until=until, let_down=True)).rowcount
        connection.commit()
    return bool(done)
