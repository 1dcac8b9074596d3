"""Who works on a piece of work, a run or a step of one: the first to claim it, and nobody after, however often it was
handed out.

A row per piece in the database that all machines share (the translation memory's). The database itself refuses a second
row of the same piece, so two workers that ask at once get two answers. Whoever has the piece says again and again that
it lives; what it said last tells others whether it was lost. Times are those of the machines that write and read them,
so their clocks must agree to some seconds.
"""

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Float, Integer, MetaData, Table, Text, insert, select, update
from sqlalchemy.exc import IntegrityError

from octavia_dag.resources.memory import Memory, make_table

_CLAIMS = Table(
    "claims",
    MetaData(),
    Column("piece", Text, primary_key=True),
    Column("worker", Text, nullable=False),
    Column("heard", Float, nullable=False),
    Column("ended", Integer),
)


@dataclass(frozen=True)
class Claim:
    """Who has a piece, when it was heard of last (seconds since 1970), and the exit code once it has ended."""

    worker: str
    heard: float
    ended: int | None

    def lost(self, after_s: float) -> bool:
        """Whether nothing was heard of its worker for `after_s` seconds, though it has not ended."""
        return self.ended is None and time.time() - self.heard > after_s


def claim(memory: Memory, piece: str, worker: str) -> bool:
    """Whether `worker`, a name that nobody else has, may work on the piece: it is the first that asks. A StorageError
    where the database cannot be asked.
    """
    with _claims(memory, "Claiming a piece of work in") as connection:
        try:
            connection.execute(insert(_CLAIMS).values(piece=piece, worker=worker, heard=time.time()))
            connection.commit()
        except IntegrityError:
            connection.rollback()
            return False
    return True


def tell(memory: Memory, piece: str, ended: int | None = None) -> None:
    """Says that the worker of a piece lives, or how it ended."""
    with _claims(memory, "Telling of a piece of work in") as connection:
        connection.execute(update(_CLAIMS).where(_CLAIMS.c.piece == piece).values(heard=time.time(), ended=ended))
        connection.commit()


def claimed(memory: Memory, piece: str) -> Claim | None:
    """Who has a piece; None where nobody has."""
    wanted = select(_CLAIMS.c.worker, _CLAIMS.c.heard, _CLAIMS.c.ended).where(_CLAIMS.c.piece == piece)
    with _claims(memory, "Reading claims of work in") as connection:
        row = connection.execute(wanted).first()
    return None if row is None else Claim(row.worker, row.heard, row.ended)


@contextmanager
def _claims(memory: Memory, doing: str) -> Generator[Connection]:
    """A connection to a database that has the table."""
    with memory.connected(doing) as connection:
        make_table(connection, _CLAIMS)
        yield connection
