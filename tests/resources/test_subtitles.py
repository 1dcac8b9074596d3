"""At risk: subtitles that nobody can read: too long, too short, lost words, or markup that eats them."""

from itertools import pairwise
from pathlib import Path

import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavia_dag.resources.subtitles import LINE_CHARS, LONGEST_S, Cue, cues, write_subtitles
from octavia_dag.schema import PlacedLine

LONG = (
    "Quando eu era criança, o meu avô contava todas as noites uma história muito comprida sobre um barco pequeno, "
    "um mar sem fim e um marinheiro que nunca mais quis voltar para a sua casa."
)


def line(name: str, start: float, end: float) -> PlacedLine:
    return PlacedLine(id=name, speaker="A", start=start, end=end, rate=1.0)


def said(found: list[Cue]) -> str:
    return " ".join(" ".join(cue.text.split()) for cue in found)


@given(text=st.lists(st.text("abcdefghijç", min_size=1, max_size=20), min_size=1, max_size=60).map(" ".join),
       seconds=st.floats(0.5, 12.0))  # fmt: skip
def test_every_word_is_shown_once_and_fits(text: str, seconds: float) -> None:
    found = cues([line("a", 2.0, 2.0 + seconds)], {"a": text}, 60.0)
    assert said(found) == text
    assert all(len(row) <= LINE_CHARS for cue in found for row in cue.text.split("\n"))
    assert all(cue.text.count("\n") <= 1 for cue in found)


def test_a_long_line_becomes_pieces_that_follow_each_other_without_gap() -> None:
    found = cues([line("a", 1.0, 11.0)], {"a": LONG}, 60.0)
    assert found[0].start == 1.0
    assert found[-1].end == pytest.approx(11.0)
    assert all(first.end == second.start for first, second in pairwise(found))
    assert max(cue.end - cue.start for cue in found) <= LONGEST_S


def test_pieces_are_of_about_equal_length() -> None:
    shown = [len(cue.text) for cue in cues([line("a", 1.0, 11.0)], {"a": LONG}, 60.0)]
    assert max(shown) - min(shown) <= 24


def test_two_lines_are_about_equally_long() -> None:
    first, second = cues([line("a", 0.0, 4.0)], {"a": "Eu sou de Barcelona e amo esta cidade desde criança."}, 9.0)[
        0
    ].text.split("\n")
    assert abs(len(first) - len(second)) <= 8


def test_a_short_line_stays_for_a_second_where_nobody_speaks_next() -> None:
    assert cues([line("a", 1.0, 1.3)], {"a": "Sim."}, 9.0) == [Cue(1.0, 2.0, "Sim.")]


def test_a_short_line_gives_way_to_the_next() -> None:
    found = cues([line("a", 1.0, 1.3), line("b", 1.5, 3.0)], {"a": "Sim.", "b": "Claro que sim."}, 9.0)
    assert found[0].end == 1.5


def test_nothing_is_shown_after_the_programme() -> None:
    assert cues([line("a", 8.8, 9.4)], {"a": "Fim."}, 9.0)[0].end == 9.0


def test_a_word_longer_than_a_line_is_broken() -> None:
    found = cues([line("a", 0.0, 3.0)], {"a": "x" * 100}, 9.0)
    assert all(len(row) <= LINE_CHARS for cue in found for row in cue.text.split("\n"))


def test_lines_without_text_give_nothing() -> None:
    assert cues([line("a", 0.0, 3.0)], {"a": "  "}, 9.0) == []


@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_what_is_written_reads_back_the_same(tmp_path: Path, form: str) -> None:
    found = [Cue(1.234, 2.5, "Olá, coração!\nTudo bem?"), Cue(3.0, 4.001, "Até já 🙂")]
    path = tmp_path / f"a.{form}"
    write_subtitles(found, path)
    read = pysubs2.load(str(path), encoding="utf-8")
    assert [(one.start, one.end, one.plaintext) for one in read] == [
        (1234, 2500, "Olá, coração!\nTudo bem?"),
        (3000, 4001, "Até já 🙂"),
    ]


def test_braces_do_not_eat_words(tmp_path: Path) -> None:
    write_subtitles([Cue(0.0, 1.0, "um {dois} três")], tmp_path / "a.srt")
    assert "dois" in (tmp_path / "a.srt").read_text(encoding="utf-8")


def test_markup_characters_are_escaped_in_webvtt(tmp_path: Path) -> None:
    write_subtitles([Cue(0.0, 1.0, "A & B < C")], tmp_path / "a.vtt")
    assert "A &amp; B &lt; C" in (tmp_path / "a.vtt").read_text(encoding="utf-8")
