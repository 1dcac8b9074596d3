"""Tables for people, as .csv or .xlsx: what a spreadsheet makes of a file and what comes back from one.

Every cell comes back as text, with one space where there were several, so that "NA" stays a word. A .csv is UTF-8 with
the mark by which spreadsheets know it; one that was saved with semicolons, as half of Europe does, is read too.
"""

import io
import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from octavia_dag.errors import InputError
from octavia_dag.resources.artifacts import guarded, write_atomically

SUFFIXES = (".csv", ".xlsx")
# What the readers of workbooks raise on damaged ones, besides errors of their own.
_UNREADABLE = (
    OSError, ValueError, KeyError, BadZipFile, zlib.error, ParseError, TypeError, AttributeError, IndexError, EOFError,
    struct.error, ArithmeticError, NotImplementedError, RuntimeError,
)  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
FIRST_ROW = 2  # of the spreadsheet: the first one holds the names of the columns
_REMEDY = "choose another file"


def write_table(path: Path, rows: Sequence[Mapping[str, str | float]], columns: Sequence[str]) -> None:
    """Writes the rows; a file that is there is refused, since somebody may have worked in it."""
    import pandas as pd

    refuse_suffix(path)
    cleaned = [{k: _CONTROL.sub(" ", v) if isinstance(v, str) else v for k, v in row.items()} for row in rows]
    frame = pd.DataFrame(cleaned, columns=list(columns))
    with guarded(f"Writing {path}", _REMEDY):
        if path.exists():
            raise InputError(f"Writing {path}: it is there already and may hold corrections; choose another name.")
        content = frame.to_csv(index=False).encode("utf-8-sig") if path.suffix.lower() == ".csv" else _workbook(frame)
        write_atomically(path, content)
        path.chmod(0o644)


def read_table(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows, each cell as text; an InputError where it is no such table."""
    import pandas as pd

    refuse_suffix(path)
    try:
        if path.suffix.lower() == ".csv":
            text = path.read_bytes().decode("utf-8-sig")
            separator = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
            # A blank line is a row of the spreadsheet too: skipping it would shift the numbers of those below.
            frame = pd.read_csv(
                io.StringIO(text), sep=separator, dtype=str, keep_default_na=False, skip_blank_lines=False
            )
        else:
            frame = pd.read_excel(path, dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise InputError(f"Reading {path}: there is no such file; name one that exists.") from error
    except _UNREADABLE as error:
        told = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"Reading {path}: it is no table that can be read ({told}); export it again.") from error
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise InputError(f"Reading {path}: it lacks the column {', '.join(missing)}; export it again.")
    rows = [{name: " ".join(str(row[name]).split()) for name in columns} for row in frame.to_dict("records")]
    for number, row in enumerate(rows, FIRST_ROW):
        if bad := [name for name, cell in row.items() if _CONTROL.search(cell)]:
            raise InputError(f"Reading {path}: row {number} has control characters in {bad[0]}; take them out.")
    return rows


def refuse_suffix(path: Path) -> None:
    """An InputError for a file that is neither kind of table."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path} is no table of a known kind; give its name one of {', '.join(SUFFIXES)}.")


def _workbook(frame: object) -> bytes:
    import pandas as pd

    assert isinstance(frame, pd.DataFrame)
    made = io.BytesIO()
    with pd.ExcelWriter(made, engine="openpyxl") as writer:
        frame.to_excel(writer, index=False, sheet_name="lines")
        for cells in writer.sheets["lines"].iter_rows():
            for cell in cells:
                if cell.data_type == "f":  # a text that begins with "=" is a text
                    cell.data_type = "s"
    return made.getvalue()
