"""From a text to Kokoro's tokens: espeak-ng says the sounds, a small table turns them into Kokoro's symbols.

Kokoro was trained on one symbol per affricate and diphthong, so espeak is asked to mark such pairs with a tie and the
tied pairs are replaced; a symbol that Kokoro does not know is left out, as its own front end does. espeak-ng is
one global machine and not thread-safe: one lock guards it, and it is a thousandth of the cost of speaking.
A text of more tokens than the model takes is split in its phonemes, at the strongest punctuation that fits.
"""

# ruff: noqa: RUF001 - phonetic symbols look like other letters

import re
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

from octavia_dag.dubbing.spoken import spoken_form
from octavia_dag.errors import EngineError, PairError

# BCP 47 tag -> espeak-ng voice; every language here has voices of its own in Kokoro.
ESPEAK = {"pt-BR": "pt-br", "es": "es", "en": "en-us", "fr": "fr-fr", "it": "it"}
MAX_TOKENS = 500
_TIE = "^"
# Kokoro's symbols for the pairs that espeak ties, as its trainers' front end (misaki) maps them.
_PAIRS = {
    "a^ɪ": "I",
    "a^ʊ": "W",
    "d^z": "ʣ",
    "d^ʒ": "ʤ",
    "e^ɪ": "A",
    "o^ʊ": "O",
    "ə^ʊ": "Q",
    "s^s": "S",
    "t^s": "ʦ",
    "t^ʃ": "ʧ",
    "ɔ^ɪ": "Y",
}
# American English was trained on a dictionary, not on espeak: these turn espeak's sounds into that dictionary's.
_ENGLISH = {
    "ʔˌn\u0329": "tᵊn",
    "ʔn\u0329": "tᵊn",
    "ə^l": "ᵊl",
    "ʲO": "jO",
    "ʲQ": "jQ",
    "\u0303": "",
    "e": "A",
    "r": "ɹ",
    "x": "k",
    "ç": "k",
    "ɐ": "ə",
    "ɚ": "əɹ",
    "ɬ": "l",
    "ʔ": "t",
    "ʲ": "",
    "ɜːɹ": "ɜɹ",
    "ɜː": "ɜɹ",
    "ɪə": "iə",
    "ː": "",
    "o": "ɔ",
}
_QUOTES = str.maketrans({"«": "“", "»": "”", "„": "“", "–": "—", "\n": " "})
_LOCK = threading.Lock()
# Strongest first: a sentence, then a clause, then a phrase, then a word.
_BREAKS = (r"(?<=[.!?…])\s+", r"(?<=[;:—])\s+", r"(?<=,)\s+", r"\s+")
_PUNCTUATION = frozenset(';:,.!?—…"()“” ')
_MARKS = frozenset("ˈˌː\u0303ʰʲ")


def phonemes(text: str, language: str) -> str:
    """Kokoro's symbols for `text`; "" where nothing of it can be spoken. A PairError for a language it cannot read."""
    if language not in ESPEAK:
        raise PairError(f"Kokoro does not speak {language}; it speaks {', '.join(sorted(ESPEAK))}.")
    with _LOCK:
        said: list[str] = _backend(ESPEAK[language]).phonemize(
            [spoken_form(text, language).translate(_QUOTES)], strip=True
        )
    spoken = said[0] if said else ""
    for pair, symbol in _PAIRS.items():
        spoken = spoken.replace(pair, symbol)
    if language == "en":
        spoken = _english(spoken)
    spoken = spoken.replace(_TIE, "").replace("-", "")
    return spoken if count(spoken) else ""


def count(spoken: str) -> int:
    """Number of sounds in a phoneme string: punctuation, spaces, stress and length marks left out."""
    return sum(symbol not in _PUNCTUATION and symbol not in _MARKS for symbol in spoken)


def tokens(spoken: str, vocabulary: Mapping[str, int]) -> list[int]:
    """Token numbers of a phoneme string, symbols that the vocabulary lacks left out; no padding."""
    return [vocabulary[symbol] for symbol in spoken if symbol in vocabulary]


def pieces(spoken: str, *, limit: int) -> list[str]:
    """The phoneme string in pieces of at most `limit` symbols, cut at the strongest punctuation that serves."""
    return _split(spoken, limit, _BREAKS)


def _split(spoken: str, limit: int, breaks: tuple[str, ...]) -> list[str]:
    if len(spoken) <= limit:
        return [spoken]
    if not breaks:
        return [spoken[start : start + limit] for start in range(0, len(spoken), limit)]
    packed: list[str] = []
    for part in re.split(breaks[0], spoken):
        for piece in _split(part, limit, breaks[1:]):
            if packed and len(packed[-1]) + 1 + len(piece) <= limit:
                packed[-1] = f"{packed[-1]} {piece}"
            else:
                packed.append(piece)
    return packed


def _english(spoken: str) -> str:
    for sound, symbol in _ENGLISH.items():
        spoken = spoken.replace(sound, symbol)
    # A syllabic consonant (n with a stroke below) gets the small vowel before it.
    return re.sub("(\\S)\u0329", r"ᵊ\1", spoken).replace("\u0329", "")


@cache
def _backend(voice: str) -> Any:
    """espeak-ng for one of its voices, from the library that the loader package carries."""
    import logging

    import espeakng_loader
    from phonemizer.backend import EspeakBackend
    from phonemizer.backend.espeak.wrapper import EspeakWrapper

    EspeakWrapper.set_library(espeakng_loader.get_library_path())
    EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
    try:
        # Its warnings are about words of another language inside a text, which is what names are.
        quiet = logging.getLogger("phonemizer.quiet")
        quiet.setLevel(logging.ERROR)
        return EspeakBackend(
            voice, preserve_punctuation=True, with_stress=True, tie=_TIE, logger=quiet, language_switch="remove-flags"
        )
    except RuntimeError as error:
        raise EngineError(f"Loading espeak-ng's voice {voice} failed ({error}); reinstall espeakng-loader.") from error
