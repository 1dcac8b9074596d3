"""The cells of a table, row by row, as people export it: a CSV file, or a parquet file.

One line that is spoiled spoils nothing but itself: it comes out as a sentence in the place of its cells. A file that is
no table at all is an InputError.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from octavia_dag.errors import InputError

Cells = dict[str, Any]


def read_table(name: str, content: bytes) -> tuple[list[str], list[Cells | str]]:
    """Names of the columns, and of each row the cells that hold something; a sentence where it cannot be read."""
    try:
        columns, rows = _of_text(content) if name.endswith(".csv") else _of_parquet(content)
    except (OSError, ValueError, KeyError) as error:
        told = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"Reading {name}: it is no table that can be read ({told}); export it again.") from error
    if len(set(columns)) < len(columns):
        raise InputError(f"Reading {name}: a column is there twice; the columns are {', '.join(columns)}.")
    return columns, [row if isinstance(row, str) else _named(columns, row) for row in rows]


def _of_text(content: bytes) -> tuple[list[str], list[Sequence[Any] | str]]:
    text = content.decode("utf-8-sig")
    head = text.partition("\n")[0]
    lines = list(io.StringIO(text, newline=""))
    first, *rows = _records(lines, ";" if head.count(";") > head.count(",") else ",") if lines else [()]
    if isinstance(first, str):
        raise ValueError(f"of its first row {first}")
    return [str(one).strip() for one in first], rows


def _records(lines: Sequence[str], separator: str) -> Iterator[Sequence[Any] | str]:
    """The rows; where a quote spoils one, its first line is that row, and what comes next begins anew."""
    at = 0
    while at < len(lines):
        begun = at
        reader = csv.reader((lines[n] for n in range(begun, len(lines))), delimiter=separator, strict=True)
        while at < len(lines):
            try:
                row = next(reader)
            except csv.Error:
                yield "a quote is not closed, or stands where none may; write a quote inside a cell twice"
                at += 1
                break
            yield row
            at = begun + reader.line_num


def _of_parquet(content: bytes) -> tuple[list[str], list[Sequence[Any] | str]]:
    import pandas as pd

    frame = pd.read_parquet(io.BytesIO(content))
    return [str(one).strip() for one in frame.columns], list(frame.itertuples(index=False, name=None))


def _named(columns: Sequence[str], row: Sequence[Any]) -> Cells | str:
    found = [_plain(one) for one in row]
    over = sum(one is not None for one in found[len(columns) :])
    if over:
        return f"it has more cells than there are columns ({len(columns)}); put quotes around a cell that holds a comma"
    return {name: value for name, value in zip(columns, found, strict=False) if value is not None}


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
