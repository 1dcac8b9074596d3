"""At risk: one bad row that stops all others, a row that is misread, a bucket that is away taken for an empty one."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from octavia_dag.errors import InputError, OctaviaError, StorageError
from octavia_dag.resources.catalogue import Catalogue, Table, parsed

ROOT = "/storage"


def table(*lines: str, separator: str = "\n") -> Table:
    return parsed("catalogue.csv", separator.join(lines).encode(), ROOT)


def test_every_column_is_read_as_it_is_meant() -> None:
    head = "uri,languages,priority,deadline,tenant,settings"
    (row,) = table(head, 'talks/a.mp4,"es, pt-br",5,2026-12-31,acme,{mix: {duck_depth_db: 4}}').rows
    assert (row.number, row.uri, row.languages) == (2, "/storage/talks/a.mp4", ("es", "pt-BR"))
    assert (row.priority, row.tenant, row.settings) == (5.0, "acme", {"mix": {"duck_depth_db": 4}})
    assert row.deadline == datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("tags", ["es+pt-BR", "es pt-BR", "es; pt-BR"])
def test_languages_may_be_parted_as_people_do(tags: str) -> None:
    assert table("uri,languages", f'a.mp4,"{tags}"').rows[0].languages == ("es", "pt-BR")


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("2026-12-31T10:00", datetime(2026, 12, 31, 10, tzinfo=UTC)),
        ("2026-12-31T10:00+02:00", datetime(2026, 12, 31, 8, tzinfo=UTC)),
    ],
)
def test_a_deadline_may_be_a_moment(told: str, meant: datetime) -> None:
    assert table("uri,deadline", f"a.mp4,{told}").rows[0].deadline == meant


@pytest.mark.parametrize(
    ("uri", "meant"),
    [
        ("a b/ü.mp4", "/storage/a b/ü.mp4"),
        ("/media/a.mp4", "/media/a.mp4"),
        ("file:///media/a%20b.mp4", "/media/a b.mp4"),
        ("s3://bucket/a.mp4", "s3://bucket/a.mp4"),
    ],
)
def test_an_address_is_told_in_full(uri: str, meant: str) -> None:
    assert table("uri", uri).rows[0].uri == meant


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (",es,1,,,", "no uri"),
        ("a.mp4,xx,1,,,", "'xx' is no language"),
        ("a.mp4,es,high,,,", "its priority 'high'"),
        ("a.mp4,es,nan,,,", "its priority 'nan'"),
        ("a.mp4,es,1,31.12.2026,,", "its deadline '31.12.2026'"),
        ("a.mp4,es,1,,,{mix: {duck_depth_db: 99}}", "mix.duck_depth_db"),
        ("a.mp4,es,1,,,{mix: {loudness: 1}}", "no setting mix.loudness"),
        ("a.mp4,es,1,,,louder", "must be written like {mix:"),
        ("a.mp4,es,1,,,{catalogue: {retries: 1}}", "catalogue.retries is for an operator"),
        ("a.mp4,es,1,,,{translation: {engine: 'evil:Code'}}", "translation.engine is for an operator"),
        ("a.mp4,es,1,,,{translation: {endpoint: 'http://evil/v1'}}", "translation.endpoint is for an operator"),
        ("a.mp4,es,1,,,{checks: {length_s: 2.0}}", "checks.length_s is for an operator"),
        ("a.mp4,es,1,,," + "[" * 5000, "no YAML"),
        ('a.mp4,es,1,,,"{voices: {cast: {""\\ud800"": x}}}"', "no YAML"),
        ("a.mp4,es,1,,,{mix: *no}", "no YAML"),
        ("a.mp4,es,pt-BR,1,,,{mix: {duck_depth_db: 4}}", "more cells"),
        ('"a.mp4,es,1,,,', "a quote is not closed"),
        ('"a.mp4"x,es,1,,,', "a quote is not closed"),
        ("../../etc/passwd,es,1,,,", "'..'"),
        ("file:///a/%2e%2e/b,es,1,,,", "'..'"),
        ("a\0b.mp4,es,1,,,", "no address"),
        ("s3://,es,1,,,", "no address"),
        ("s3://bucket,es,1,,,", "no address"),
        ("a.mp4,xx,high,,,", "'xx' is no language"),
        ("a.mp4,xx,high,,,", "its priority 'high'"),
        ("a.mp4,es,1,,,{delivery: {languages: [es]}}", "column of its own"),
        ("ftp://host/a.mp4,es,1,,,", "ftp://"),
        ("good.mp4,es,1,,,", "that of row 2"),
    ],
)
def test_a_bad_row_is_named_with_its_number_and_its_fault_and_the_others_stay(row: str, words: str) -> None:
    found = table("uri,languages,priority,deadline,tenant,settings", "good.mp4,es,1,,,", row, "last.mp4,fr,1,,,")
    assert [one.number for one in found.rows] == [2, 4]
    (bad,) = found.bad
    assert bad.number == 3
    assert words in bad.why


def test_a_bad_setting_is_not_repeated_since_it_may_hold_a_secret() -> None:
    found = table("uri,settings", "a.mp4,{translation: {endpoint: 'http://host/?key=s3cret'}}")
    assert "translation.endpoint" in found.bad[0].why
    assert "s3cret" not in found.bad[0].why


@pytest.mark.parametrize("uri", ["/etc/hosts", "file:///etc/hosts"])
def test_files_of_this_machine_cannot_be_named_where_the_catalogue_lies_in_a_bucket(uri: str) -> None:
    assert len(table("uri", uri).rows) == 1
    found = parsed("catalogue.csv", f"uri\n{uri}\na.mp4".encode(), "s3://dubs")
    assert [one.uri for one in found.rows] == ["s3://dubs/a.mp4"]
    assert "cannot be named in s3://dubs" in found.bad[0].why


def test_a_cell_may_hold_lines_and_quotes() -> None:
    (row,) = table("uri,tenant", '"a ""b"".mp4","two\nlines"').rows
    assert (row.uri, row.tenant) == ('/storage/a "b".mp4', "two\nlines")


def test_a_blank_line_does_not_shift_the_numbers_below_it() -> None:
    assert [one.number for one in table("uri,priority", "a.mp4,1", ",", "", "b.mp4,2").rows] == [2, 5]


def test_columns_nobody_reads_are_named() -> None:
    assert table("uri,prioritty,notes", "a.mp4,1,x").ignored == ("prioritty", "notes")


@pytest.mark.parametrize("content", ["", "name\na.mp4", "uri,uri\na,b"])
def test_a_table_without_its_columns_is_refused_whole(content: str) -> None:
    with pytest.raises(InputError):
        table(content)


def test_a_spreadsheet_that_parts_cells_with_semicolons_is_read_too() -> None:
    (row,) = parsed("catalogue.csv", "\ufeffuri;languages\r\na.mp4;es,fr\r\n".encode(), ROOT).rows
    assert row.languages == ("es", "fr")


def test_a_parquet_file_says_the_same_as_a_csv_file() -> None:
    cells = {
        "uri": ["a.mp4", "b.mp4", "c.mp4"],
        "languages": [["es", "fr"], ["es"], None],
        "priority": [2.5, None, 1.0],
        "deadline": [pd.Timestamp("2026-12-31T10:00:00"), None, pd.Timestamp("2027-01-01T00:00:00")],
        "settings": [{"mix": {"duck_depth_db": 4.0}}, None, {"sync": {"max_rate": 1.2}}],
    }
    content = io.BytesIO()
    pd.DataFrame(cells).to_parquet(content)
    same = parsed("catalogue.parquet", content.getvalue(), ROOT)
    csv = table(
        "uri,languages,priority,deadline,settings",
        'a.mp4,"es,fr",2.5,2026-12-31T10:00:00,{mix: {duck_depth_db: 4.0}}',
        "b.mp4,es,,,",
        "c.mp4,,1,2027-01-01T00:00:00,{sync: {max_rate: 1.2}}",
    )
    assert same.bad == csv.bad == ()
    assert [one.model_copy(update={"number": one.number + 1}) for one in same.rows] == list(csv.rows)


@pytest.mark.parametrize("root", ["{}", "file://{}"])
def test_the_catalogue_lies_at_the_root_of_a_folder(tmp_path: Path, root: str) -> None:
    catalogue = Catalogue(root=root.format(tmp_path))
    assert catalogue.address() is None
    with pytest.raises(InputError, match="There is no catalogue"):
        catalogue.read()
    (tmp_path / "catalogue.csv").write_text("uri\na.mp4\n")
    assert catalogue.read().rows[0].uri == f"{tmp_path}/a.mp4"
    (tmp_path / "catalogue.parquet").write_text("")
    with pytest.raises(InputError, match="two catalogues"):
        catalogue.read()


def test_a_storage_that_is_away_is_an_error_and_never_an_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(StorageError, match="cannot be reached"):
        Catalogue(root="s3://bucket").address()


@pytest.mark.parametrize("content", [b"PAR1 and then nothing", b""])
def test_what_is_no_parquet_file_is_refused_in_a_sentence(content: bytes) -> None:
    with pytest.raises(OctaviaError, match="no table that can be read"):
        parsed("catalogue.parquet", content, ROOT)
