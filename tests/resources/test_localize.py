"""At risk: a line that says less, longer, or another thing than the original, and no flag that tells."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import PrivateAttr

from octavia_dag.dubbing.lengths import predicted_seconds
from octavia_dag.resources.embedded.condenser import RuleCondenser
from octavia_dag.resources.embedded.translator import LocalTranslator
from octavia_dag.resources.engines import Condenser, EngineInfo, Translator
from octavia_dag.resources.localize import FROM_MEMORY, condense_text, translate_lines
from octavia_dag.schema import Line, Term, TranslatedLine
from octavia_dag.settings import TranslationSlice


class Echo(Translator):
    """Answers with the text itself, so that a test chooses the translation."""

    def info(self) -> EngineInfo:
        return EngineInfo(name="echo", revision="1", licence="none")

    def pairs(self) -> frozenset[tuple[str, str]]:
        return frozenset({("en", "pt-BR")})

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        return list(texts)


class Deaf(Echo):
    """Says the same whatever it is given."""

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        return ["Uma frase." for _ in texts]


class Offering(Echo):
    """Offers what a text holds between its strokes."""

    def candidates(self, texts: Sequence[str], source: str, target: str) -> list[list[str]]:
        return [text.split("|") for text in texts]


class Mute(Condenser):
    """Never finds a shorter text."""

    def info(self) -> EngineInfo:
        return EngineInfo(name="mute", revision="1", licence="none")

    def condense(self, text: str, original: str, language: str, ratio: float) -> str | None:
        return None


class Forgetful(Mute):
    """Always answers the same."""

    def condense(self, text: str, original: str, language: str, ratio: float) -> str | None:
        return "Sim."


def line(text: str, start: float = 0.0, seconds: float = 60.0, speaker: str = "A") -> Line:
    return Line(id=f"l{start}", speaker=speaker, start=start, end=start + seconds, text=text)


def localized(
    lines: Sequence[Line],
    translator: Translator,
    condenser: Condenser | None = None,
    glossary: Mapping[str, str] | None = None,
    approved: Mapping[str, str] | None = None,
    **chosen: Any,
) -> tuple[TranslatedLine, ...]:
    return translate_lines(
        lines,
        source="en",
        target="pt-BR",
        translator=translator,
        condenser=condenser or RuleCondenser(),
        chosen=TranslationSlice(**chosen),
        glossary=[Term(term=term, wording=wording) for term, wording in (glossary or {}).items()],
        approved=approved,
        voice="kokoro",
    ).lines


@pytest.fixture(scope="module")
def local(models_dir: str) -> LocalTranslator:
    return LocalTranslator(models_dir=models_dir)


def test_the_dialogue_s_lines_are_kept_whole_and_in_brazilian_portuguese(
    media_dir: Path, local: LocalTranslator
) -> None:
    truth = json.loads((media_dir / "dialogue" / "truth.json").read_text(encoding="utf-8"))["segments"]
    lines = [line(one["text"], one["start"], one["end"] - one["start"], one["speaker"]) for one in truth]
    made = localized(lines, local, glossary={"diarization": "diarização"})
    assert [one.text for one in made][:2] == ["Bom dia, Steve.", "Bom dia, Katie."]
    assert "a mais recente diarização em tempo real no Microsoft Speech Service" in made[2].text
    assert made[3].text.startswith("Ainda não.")
    assert [one.glossary for one in made[2:4]] == [("diarization",), ("diarization",)]
    assert not [flag for one in made for flag in one.flags if "lost" in flag or "glossary" in flag]
    assert all(one.length_ratio <= 1.2 or one.flags for one in made)


def test_a_sentence_over_three_lines_is_translated_whole(local: LocalTranslator) -> None:
    made = localized(
        [
            line("And so my fellow Americans,", 0, 2),
            line("ask not what your country can do for you,", 3, 4),
            line("ask what you can do for your country.", 8, 2),
        ],
        local,
    )
    assert "perguntem" in made[2].full_text  # alone it is "perguntar", no longer an appeal
    assert [one.full_text[-1] for one in made] == [",", ",", "."]


def test_half_a_sentence_gains_no_full_stop_and_no_capital(local: LocalTranslator) -> None:
    made = localized([line("we went to the big")], local)[0].text
    assert made[0].islower()
    assert made[-1].isalpha()


def test_a_name_that_became_a_word_is_hidden_and_kept(local: LocalTranslator) -> None:
    made = translate_lines(
        [line("Meu nome é Jordi Mas.")],
        source="pt",
        target="en",
        translator=local,
        condenser=RuleCondenser(),
        chosen=TranslationSlice(),
        glossary=(),
        voice="kokoro",
    )
    assert made.lines[0].text == "My name is Jordi Mas."
    assert made.lines[0].flags == ()


def test_a_glossary_term_is_used_even_where_the_model_knows_another_word(local: LocalTranslator) -> None:
    made = localized([line("We use Zorblax on the bus.")], local, glossary={"bus": "busão", "Zorblax": "Zorblax"})[0]
    assert "busão" in made.text
    assert "Zorblax" in made.text
    assert set(made.glossary) == {"bus", "Zorblax"}


def test_what_could_not_be_kept_is_flagged() -> None:
    made = localized([line("And Anna has 25 widgets.")], Deaf(), glossary={"widgets": "peças"})[0]
    assert made.glossary == ()
    assert made.flags == (
        "glossary term 'widgets' was not used",
        "the name 'Anna' was lost in translation",
        "the number 25 was lost in translation",
    )


class Counting(Echo):
    """Keeps what it was asked for."""

    _asked: list[str] = PrivateAttr(default_factory=list[str])

    @property
    def asked(self) -> list[str]:
        return self._asked

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        self._asked.extend(texts)
        return list(texts)


def test_an_approved_line_is_taken_word_for_word_and_asks_no_translator() -> None:
    translator = Counting()
    made = localized([line("Good morning.")], translator, approved={"Good morning.": "bom dia"})[0]
    assert translator.asked == []
    assert made.text == made.full_text == "bom dia"
    assert made.flags == (FROM_MEMORY,)


def test_an_approved_line_that_is_too_long_is_condensed() -> None:
    text = "Na verdade, eu realmente aprecio a sua ajuda."
    lines = [line("Thanks.", seconds=predicted_seconds(text, "pt-BR") / 1.5)]
    made = localized(lines, Counting(), approved={"Thanks.": text})[0]
    assert made.full_text == text
    assert len(made.text) < len(text)


def test_an_approved_line_is_no_part_of_a_sentence_that_is_translated_whole() -> None:
    lines = [line("If we go,", 0, 2), line("and stay,", 3, 2), line("we win.", 6, 2)]
    translator = Counting()
    made = localized(lines, translator, approved={"we win.": "vencemos."})
    assert [text for text in translator.asked if "we win" in text] == []
    assert "If we go, and stay," in translator.asked
    assert made[2].full_text == "vencemos."


def test_the_lines_around_an_approved_one_are_not_joined_over_it() -> None:
    lines = [line("If we go,", 0, 2), line("and stay,", 3, 2), line("we win.", 6, 2)]
    translator = Counting()
    localized(lines, translator, approved={"and stay,": "e ficarmos,"})
    assert translator.asked == ["If we go,", "we win."]


def test_an_approved_line_without_a_glossary_term_of_today_says_so() -> None:
    made = localized(
        [line("Mind the gap, Anna.")], Counting(), None, {"gap": "vão"}, {"Mind the gap, Anna.": "Cuidado!"}
    )
    assert made[0].flags == (FROM_MEMORY, "glossary term 'gap' was not used")
    assert made[0].text == "Cuidado!"


def test_a_line_that_fits_is_not_touched() -> None:
    made = localized([line("Na verdade, eu acho.", seconds=9)], Echo())[0]
    assert made.text == made.full_text == "Na verdade, eu acho."
    assert made.predicted_seconds == pytest.approx(predicted_seconds("Na verdade, eu acho.", "pt-BR"), abs=0.001)
    assert made.length_ratio == pytest.approx(made.predicted_seconds / 9, abs=0.001)


def test_a_line_that_is_too_long_is_condensed_and_its_full_text_kept() -> None:
    text = "Na verdade, eu realmente aprecio a sua ajuda."
    made = localized([line(text, seconds=predicted_seconds(text, "pt-BR") / 1.5)], Echo())[0]
    assert made.full_text == text
    assert len(made.text) < len(text)
    assert made.length_ratio <= 1.2
    assert made.flags == ()


def test_a_line_that_stays_too_long_is_flagged_with_its_ratio() -> None:
    made = localized([line("Cientistas descobriram uma nova espécie.", seconds=1.0)], Echo())[0]
    assert made.text == made.full_text
    assert [flag for flag in made.flags if f"{made.length_ratio:.2f} times the original" in flag]


def test_a_very_short_original_is_held_to_no_less_than_0_6_seconds() -> None:
    made = localized([line("Sim.", seconds=0.1)], Echo())[0]
    assert made.text == "Sim."
    assert made.length_ratio == pytest.approx(made.predicted_seconds / 0.6, abs=0.001)


def test_the_limit_is_a_setting() -> None:
    text = "Na verdade, eu realmente aprecio a sua ajuda."
    seconds = predicted_seconds(text, "pt-BR") / 1.5
    assert localized([line(text, seconds=seconds)], Echo(), max_length_ratio=1.6)[0].text == text


def test_rules_take_over_where_the_condenser_has_no_answer_and_it_is_said() -> None:
    made = condense_text("Na verdade, eu acho que não.", "x", "pt-BR", 0.7, Mute())
    assert made.reached
    assert "by rules" in made.note


def test_a_condensed_text_that_lost_a_glossary_wording_is_not_taken() -> None:
    made = condense_text("Na verdade, a Acme vem.", "x", "pt-BR", 0.7, Forgetful(), protected=["Acme"])
    assert "Acme" in made.text


def test_progress_is_told_line_by_line() -> None:
    told: list[float] = []
    translate_lines(
        [line("Sim."), line("Bom.", 70)],
        source="en",
        target="pt-BR",
        translator=Echo(),
        condenser=RuleCondenser(),
        chosen=TranslationSlice(),
        glossary=(),
        voice="kokoro",
        report=told.append,
    )
    assert told == [0.5, 1.0]


def test_no_line_gives_an_empty_translation() -> None:
    assert localized([], Echo()) == ()


LONG, MIDDLE, SHORT = "uma frase que leva bastante tempo", "uma frase que leva tempo", "uma frase"


def offered(*texts: str, fits: str = "", **chosen: Any) -> tuple[TranslatedLine, ...]:
    """One line with these candidates, in time for `fits`, where that is told, else in no time at all."""
    seconds = predicted_seconds(fits, "pt-BR") / 1.2 + 0.001 if fits else 0.1
    return localized([line("|".join(texts), 0, seconds)], Offering(), Mute(), **chosen)


@pytest.mark.parametrize(("fits", "taken"), [(LONG, LONG), (MIDDLE, MIDDLE), (SHORT, SHORT), ("", SHORT)])
def test_of_several_translations_the_first_that_fits_is_taken_else_the_shortest(fits: str, taken: str) -> None:
    assert [one.full_text for one in offered(LONG, SHORT, MIDDLE, fits=fits)] == [SHORT if taken == MIDDLE else taken]
    assert [one.full_text for one in offered(LONG, MIDDLE, SHORT, fits=fits)] == [taken]


def test_a_longer_ratio_leaves_the_best_translation_as_it_is() -> None:
    assert offered(LONG, SHORT, fits=MIDDLE)[0].full_text == SHORT
    assert offered(LONG, SHORT, fits=MIDDLE, max_length_ratio=2.0)[0].full_text == LONG


def test_a_translation_that_fits_but_loses_a_number_is_not_taken() -> None:
    class Numbers(Echo):
        def candidates(self, texts: Sequence[str], source: str, target: str) -> list[list[str]]:
            return [["uma frase com 25 palavras", "uma frase", "com 25 coisas"] for _ in texts]

    made = localized([line("a sentence of 25 words", 0, 0.1)], Numbers(), Mute())
    assert made[0].full_text == "com 25 coisas"
    assert not [flag for flag in made[0].flags if "25" in flag]


def test_a_sentence_over_two_lines_takes_the_first_translation_that_can_be_cut_and_fits_both() -> None:
    class Whole(Echo):
        def candidates(self, texts: Sequence[str], source: str, target: str) -> list[list[str]]:
            whole = ["isto não se corta", f"{LONG}, {LONG}.", f"{SHORT}, {SHORT}.", f"{MIDDLE}, {MIDDLE}."]
            return [whole if "," in text[:-1] else [text] for text in texts]

    seconds = predicted_seconds(f"{SHORT},", "pt-BR") / 1.2 + 0.001
    made = localized([line("one two,", 0, seconds), line("three four.", 2, seconds)], Whole(), Mute())
    assert [one.full_text for one in made] == [f"{SHORT},", f"{SHORT}."]
