"""At risk: a customer's term that is read as another one, or left out without a word."""

from pathlib import Path

import pytest

from octavia_dag.errors import SettingsError
from octavia_dag.resources.glossary_files import effective_entries, glossary_file, parse, replace_glossary
from octavia_dag.schema import Term

HEAD = "term,language,translation,case,do-not-translate"
VIDEO = "talk-1a2b3c4d"


def write(root: Path, *rows: str, video: str | None = None) -> None:
    path = glossary_file(root, video)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")


def wordings(root: Path, language: str = "pt-BR", video: str | None = VIDEO) -> dict[str, str]:
    return {one.term.term: one.term.wording for one in effective_entries(root, video, language)}


def read(*rows: str) -> list[Term]:
    return [entry.term for entry in parse("\n".join([HEAD, *rows]).encode(), "mine.csv")]


def test_without_a_file_there_are_no_terms(tmp_path: Path) -> None:
    assert wordings(tmp_path) == {}


def test_the_video_s_entry_wins_over_the_catalogue_s(tmp_path: Path) -> None:
    write(tmp_path, "bus,pt-BR,ônibus,,", "gate,pt-BR,portão,,")
    write(tmp_path, "bus,pt-BR,barramento,,", video=VIDEO)
    assert wordings(tmp_path) == {"bus": "barramento", "gate": "portão"}
    assert wordings(tmp_path, video="other-5e6f7a8b")["bus"] == "ônibus"


def test_an_entry_for_the_language_wins_over_one_for_all(tmp_path: Path) -> None:
    write(tmp_path, "bus,pt-BR,ônibus,,", "bus,,autobús,,")
    assert wordings(tmp_path, "pt-BR") == {"bus": "ônibus"}
    assert wordings(tmp_path, "es") == {"bus": "autobús"}


def test_an_entry_of_another_language_does_not_count(tmp_path: Path) -> None:
    write(tmp_path, "bus,es,autobús,,")
    assert wordings(tmp_path, "pt-BR") == {}


def test_a_term_that_is_not_translated_stands_as_it_is() -> None:
    assert read("Acme,,,,yes") == [Term(term="Acme", wording="Acme")]


def test_case_counts_only_where_the_file_says_so() -> None:
    assert [term.match_case for term in read("Apple,,Apple,yes,", "Pear,,pera,no,", "Plum,,ameixa,,")] == [
        True,
        False,
        False,
    ]


def test_spellings_that_differ_in_case_only_are_one_term_where_case_does_not_count(tmp_path: Path) -> None:
    write(tmp_path, "Bus,,ônibus,,")
    write(tmp_path, "bus,,barramento,,", video=VIDEO)
    assert wordings(tmp_path) == {"bus": "barramento"}


def test_a_language_is_known_in_any_spelling(tmp_path: Path) -> None:
    write(tmp_path, "bus,pt-br,ônibus,,")
    assert wordings(tmp_path, "pt-BR") == {"bus": "ônibus"}


def test_words_that_a_table_reader_takes_for_nothing_are_terms() -> None:
    assert [term.wording for term in read("null,,NA,,")] == ["NA"]


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    write(tmp_path, "bus,,ônibus,,")
    assert wordings(tmp_path) == {"bus": "ônibus"}
    replace_glossary(tmp_path, None, f"{HEAD}\nbus,,o busão,,\n".encode(), "mine.csv")
    assert wordings(tmp_path) == {"bus": "o busão"}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (",pt-BR,ônibus,,", "row 4 has no term"),
        ("bus,pt-BR,,,", "row 4 has no translation of 'bus'"),
        ("bus,pt-BR,ônibus,maybe,", "row 4 has 'maybe' under case"),
        ("bus,pt-BR,,,perhaps", "row 4 has 'perhaps' under do-not-translate"),
        ("bus,pt-BR,ônibus,,yes", "row 4 translates 'bus' and says do-not-translate"),
        ("bus,tlh,ônibus,,", "row 4 is for another language"),
        ("gate,,o portão,,", "row 4 repeats the term 'gate' of row 2"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_by_file_and_number(row: str, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read("gate,,portão,,", "", row)
    assert str(refused.value).startswith(f"Reading the glossary mine.csv: {told}")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"word,translation\nbus,x\n",
        b"language,translation\npt-BR,x\n",
        b"term,translation\nbus,x,y\n",
        b"term,translation\nbus,x\ngate,y,z\n",
        b"term,term,translation\nbus,bus,x\n",
        "term,translation\nbus,ônibus\n".encode("latin-1"),
    ],
)
def test_what_is_no_such_table_is_refused_with_the_columns_it_must_have(content: bytes) -> None:
    with pytest.raises(SettingsError, match=f"mine.csv.*{HEAD}"):
        parse(content, "mine.csv")


def test_a_refused_file_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, "bus,,ônibus,,")
    with pytest.raises(SettingsError):
        replace_glossary(tmp_path, None, f"{HEAD}\nbus,,,,\n".encode(), "mine.csv")
    assert wordings(tmp_path) == {"bus": "ônibus"}
