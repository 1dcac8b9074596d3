"""Numbers as values, whatever their spelling, so that a translation can be asked whether it kept them.

"3.50", "3,50" and "twenty-one" are not compared as text: digits are read by the habits of their language,
spelled-out numbers are added up, a time of day counts modulo 12 hours ("5:30 pm" is "17h30"). The word for 1 is an
article or a pronoun in all three languages, so it never counts. What cannot be known (dates, versions, ranges) is
read digit group by digit group, which is the same on both sides.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache


@dataclass(frozen=True)
class _Words:
    """How a language spells numbers: `units` are added, `scales` multiply, `joint` stands between them."""

    units: dict[str, int]
    scales: dict[str, int]
    one: frozenset[str]
    joint: str


_TEENS = {
    "en": "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen",
    "pt": "dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis dezessete dezoito"
    " dezenove",
    "es": "dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete"
    " dieciocho diecinueve",
}
_TENS = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "pt": "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
    "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
}
_HUNDREDS = {
    "en": "",
    "pt": "cento duzentos trezentos quatrocentos quinhentos seiscentos setecentos oitocentos novecentos",
    "es": "ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos",
}
_OTHERS: dict[str, dict[str, int]] = {
    "en": {"zero": 0},
    "pt": {"zero": 0, "duas": 2, "quatorze": 14, "cem": 100, "duzentas": 200, "trezentas": 300},
    "es": {
        "cero": 0,
        "cien": 100,
        "doscientas": 200,
        "trescientas": 300,
        "veintiuno": 21,
        "veintiún": 21,
        "veintidós": 22,
    }
    | {"veintitrés": 23, "veinticuatro": 24, "veinticinco": 25, "veintiséis": 26, "veintisiete": 27}
    | {"veintiocho": 28, "veintinueve": 29},
}
_SCALES = {
    "en": {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9},
    "pt": {"mil": 10**3, "milhão": 10**6, "milhões": 10**6, "bilhão": 10**9, "bilhões": 10**9},
    "es": {"mil": 10**3, "millón": 10**6, "millones": 10**6},
}
_ONE = {"en": ("a", "an", "one"), "pt": ("um", "uma"), "es": ("un", "una", "uno")}
_JOINT = {"en": "and", "pt": "e", "es": "y"}

_TIME = re.compile(r"(?<![\d:])(\d{1,2})(?::|h)(\d{2})(?![\d:])(?:\s*[ap]\.?m\b\.?)?", re.IGNORECASE)
_HOUR = re.compile(r"(?<![\d.,:])(\d{1,2})(?:\s*[ap]\.?m\b\.?|\s*h\b|\s+(?:horas?|hours?|o'clock))", re.IGNORECASE)
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")


def base(language: str) -> str:
    """The primary subtag of a language tag: 'pt' of 'pt-BR'."""
    return language.replace("_", "-").split("-")[0].lower()


def numbers(text: str, language: str) -> Counter[str]:
    """The multiset of numbers in `text`, each as a canonical decimal ("3.5", "1250.75") or a time ("t5:30").

    Digits are read in any language; spelled-out numbers from 2 up in English, Portuguese and Spanish.
    """
    found: Counter[str] = Counter()

    def take_time(match: re.Match[str]) -> str:
        hour = int(match[1]) % 12
        found[str(hour) if match[2] == "00" else f"t{hour}:{match[2]}"] += 1
        return " , "

    def take_hour(match: re.Match[str]) -> str:
        found[str(int(match[1]) % 12)] += 1
        return " , "

    text = _HOUR.sub(take_hour, _TIME.sub(take_time, text.replace("\u2019", "'")))
    found.update(f"{value.normalize():f}" for value in _Reader(language).read(text))
    return found


def missing_numbers(original: str, other: str, source: str, target: str) -> list[str]:
    """The numbers of `original` (in `source`) that `other` (in `target`) does not have."""
    missing = numbers(original, source) - numbers(other, target)
    if "1" in missing and set(_ONE.get(base(target), ())) & set(other.lower().split()):
        del missing["1"]
    return sorted(missing.elements())


def read_digits(token: str, language: str) -> Decimal:
    """The value of "1,250.75" or "1.250,75": the language decides only where both readings are possible."""
    decimal_mark = "." if base(language) == "en" else ","
    parts = re.split(r"[.,]", token)
    marks = [mark for mark in token if mark in ".,"]
    if not marks:
        return Decimal(token)
    grouped = all(len(part) == 3 for part in parts[1:]) and len(parts[0]) <= 3 and parts[0] != "0"
    if grouped and len(set(marks)) == 1 and (len(marks) > 1 or marks[0] != decimal_mark):
        return Decimal("".join(parts))
    return Decimal("".join(parts[:-1]) + "." + parts[-1])


def write_digits(value: Decimal, language: str) -> str:
    """`value` as the language writes it: 1250.75 -> "1.250,75" in Portuguese, "1,250.75" in English."""
    whole, _, fraction = f"{value:,f}".partition(".")
    if base(language) == "en":
        return whole + ("." + fraction if fraction else "")
    return whole.replace(",", ".") + ("," + fraction if fraction else "")


def respelled(text: str, language: str) -> str:
    """`text` with amounts put right that a translator wrote with one mark for both purposes ("1.250.75")."""
    return re.sub(
        r"(?<![\d.,:])\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*\1\d{1,2}(?![\d:]|[.,]\d)",
        lambda found: write_digits(read_digits(found[0], language), language),
        text,
    )


@cache
def _words(language: str) -> _Words:
    units: dict[str, int] = dict(_OTHERS.get(language, {}))
    for table, first, step in ((_TEENS, 2, 1), (_TENS, 20, 10), (_HUNDREDS, 100, 100)):
        units |= {word: first + step * place for place, word in enumerate(table.get(language, "").split())}
    return _Words(units, _SCALES.get(language, {}), frozenset(_ONE.get(language, ())), _JOINT.get(language, ""))


@dataclass
class _Reader:
    """Reads a text word by word; neighbours that form one number ("two thousand and five") are added up.

    `group` is the number since the last scale word, `total` what lies before it, `below` what a further word must
    stay under to belong to the same number ("twenty" takes 2 to 9, "hundred" up to 99, a digit group nothing).
    """

    language: str
    values: list[Decimal] = field(default_factory=list[Decimal])
    total: Decimal = Decimal(0)
    group: Decimal = Decimal(0)
    below: int = 0
    reading: bool = False

    def read(self, text: str) -> list[Decimal]:
        """The values in reading order."""
        tokens, end = list(_TOKEN.finditer(text)), 0
        for place, match in enumerate(tokens):
            if text[end : match.start()].strip(" -\n"):
                self._close()
            end = match.end()
            before = tokens[place - 1][0].lower() if place else ""
            after = tokens[place + 1][0].lower() if place + 1 < len(tokens) else ""
            self._take(match[0].lower(), before, after)
        self._close()
        return self.values

    def _take(self, word: str, before: str, after: str) -> None:
        words = _words(base(self.language))
        if word[0].isdigit():
            self._close()
            self.group, self.below, self.reading = read_digits(word, self.language), 0, True
            if after not in words.scales:
                self._close()
        elif word in words.units:
            self._add(words.units[word])
        elif word in words.scales and (self.reading or word == "mil" or before in words.one):
            self._scale(words.scales[word])
        elif self.reading and word in words.one and self.below > 1 and after not in words.scales:
            self._add(1)
        elif not (self.reading and word == words.joint and (after in words.units or after in words.one)):
            self._close()

    def _add(self, value: int) -> None:
        if not (self.reading and value < self.below):
            self._close()
        self.group, self.reading = self.group + value, True
        self.below = 100 if value >= 100 else 10 if value >= 20 else 1

    def _scale(self, factor: int) -> None:
        whole = (self.group or Decimal(1)) * factor
        self.total, self.group = (self.total, whole) if factor == 100 else (self.total + whole, Decimal(0))
        self.below, self.reading = factor, True

    def _close(self) -> None:
        if self.reading:
            self.values.append(self.total + self.group)
        self.total, self.group, self.below, self.reading = Decimal(0), Decimal(0), 0, False


def number_writings(text: str, lost: Iterable[str], source: str, target: str) -> dict[str, str]:
    """For each number of `lost` that `text` has in digits, as it stands there: how `target` writes it.

    Spelled-out numbers and times have no sure writing in another language, and are left out.
    """
    wanted = set(lost)
    found: dict[str, str] = {}
    for token in re.findall(r"(?<![\d:])\d+(?:[.,]\d+)*(?![\d:])", text):
        value = read_digits(token, source)
        if f"{value.normalize():f}" in wanted:
            found[token] = write_digits(value, target) if len(token) > 4 or not token.isdecimal() else token
    return found
