"""The translation memory: what people approved once is taken word for word wherever the same line is said again.

A SQLite file of the store, or any database that SQLAlchemy has a driver for, so that several machines can share one.
Approvals are only ever added, and the newest of a source text counts: what counted before stays on record. Lines are
the same where they differ in case and spacing only; their punctuation counts, since it is heard.

Reading makes no file. Connections are not kept, so nothing is shared between threads or with a forked process.
"""

import os
import tempfile
import unicodedata
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    MetaData,
    RowMapping,
    Select,
    Table,
    Text,
    create_engine,
    func,
    insert,
    inspect,
    make_url,
    select,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from octavia_dag.dubbing.numerals import base
from octavia_dag.errors import SettingsError, StorageError
from octavia_dag.resources.artifacts import guarded
from octavia_dag.schema import Document
from octavia_dag.settings import digest

_WAIT_S = 30  # for another process that writes
_AT_ONCE = 500  # texts per question; databases limit how many values one may have


class Approved(Document):
    """One approved line: what was said in `source`, what is said for it in `target`, in which video, by whom, when."""

    source: str
    target: str
    text: str
    translation: str
    video: str
    who: str
    when: datetime = Field(default_factory=lambda: datetime.now(UTC))


# `key` is the source text as it is compared.
_LINES = Table(
    "approved_lines",
    MetaData(),
    Column("id", Integer, primary_key=True),
    *(Column(name, Text, nullable=False) for name in ("key", *(n for n in Approved.model_fields if n != "when"))),
    Column("approved_at", Text, nullable=False, key="when"),  # "when" is a word of SQL
)
Index("approved_lines_by_text", _LINES.c.source, _LINES.c.target, _LINES.c.key)


class Memory(dg.ConfigurableResource):
    """The approved lines, in the database at `url`, else in the SQLite `file`. The URL may hold a password."""

    file: str
    url: str = ""

    def remember(self, rows: Sequence[Approved]) -> None:
        """Adds approvals, all of them or none."""
        if not rows:
            return
        engine = self._engine()
        with _told("Writing", engine.url):
            _prepare(engine)
            with engine.begin() as connection:
                connection.execute(insert(_LINES), [_row(one) for one in rows])

    def lookup(self, source: str, target: str, texts: Iterable[str], *, but_of: str = "") -> dict[str, str]:
        """The newest approved translation of each of `texts` that has one, in another video than `but_of`."""
        keys = {text: normalised(text) for text in texts}
        wanted = sorted(set(keys.values()))
        others = _pair(source, target).where(_LINES.c.video != but_of)
        found: dict[str, str] = {}
        for at in range(0, len(wanted), _AT_ONCE):
            some = _LINES.c.key.in_(wanted[at : at + _AT_ONCE])
            found |= {row["key"]: row["translation"] for row in self._read(others.where(some))}
        return {text: found[key] for text, key in keys.items() if key in found}

    def newest(self, source: str, target: str) -> list[Approved]:
        """What counts for a pair: the newest approval of every source text, by text."""
        rows = {row["key"]: row for row in self._read(_pair(source, target))}
        return [Approved.model_validate({n: rows[key][n] for n in Approved.model_fields}) for key in sorted(rows)]

    def stamp(self, source: str | None, target: str) -> str:
        """Changes with every approval for the pair (None: from any language); empty where there is none."""
        newest = [func.count(_LINES.c.id), func.max(_LINES.c.id), func.max(_LINES.c.when)]
        wanted = select(*newest).where(_LINES.c.target == target)
        asked = wanted if source is None else wanted.where(_LINES.c.source == base(source))
        told = [list(row.values()) for row in self._read(asked)]
        return digest(told) if told and told[0][0] else ""

    @contextmanager
    def connected(self, doing: str) -> Generator[Connection]:
        """A connection to the same database, for what else machines must share; `doing` begins a refusal's sentence."""
        engine = self._engine()
        with _told(doing, engine.url):
            _prepare(engine)
            with engine.connect() as connection:
                yield connection

    def _read(self, statement: Select[Any]) -> Sequence[RowMapping]:
        """The rows; none where nothing was ever written, and then no file is made."""
        engine = self._engine()
        if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
            return ()
        with _told("Reading", engine.url), engine.connect() as connection:
            there = inspect(connection).has_table(_LINES.name)
            return connection.execute(statement).mappings().all() if there else ()

    def _engine(self) -> Engine:
        return _engine(self._place())

    def _place(self) -> URL:
        # Outside of a run nobody has looked the variable up yet.
        given = (self.url.get_value() or "") if isinstance(self.url, dg.EnvVar) else self.url
        try:
            place = make_url(given) if given else URL.create("sqlite", database=self.file)
        except ArgumentError as error:
            raise SettingsError(
                "OCTAVIA_MEMORY_URL is no database URL; write it like postgresql://user@host/name, or unset it."
            ) from error
        # Its driver is the one that Dagster's own storage brings along; SQLAlchemy itself would look for another.
        return place.set(drivername="postgresql+psycopg2") if place.drivername == "postgresql" else place


def normalised(text: str) -> str:
    """`text` as it is compared: without regard to case, spacing, and how accents are encoded."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _row(one: Approved) -> dict[str, str]:
    when = one.when.astimezone(UTC).isoformat(timespec="milliseconds")
    return one.model_dump() | {"source": base(one.source), "key": normalised(one.text), "when": when}


def _pair(source: str, target: str) -> Select[Any]:
    """The approvals of a pair, the newest last. The country of the source does not matter: "pt" is "pt-BR"."""
    wanted = select(_LINES).where(_LINES.c.source == base(source), _LINES.c.target == target)
    return wanted.order_by(_LINES.c.when, _LINES.c.id)


@cache
def _engine(place: URL) -> Engine:
    waiting = {"timeout": _WAIT_S} if place.get_backend_name() == "sqlite" else {}
    try:
        return create_engine(place, poolclass=NullPool, connect_args=waiting)
    except (ImportError, ArgumentError) as error:
        raise SettingsError(
            f"OCTAVIA_MEMORY_URL names a database of the kind {place.drivername}, for which no driver is installed; "
            "install one, or unset it."
        ) from error


def _prepare(engine: Engine) -> None:
    """Makes the tables where there are none."""
    if engine.dialect.name == "sqlite" and engine.url.database and not Path(engine.url.database).exists():
        with guarded("Making the translation memory"):
            _make_file(Path(engine.url.database))
    with engine.connect() as connection:
        make_table(connection, _LINES)


def _make_file(file: Path) -> None:
    """A file that is its owner's alone and can be read while it is written, linked into place whole.

    SQLite does not wait where a file that others have open is to change its journal: of several processes that each
    made the first approval, all but one could be refused.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".memory-")  # made with mode 0600
    os.close(descriptor)
    try:
        with create_engine(URL.create("sqlite", database=name), poolclass=NullPool).connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            make_table(connection, _LINES)
        with suppress(FileExistsError):  # another process was first: its file counts
            os.link(name, file)
    finally:
        Path(name).unlink()


def make_table(connection: Connection, table: Table) -> None:
    """Makes a table with its indexes where there is none. Of several that do so at once one succeeds, which is enough;
    no database's "if not exists" waits for the others.
    """
    if inspect(connection).has_table(table.name):
        return
    try:
        table.create(connection)
        connection.commit()
    except DBAPIError:
        connection.rollback()
        if not inspect(connection).has_table(table.name):
            raise


@contextmanager
def _told(doing: str, place: URL) -> Generator[None]:
    """What the database refuses becomes a StorageError, which shows no more of its URL than kind, host and name."""
    try:
        yield
    except SQLAlchemyError as error:
        raise StorageError(
            f"{doing} the translation memory at {_shown(place)} failed ({_cause(error)}); "
            "see that it can be reached and written, and run it again.",
            passing=isinstance(error, OperationalError),
        ) from error


def _shown(place: URL) -> str:
    if place.get_backend_name() == "sqlite":
        return str(place.database)
    return f"{place.get_backend_name()}://{place.host or ''}/{place.database or ''}"


def _cause(error: SQLAlchemyError) -> str:
    """A file's own words; a server's may repeat what it was given, so only their kind is told."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        of_file = type(error.orig).__module__ == "sqlite3"
        return " ".join(str(error.orig).split()) if of_file else type(error.orig).__name__
    return type(error).__name__
