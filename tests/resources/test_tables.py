"""At risk: a cell that a spreadsheet or a library takes for something else."""

import random
from pathlib import Path

import pytest

from octavia_dag.errors import InputError
from octavia_dag.resources.tables import read_table, write_table

ROWS = [{"line": "L001", "text": '=1+1, é | "x"'}, {"line": "L002", "text": "NA"}]
COLUMNS = ("line", "text")


@pytest.mark.parametrize("name", ["table.csv", "table.xlsx"])
def test_a_table_comes_back_as_it_went_out(tmp_path: Path, name: str) -> None:
    write_table(tmp_path / name, ROWS, COLUMNS)
    assert read_table(tmp_path / name, COLUMNS) == ROWS


def test_a_table_saved_with_semicolons_is_read(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("line;text\nL001;um, dois\n", encoding="utf-8-sig")
    assert read_table(path, COLUMNS) == [{"line": "L001", "text": "um, dois"}]


def test_a_table_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    write_table(tmp_path / "table.csv", ROWS, COLUMNS)
    with pytest.raises(InputError, match="may hold corrections"):
        write_table(tmp_path / "table.csv", [], COLUMNS)


def test_a_table_without_a_column_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "table.csv", ROWS, COLUMNS)
    with pytest.raises(InputError, match="lacks the column speaker"):
        read_table(tmp_path / "table.csv", ("line", "speaker"))


@pytest.mark.parametrize(("name", "content"), [("a.xlsx", b"no workbook"), ("a.csv", b"\xff\xfe\x00"), ("a.txt", b"")])
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_table(path, COLUMNS)


def test_a_damaged_workbook_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "table.xlsx"
    write_table(path, ROWS * 20, COLUMNS)
    whole, chance, refused = path.read_bytes(), random.Random(4), 0
    for _ in range(60):
        spoilt = bytearray(whole)
        for at in chance.sample(range(len(whole)), 3):
            spoilt[at] ^= 1 << chance.randrange(8)
        path.write_bytes(spoilt)
        try:
            read_table(path, COLUMNS)
        except InputError:
            refused += 1
    assert refused > 10


def test_control_characters_are_refused_by_row_and_never_written(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("line,text\nL001,um\x07\n", encoding="utf-8-sig")
    with pytest.raises(InputError, match="row 2 has control characters in text"):
        read_table(path, COLUMNS)
    write_table(tmp_path / "table.xlsx", [{"line": "L001", "text": "um\x07 dois"}], COLUMNS)
    assert read_table(tmp_path / "table.xlsx", COLUMNS) == [{"line": "L001", "text": "um dois"}]
