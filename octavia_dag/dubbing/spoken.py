"""A text as a voice must be given it: digits without marks that a reader of phonemes takes for pauses.

espeak cuts a text at its punctuation before it reads, so "12.000" becomes "twelve, zero zero zero" and "Sr." ends a
sentence. Subtitles keep the usual writing; only what is spoken is rewritten.
"""

import re

from octavia_dag.dubbing.numerals import base, read_digits

_POINT = {"pt": "vírgula", "es": "coma", "fr": "virgule", "it": "virgola", "en": "point"}
_HOURS = {"pt": "{} horas", "es": "{} horas", "fr": "{} heures", "it": "ore {}", "en": "{} o'clock"}
_ONE_HOUR = {"pt": "1 hora", "es": "1 hora", "fr": "1 heure", "it": "ore 1", "en": "1 o'clock"}
_MINUTES = {"pt": "{} e {}", "es": "{} y {}", "fr": "{} heures {}", "it": "{} e {}", "en": "{} {}"}
_SHORT = {
    "pt": {"Sr.": "senhor", "Sra.": "senhora", "Dr.": "doutor", "Dra.": "doutora", "Prof.": "professor"},
    "es": {"Sr.": "señor", "Sra.": "señora", "Dr.": "doctor", "Dra.": "doctora", "Ud.": "usted"},
    "fr": {"M.": "monsieur", "Mme.": "madame", "Dr.": "docteur"},
    "it": {"Sig.": "signor", "Sig.ra": "signora", "Dott.": "dottor"},
    "en": {"Mr.": "Mister", "Mrs.": "Missus", "Ms.": "Miss", "Dr.": "Doctor", "Prof.": "Professor", "St.": "Saint"},
}
_TIME = re.compile(r"(?<![\d:])(\d{1,2})(?::|h)([0-5]\d)(?![\d:])")
_MARKED = re.compile(r"(?<![\w:.,])\d+(?:[.,]\d+)+(?![\d:])")


def spoken_form(text: str, language: str) -> str:
    """`text` with amounts, times of day and titles written as they are said; anything else as it is."""
    own = base(language)
    for short, full in _SHORT.get(own, {}).items():
        text = re.sub(rf"(?<!\w){re.escape(short)}(?=\s)", full, text)
    if own not in _POINT:
        return text
    text = _TIME.sub(lambda found: _time(int(found[1]), found[2], own), text)
    return _MARKED.sub(lambda found: _amount(found[0], own), text)


def _time(hour: int, minutes: str, language: str) -> str:
    if minutes == "00":
        return _HOURS[language].format(hour) if hour != 1 else _ONE_HOUR[language]
    # English says the nought of 3:05.
    spoken = f"oh {int(minutes)}" if language == "en" and minutes < "10" else str(int(minutes))
    return _MINUTES[language].format(hour, spoken)


def _amount(token: str, language: str) -> str:
    """Digits in one piece, the decimal mark as a word; in English the decimals one by one, as they are said there."""
    whole, _, fraction = f"{read_digits(token, language):f}".partition(".")
    if not fraction:
        return whole
    return f"{whole} {_POINT[language]} {' '.join(fraction) if language == 'en' else fraction}"
