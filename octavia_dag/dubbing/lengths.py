"""How long a text will take to say, from a stored table per language and engine: no model is asked.

Translation must know a line's length before anything is spoken, so the prediction is linear in what can be counted:
seconds = base + letters, vowel groups (about the syllables), digits and inner pauses, each times a rate.
`bench/lengths.py` fits the rates by non-negative least squares on spoken sentences, trimmed of the silence around them,
and prints the rows of the table below.
"""

import re
from dataclasses import astuple, dataclass

from octavia_dag.dubbing.numerals import base

HUMAN = "human"
KOKORO = "kokoro"

_VOWELS = re.compile(r"[aeiouyáéíóúâêôãõàüïöèìòùëîûœæ]+", re.IGNORECASE)
_PAUSE = re.compile(r"[,;:.!?\u2026\u2014]+(?=\s+\S)")
_SHORTEST_S = 0.2
SHORTEST_ORIGINAL_S = 0.6  # a shorter original ("Yes.") has no length worth holding a translation to


@dataclass(frozen=True)
class Counts:
    """What a text's length is predicted from."""

    letters: int
    vowel_groups: int
    digits: int
    pauses: int


@dataclass(frozen=True)
class Rates:
    """Seconds per text, letter, vowel group, digit and inner pause; `error` is the fit's mean relative error."""

    base_s: float
    letter_s: float
    vowel_group_s: float
    digit_s: float
    pause_s: float
    error: float

    def seconds(self, counts: Counts) -> float:
        """The prediction."""
        rates = (self.letter_s, self.vowel_group_s, self.digit_s, self.pause_s)
        return self.base_s + sum(rate * count for rate, count in zip(rates, astuple(counts), strict=True))


# Kokoro's own voices in turn at speed 1.0: 51 sentences in Portuguese (the translator's own output) and English, 24 in
# Spanish, 16 in French and Italian. People: 20 sentences of four speakers
# (none held digits: the rate of digits is Kokoro's). `error` is leave-one-out.
_TABLE: dict[tuple[str, str], Rates] = {
    (KOKORO, "pt"): Rates(0.3017, 0.0527, 0.0247, 0.2887, 0.0314, error=0.032),
    (KOKORO, "en"): Rates(0.0478, 0.0540, 0.0206, 0.2755, 0.2495, error=0.124),
    (KOKORO, "es"): Rates(0.0960, 0.0665, 0.0050, 0.3108, 0.0102, error=0.055),
    (KOKORO, "fr"): Rates(0.4428, 0.0460, 0.0000, 0.2620, 0.3337, error=0.119),
    (KOKORO, "it"): Rates(0.3665, 0.0466, 0.0315, 0.3366, 0.0967, error=0.074),
    (HUMAN, "en"): Rates(0.0629, 0.0125, 0.1269, 0.2755, 0.1550, error=0.160),
}


def counts(text: str) -> Counts:
    """Letters, vowel groups, digits and inner pauses of `text`; the mark that ends it is no pause."""
    return Counts(
        letters=sum(letter.isalpha() for letter in text),
        vowel_groups=len(_VOWELS.findall(text)),
        digits=sum(letter.isdigit() for letter in text),
        pauses=len(_PAUSE.findall(text.strip())),
    )


def rates(language: str, engine: str = KOKORO) -> Rates:
    """The rates of a language as `engine` speaks it; where the table lacks it, those of Portuguese or of Kokoro."""
    for key in ((engine, base(language)), (KOKORO, base(language))):
        if key in _TABLE:
            return _TABLE[key]
    return _TABLE[KOKORO, "pt"]


def predicted_seconds(text: str, language: str, engine: str = KOKORO) -> float:
    """Seconds that `engine` needs for `text` at its natural rate, without silence around it; 0 for an empty text."""
    if not any(letter.isalnum() for letter in text):
        return 0.0
    return round(max(_SHORTEST_S, rates(language, engine).seconds(counts(text))), 3)
