"""At risk: a symbol that Kokoro reads as another sound, a number left unread, a long text cut."""

import json

import pytest

from octavia_dag.errors import PairError
from octavia_dag.resources.embedded.phonemes import ESPEAK, count, phonemes, pieces, tokens
from octavia_dag.resources.models import model_dir

SENTENCE = {
    "pt-BR": "Bom dia, gente: que noite!",
    "es": "¿Qué hacen los niños mañana?",
    "en": "Nobody knows the button's price.",
    "fr": "Bonjour, je suis à Paris.",
    "it": "Ciao, la pizza costa mezzo euro.",
}


@pytest.mark.parametrize("language", sorted(ESPEAK))
def test_every_symbol_is_one_that_kokoro_knows(language: str, models_dir: str) -> None:
    path = model_dir(models_dir, "kokoro") / "vocab.json"
    vocabulary: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))["vocab"]
    spoken = phonemes(SENTENCE[language], language)
    assert len(tokens(spoken, vocabulary)) >= len(spoken.replace("¿", "")) - 1


@pytest.mark.parametrize(
    ("text", "language", "symbol"),
    [("dia", "pt-BR", "ʤ"), ("noite", "pt-BR", "ʧ"), ("pizza", "it", "ʦ"), ("day", "en", "A"), ("go", "en", "O")],
)
def test_tied_pairs_become_one_symbol(text: str, language: str, symbol: str) -> None:
    spoken = phonemes(text, language)
    assert symbol in spoken
    assert "^" not in spoken


def test_numbers_are_read_out() -> None:
    assert count(phonemes("21", "pt-BR")) == pytest.approx(count(phonemes("vinte e um", "pt-BR")), abs=1)


def test_punctuation_is_kept_for_the_rhythm() -> None:
    assert "," in phonemes("Sim, claro.", "pt-BR")


@pytest.mark.parametrize("text", ["", "   ", "...", "!?"])
def test_what_has_no_sound_has_no_phonemes(text: str) -> None:
    assert phonemes(text, "pt-BR") == ""


def test_a_language_without_voices_is_refused_by_name() -> None:
    with pytest.raises(PairError, match=r"tlh.*pt-BR"):
        phonemes("nuqneH", "tlh")


def test_a_long_text_is_split_at_its_sentences_and_nothing_is_lost() -> None:
    whole = "aba, eke. " * 20
    parts = pieces(whole.strip(), limit=50)
    assert " ".join(parts) == whole.strip()
    assert all(len(part) <= 50 and part.endswith(".") for part in parts)


def test_a_text_without_any_break_is_split_all_the_same() -> None:
    assert pieces("a" * 120, limit=50) == ["a" * 50, "a" * 50, "a" * 20]
