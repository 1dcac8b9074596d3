"""At risk: translating a whole programme again for one word, or taking an answer that belongs to something else."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import PrivateAttr

from octavia_dag.resources.embedded.condenser import RuleCondenser
from octavia_dag.resources.engines import EngineInfo, Translator
from octavia_dag.resources.localize import translate_lines
from octavia_dag.resources.remembering import Remembering
from octavia_dag.schema import Line, Term, Translation
from octavia_dag.settings import TranslationSlice


class Counting(Translator):
    """Puts a mark before every text, and keeps each call."""

    revision: str = "1"
    _calls: list[list[str]] = PrivateAttr(default_factory=list[list[str]])

    @property
    def calls(self) -> list[list[str]]:
        return self._calls

    def info(self) -> EngineInfo:
        return EngineInfo(name="counting", revision=self.revision, licence="none")

    def pairs(self) -> frozenset[tuple[str, str]]:
        return frozenset({("en", "pt-BR")})

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        self._calls.append(list(texts))
        return [f"{target}{self.revision} {text}" for text in texts]


class Offering(Counting):
    """Offers the text doubled, too."""

    def candidates(self, texts: Sequence[str], source: str, target: str) -> list[list[str]]:
        return [[one, f"{one} {one}"] for one in self.translate(texts, source, target)]


@pytest.fixture
def counting() -> Counting:
    return Counting()


def test_only_unknown_texts_are_asked_for_all_in_one_call(counting: Counting, tmp_path: Path) -> None:
    Remembering(counting, tmp_path).translate(["one", "two"], "en", "pt-BR")
    made = Remembering(counting, tmp_path).translate(["three", "two", "four", "one"], "en", "pt-BR")
    assert counting.calls == [["one", "two"], ["three", "four"]]
    assert made == ["pt-BR1 three", "pt-BR1 two", "pt-BR1 four", "pt-BR1 one"]


def test_equal_texts_are_asked_for_once(counting: Counting, tmp_path: Path) -> None:
    assert Remembering(counting, tmp_path).translate(["one", "one"], "en", "pt-BR") == ["pt-BR1 one"] * 2
    assert counting.calls == [["one"]]


def test_another_revision_is_asked_anew(counting: Counting, tmp_path: Path) -> None:
    Remembering(counting, tmp_path).translate(["one"], "en", "pt-BR")
    assert Remembering(Counting(revision="2"), tmp_path).translate(["one"], "en", "pt-BR") == ["pt-BR2 one"]


def test_another_language_is_asked_anew(counting: Counting, tmp_path: Path) -> None:
    Remembering(counting, tmp_path).translate(["one"], "en", "pt-BR")
    assert Remembering(counting, tmp_path).translate(["one"], "en", "es") == ["es1 one"]


def test_a_damaged_answer_is_asked_anew(counting: Counting, tmp_path: Path) -> None:
    Remembering(counting, tmp_path).translate(["one"], "en", "pt-BR")
    for path in tmp_path.iterdir():
        path.write_text("{", encoding="utf-8")
    assert Remembering(counting, tmp_path).translate(["one"], "en", "pt-BR") == ["pt-BR1 one"]


def test_every_candidate_is_kept_in_its_order(tmp_path: Path) -> None:
    offering = Offering()
    asked = Remembering(offering, tmp_path).candidates(["one", "two", "one"], "en", "pt-BR")
    assert asked == [[f"pt-BR1 {text}", f"pt-BR1 {text} pt-BR1 {text}"] for text in ("one", "two", "one")]
    assert Remembering(offering, tmp_path).candidates(["one", "two", "one"], "en", "pt-BR") == asked
    assert offering.calls == [["one", "two"]]


def test_an_answer_kept_before_there_were_candidates_is_the_only_one(counting: Counting, tmp_path: Path) -> None:
    Remembering(counting, tmp_path).translate(["one"], "en", "pt-BR")
    for path in tmp_path.iterdir():
        path.write_text('{"text": "one", "translation": "um"}', encoding="utf-8")
    assert Remembering(counting, tmp_path).candidates(["one"], "en", "pt-BR") == [["um"]]


def dubbed(translator: Counting, folder: Path, texts: Sequence[str], *glossary: Term) -> Translation:
    return translate_lines(
        [Line(id=f"l{n}", speaker="A", start=60.0 * n, end=60.0 * n + 50, text=text) for n, text in enumerate(texts)],
        source="en",
        target="pt-BR",
        translator=Remembering(translator, folder),
        condenser=RuleCondenser(),
        chosen=TranslationSlice(),
        glossary=glossary,
        voice="kokoro",
    )


def test_a_new_term_asks_for_its_own_lines_only(counting: Counting, tmp_path: Path) -> None:
    texts = ["we take the bus.", "we close the gate.", "the bus is late."]
    dubbed(counting, tmp_path, texts)
    before = len(counting.calls)
    made = dubbed(counting, tmp_path, texts, Term(term="bus", wording="ônibus"))
    assert counting.calls[before:] == [["we take the Zx1q.", "the Zx1q is late."]]
    assert ["ônibus" in line.text for line in made.lines] == [True, False, True]


def test_an_edited_line_asks_for_itself_only(counting: Counting, tmp_path: Path) -> None:
    dubbed(counting, tmp_path, ["we take the bus.", "we close the gate."])
    before = len(counting.calls)
    dubbed(counting, tmp_path, ["we take the bus.", "we open the gate."])
    assert counting.calls[before:] == [["we open the gate."]]
