"""At risk: a good model's output spoilt around it, sentences that vanish, and pairs promised that cannot be served."""

import os
import sys
import time
from pathlib import Path

import pytest
from octavia_fakes import FakeTranslator
from translator_contract import TranslatorContract

from octavia_dag.errors import EngineError, PairError
from octavia_dag.resources.embedded.bergamot import written_out
from octavia_dag.resources.embedded.translator import LocalTranslator, normal_tag
from octavia_dag.resources.engines import Translator
from octavia_dag.resources.stopwatch import intervals

# Speaks the program's language: lists modes, upper-cases each paragraph, hangs or fails where the text says so.
PROGRAM = """
import os, sys, time
open(__file__ + ".pid", "w").write(str(os.getpid()))
if "-l" in sys.argv:
    print("  eng-spa\\n  es-pt_BR\\n  es-pt\\n  pt-es\\n  spa-eng\\n  eng-cat_valencia\\n  nonsense")
else:
    text = sys.stdin.read()
    if "HANG" in text:
        time.sleep(60)
    if "FAIL" in text:
        sys.exit("no such mode")
    if "EAT" in text:
        text = ""
    print(text.upper())
"""


@pytest.fixture(scope="module")
def local(models_dir: str) -> LocalTranslator:
    return LocalTranslator(models_dir=models_dir)


@pytest.fixture
def apertium(tmp_path: Path) -> LocalTranslator:
    program = tmp_path / "apertium"
    program.write_text(f"#!{sys.executable}\n{PROGRAM}", encoding="utf-8")
    program.chmod(0o755)
    return LocalTranslator(apertium=str(program), apertium_timeout_s=2.0)


class TestBergamot(TranslatorContract):
    @pytest.fixture
    def translator(self, local: LocalTranslator) -> Translator:
        return local

    @pytest.fixture
    def served(self) -> tuple[str, str]:
        return "en", "pt-BR"


class TestApertium(TranslatorContract):
    @pytest.fixture
    def translator(self, apertium: LocalTranslator) -> Translator:
        return apertium

    @pytest.fixture
    def served(self) -> tuple[str, str]:
        return "en", "es"


class TestFake(TranslatorContract):
    @pytest.fixture
    def translator(self) -> Translator:
        return FakeTranslator()

    @pytest.fixture
    def served(self) -> tuple[str, str]:
        return "en", "pt-BR"


@pytest.mark.parametrize(
    ("english", "portuguese"),
    [
        ("Click the button.", "Clique no botão."),  # what the package's own Python layer spoils
        ("And I love this city.", "E eu amo esta cidade."),
        ("He is waiting for the bus.", "Ele está esperando o ônibus."),  # Brazilian, not "à espera do autocarro"
        ("Absolutely.", "Com certeza."),
    ],
)
def test_english_becomes_brazilian_portuguese(local: LocalTranslator, english: str, portuguese: str) -> None:
    assert local.translate([english], "en", "pt-BR") == [portuguese]


def test_no_sentence_of_a_text_is_lost(local: LocalTranslator) -> None:
    text = "Not yet. I've been using the batch transcription. Mr. Brown said so!"
    made = local.translate([text], "en", "pt-BR")[0]
    assert made.startswith("Ainda não.")
    assert "transcrição" in made
    assert made.endswith("Sr. Brown disse isso!")


def test_pounds_stay_pounds_and_amounts_are_written_as_the_language_writes_them(local: LocalTranslator) -> None:
    made = local.translate(["It costs £20.", "It costs $1,250.75.", "It is 5 pm."], "en", "pt-BR")
    assert "20 libras" in made[0]
    assert "1.250,75 dólares" in made[1]
    assert "17:00" in made[2]


def test_the_way_back_is_served(local: LocalTranslator) -> None:
    assert local.translate(["Bom dia, Katie."], "pt", "en-US") == ["Good morning, Katie."]


def test_an_empty_text_stays_empty_in_its_place(local: LocalTranslator) -> None:
    assert local.translate(["", "Good morning.", "  "], "en", "pt-BR") == ["", "Bom dia.", ""]


def test_the_work_is_on_the_stopwatch(local: LocalTranslator) -> None:
    since = time.monotonic()
    local.translate(["Good morning."], "en", "pt-BR")
    assert "bergamot" in {one.name for one in intervals(since)}


@pytest.mark.parametrize(
    ("tag", "served"),
    [("pt", "pt-BR"), ("por", "pt-BR"), ("pt-br", "pt-BR"), ("pt-PT", "pt-PT"), ("en-US", "en"), ("es-419", "es")],
)
def test_a_tag_is_read_as_the_language_that_is_served(tag: str, served: str) -> None:
    assert normal_tag(tag) == served


def test_a_word_that_is_no_tag_is_refused() -> None:
    with pytest.raises(PairError, match="no language tag"):
        normal_tag("not a tag!")


def test_european_portuguese_is_not_promised(models_dir: str) -> None:
    with pytest.raises(PairError, match="en to pt-BR"):
        LocalTranslator(models_dir=models_dir, apertium="no-such-program").translate(["Hi."], "en", "pt-PT")


def test_without_apertium_only_bergamot_s_pairs_are_there(models_dir: str) -> None:
    alone = LocalTranslator(models_dir=models_dir, apertium="no-such-program")
    assert alone.pairs() == {("en", "pt-BR"), ("pt-BR", "en")}
    assert (alone.quality("en", "pt"), alone.quality("en", "es")) == ("neural", None)


def test_apertium_s_modes_are_pairs_of_tags(apertium: LocalTranslator) -> None:
    assert {("en", "es"), ("es", "pt-BR"), ("es", "pt-PT"), ("pt-BR", "es"), ("es", "en")} <= apertium.pairs()
    assert apertium.quality("es", "pt") == "rule-based"


def test_apertium_s_digits_are_written_as_the_language_writes_them(apertium: LocalTranslator) -> None:
    assert apertium.translate(["it is 3.50\nor 1,000 at 10:30"], "en", "es") == ["IT IS 3,50 OR 1.000 AT 10:30"]


@pytest.mark.parametrize(("text", "told"), [("HANG", "longer than"), ("FAIL", "no such mode"), ("EAT", "gave 0 back")])
def test_a_program_that_misbehaves_is_an_error_with_its_cause(apertium: LocalTranslator, text: str, told: str) -> None:
    with pytest.raises(EngineError, match=told):
        apertium.translate([text], "en", "es")


def test_a_program_that_hangs_is_killed(apertium: LocalTranslator) -> None:
    with pytest.raises(EngineError):
        apertium.translate(["HANG"], "en", "es")
    with pytest.raises(ProcessLookupError):
        os.kill(int(Path(f"{apertium.apertium}.pid").read_text(encoding="utf-8")), 0)


def test_signs_are_written_out_behind_their_amount() -> None:
    assert (
        written_out("$5 million or £3.50 at 5 p.m. sharp", "en") == "5 million dollars or 3.50 pounds at 5:00 pm sharp"
    )
    assert written_out("R$ 2 milhões e US$ 5 mil", "pt-BR") == "2 milhões de reais e 5 mil dólares"
