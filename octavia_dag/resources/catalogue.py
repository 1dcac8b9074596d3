"""A catalogue of videos at the root of the storage: `catalogue.csv` or `catalogue.parquet`, one row a video.

    uri        a path below the root, or s3://; of a root on this machine also an absolute path, or file://
    languages  es, pt-BR         into which it is dubbed, besides its own delivery.languages
    priority   5                 more is earlier; 0 where nothing is said
    deadline   2026-12-31        a day, which it may take to its end, or a moment (UTC where no zone is said)
    tenant     acme              for whom; told in reports
    settings   {mix: {duck_depth_db: 4}}     the video's layer of settings, as YAML; what only an operator may set
                                             (engines, addresses, thresholds) is refused, as beside a dropped video

Only `uri` must be there. Every row is judged by itself: a bad one is named by its number, with a sentence, and skipped.
A catalogue that cannot be read is an error, never an empty one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, cast

import dagster as dg
import yaml
from pydantic import BeforeValidator, Field, ValidationError, field_validator

from octavia_dag.errors import InputError, SettingsError
from octavia_dag.resources.foreign import for_operators
from octavia_dag.resources.remote import exists, joined, read_bytes, refuse_uri
from octavia_dag.resources.spreadsheet import read_table
from octavia_dag.schema import Document
from octavia_dag.settings import Layer, Tag, effective

NAMES = ("catalogue.csv", "catalogue.parquet")
COLUMNS = ("uri", "languages", "priority", "deadline", "tenant", "settings")
_LONGEST = 200


def _tags(value: object) -> object:
    """`es, pt-BR`, `es+pt-BR`, `es;pt-BR` or a list."""
    if isinstance(value, str):
        return tuple(one for one in value.replace("+", ",").replace(";", ",").replace(" ", ",").split(",") if one)
    return value


def _moment(value: object) -> object:
    """A day is over at its end; a moment without a zone is UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if len(value) > len("2026-12-31") else date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time(23, 59, 59))
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _layer(value: object) -> object:
    """A layer of settings from YAML text; checked against the limits."""
    try:
        found = yaml.safe_load(value) if isinstance(value, str) else value
        json.dumps(found, default=str, ensure_ascii=False).encode()  # half a character, or a nest without end, is none
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError("it is no YAML") from error
    layer = cast(dict[Any, Any], found) if isinstance(found, dict) else None
    if layer is None or not all(isinstance(fields, dict) for fields in layer.values()):
        raise ValueError("it must be written like {mix: {duck_depth_db: 4}}")
    return layer


class Row(Document):
    """One video of the catalogue. `number` is its row in a spreadsheet, whose first holds the names of the columns."""

    number: int
    uri: str = Field(min_length=1)
    languages: Annotated[tuple[Tag, ...], BeforeValidator(_tags)] = ()
    priority: float = Field(default=0.0, allow_inf_nan=False)
    deadline: Annotated[datetime | None, BeforeValidator(_moment)] = None
    tenant: str = Field(default="", max_length=_LONGEST)
    settings: Annotated[Layer, BeforeValidator(_layer)] = Field(default={})

    @field_validator("settings")
    @classmethod
    def _within_limits(cls, layer: Layer) -> Layer:
        if "languages" in layer.get("delivery", {}):
            raise ValueError("delivery.languages has a column of its own, languages")
        if reserved := for_operators(layer):
            raise ValueError(f"{reserved} is for an operator to set, with 'octavia settings set'")
        try:
            effective([layer])
        except SettingsError as error:
            raise ValueError(str(error)) from error
        return layer


@dataclass(frozen=True)
class Bad:
    """A row that is skipped, and why."""

    number: int
    why: str


@dataclass(frozen=True)
class Table:
    """What a catalogue says: its rows, those that are skipped, and columns that nobody reads."""

    rows: tuple[Row, ...]
    bad: tuple[Bad, ...] = ()
    ignored: tuple[str, ...] = ()


class Catalogue(dg.ConfigurableResource):
    """The catalogue of the storage at `root`, a folder or an address that fsspec knows."""

    root: str

    def address(self) -> str | None:
        """Where the catalogue lies, None where there is none; an InputError where there are two."""
        there = [one for one in (joined(self.root, name) for name in NAMES) if exists(one)]
        if len(there) > 1:
            raise InputError(f"There are two catalogues, {' and '.join(there)}; remove one of them.")
        return there[0] if there else None

    def read(self) -> Table:
        """The catalogue; an InputError says where it would have to lie, or what is wrong with it as a whole."""
        address = self.address()
        if address is None:
            raise InputError(
                f"There is no catalogue; put a {' or '.join(NAMES)} into {self.root}, with a column 'uri' at least."
            )
        return parsed(address, read_bytes(address), self.root)


def parsed(name: str, content: bytes, root: str) -> Table:
    """The rows of a catalogue's `content`, the addresses of their files in full."""
    columns, cells = read_table(name, content)
    if "uri" not in columns:
        raise InputError(f"Reading {name}: it lacks the column 'uri'; add it, with a path or an address in each row.")
    first = 2 if name.endswith(".csv") else 1
    rows: list[Row] = []
    bad: list[Bad] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(cells, first):
        told = row if isinstance(row, str) else {key: value for key, value in row.items() if key in COLUMNS}
        if not told:
            continue  # a blank line of the spreadsheet
        found = Bad(number, told) if isinstance(told, str) else _row(number, told, root)
        if isinstance(found, Row) and found.uri in seen:
            found = Bad(number, f"its file is that of row {seen[found.uri]}; put what is wanted of it into one row")
        if isinstance(found, Row):
            seen[found.uri] = number
            rows.append(found)
        else:
            bad.append(found)
    return Table(tuple(rows), tuple(bad), tuple(one for one in columns if one not in COLUMNS))


def _row(number: int, told: Mapping[str, Any], root: str) -> Row | Bad:
    try:
        row = Row.model_validate({"number": number, **told})
        refuse_uri(row.uri, root)
    except ValidationError as error:
        return Bad(number, "; ".join(_fault(one, told) for one in error.errors()))
    except InputError as error:
        return Bad(number, str(error).rstrip("."))
    return row.model_copy(update={"uri": joined(root, row.uri)})


def _fault(found: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    """One thing that is wrong with a row."""
    column = str(found["loc"][0]) if found["loc"] else "the row"
    if found["type"] == "missing":
        return "it has no uri; write a path or an address"
    cause = str(found.get("ctx", {})["error"]) if found["type"] == "value_error" else str(found["msg"])
    shown = f" {str(told.get(column, ''))[:60]!r}" if column != "settings" else ""  # they may hold a secret
    return f"its {column}{shown} cannot be used: {cause.rstrip('.')}"
