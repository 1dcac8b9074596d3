"""A catalogue of videos at the root of the storage: `catalogue.csv` or `catalogue.parquet`, one row a video.

    uri        a path (from the root, where it is not absolute), file:// or s3://
    languages  es, pt-BR         into which it is dubbed, besides its own delivery.languages
    priority   5                 more is earlier; 0 where nothing is said
    deadline   2026-12-31        a day, which it may take to its end, or a moment (UTC where no zone is said)
    tenant     acme              for whom; told in reports
    settings   {mix: {duck_depth_db: 4}}     the video's layer of settings, as YAML

Only `uri` must be there. Every row is judged by itself: a bad one is named by its number, with a sentence, and skipped.
A catalogue that cannot be read is an error, never an empty one.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, cast

import dagster as dg
import yaml
from pydantic import BeforeValidator, Field, ValidationError, field_validator

from octavia_dag.errors import InputError, SettingsError
from octavia_dag.resources.remote import exists, joined, read_bytes, refuse_scheme
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
    except yaml.YAMLError as error:
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
        if "catalogue" in layer:
            raise ValueError("the slice catalogue is for all videos; set it with 'octavia catalogue budget'")
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
    columns, cells = _frame(name, content)
    if "uri" not in columns:
        raise InputError(f"Reading {name}: it lacks the column 'uri'; add it, with a path or an address in each row.")
    first = 2 if name.endswith(".csv") else 1
    rows: list[Row] = []
    bad: list[Bad] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(cells, first):
        told = {key: value for key, value in row.items() if key in COLUMNS}
        if not told:
            continue  # a blank line of the spreadsheet
        found = _row(number, told, root)
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
        refuse_scheme(row.uri)
    except ValidationError as error:
        first = error.errors()[0]
        column = str(first["loc"][0]) if first["loc"] else "the row"
        if first["type"] == "missing":
            return Bad(number, "it has no uri; write a path or an address")
        cause = str(first.get("ctx", {})["error"]) if first["type"] == "value_error" else first["msg"]
        shown = f" {str(told.get(column, ''))[:60]!r}" if column != "settings" else ""  # they may hold a secret
        return Bad(number, f"its {column}{shown} cannot be used: {cause.rstrip('.')}")
    except InputError as error:
        return Bad(number, str(error).rstrip("."))
    return row.model_copy(update={"uri": joined(root, row.uri)})


def _frame(name: str, content: bytes) -> tuple[list[str], list[dict[str, Any]]]:
    """Names of the columns, and the cells of each row that hold something."""
    import pandas as pd

    try:
        if name.endswith(".csv"):
            text = content.decode("utf-8-sig")
            separator = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
            # The names of the columns are read as a row: as names, one that is there twice would be renamed.
            told = pd.read_csv(
                io.StringIO(text), sep=separator, header=None, dtype=str, keep_default_na=False, skip_blank_lines=False
            )
            frame = told.iloc[1:].set_axis(told.iloc[0], axis="columns")
        else:
            frame = pd.read_parquet(io.BytesIO(content))
    except (OSError, ValueError, KeyError) as error:
        told = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"Reading {name}: it is no table that can be read ({told}); export it again.") from error
    columns = [str(one).strip() for one in frame.columns]
    if len(set(columns)) < len(columns):
        raise InputError(f"Reading {name}: a column is there twice; the columns are {', '.join(columns)}.")
    rows = [dict(zip(columns, row, strict=True)) for row in frame.itertuples(index=False, name=None)]
    return columns, [{key: value for key, one in row.items() if (value := _plain(one)) is not None} for row in rows]


def _plain(cell: Any) -> Any:
    """A cell as Python has it: None where nothing is said, no arrays and no moments of another library."""
    import pandas as pd

    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, Mapping):
        return _without_nothing(cast(Mapping[str, Any], cell)) or None
    if hasattr(cell, "tolist"):  # an array, or one of its numbers
        cell = cell.tolist()
    if isinstance(cell, Sequence):
        return cast(Sequence[Any], cell)
    if pd.isna(cell):
        return None
    return cell.to_pydatetime() if isinstance(cell, pd.Timestamp) else cell


def _without_nothing(value: Mapping[str, Any]) -> dict[str, Any]:
    """A struct of a parquet file holds every field that any row has, None where this one says nothing."""
    found = {key: _without_nothing(one) if isinstance(one, Mapping) else one for key, one in value.items()}
    return {key: one for key, one in found.items() if one is not None and one != {}}
