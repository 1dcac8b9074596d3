"""Who works on a run: the first to claim it, and nobody else, however often it was handed out.

A row per run in the database that all machines share (the translation memory's). The database itself refuses a second
row of the same run, so two workers that ask at once get two answers.
"""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import Column, Connection, MetaData, Table, Text, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable

from octavia_dag.resources.memory import Memory

_CLAIMS = Table(
    "claimed_runs", MetaData(), Column("run_id", Text, primary_key=True), Column("worker", Text, nullable=False)
)


def claim(memory: Memory, run_id: str, worker: str) -> bool:
    """Whether `worker` may work on the run: it was the first to ask, or asks again. A StorageError where the database
    cannot be asked.
    """
    with _claims(memory, "Claiming a run in") as connection:
        try:
            connection.execute(insert(_CLAIMS).values(run_id=run_id, worker=worker))
            connection.commit()
        except IntegrityError:
            connection.rollback()
            return _holder(connection, run_id) == worker
    return True


def claimed_by(memory: Memory, run_id: str) -> str | None:
    """The worker that claimed a run; None where none has."""
    with _claims(memory, "Reading claims of runs in") as connection:
        return _holder(connection, run_id)


@contextmanager
def _claims(memory: Memory, doing: str) -> Generator[Connection]:
    """A connection to a database that has the table."""
    with memory.connected(doing) as connection:
        connection.execute(CreateTable(_CLAIMS, if_not_exists=True))
        connection.commit()
        yield connection


def _holder(connection: Connection, run_id: str) -> str | None:
    return connection.execute(select(_CLAIMS.c.worker).where(_CLAIMS.c.run_id == run_id)).scalar_one_or_none()
