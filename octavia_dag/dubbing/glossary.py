"""What a translation must keep: the glossary's terms, names and numbers.

Whether a term's case counts is said by its entry, never guessed from its spelling.

A term is hidden behind a mark that a translator takes for an unknown word and copies (measured with Bergamot: "Zx1q"
survived in 20 of 20 sentence patterns, tags and brackets did not), and put back afterwards. A hidden word costs
fluency, so callers hide only what a plain translation lost. Whatever is lost all the same is named, never guessed.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from octavia_dag.dubbing.names import missing_names
from octavia_dag.dubbing.numerals import base, missing_numbers
from octavia_dag.schema import Term

_NEAR_MISS = 0.8  # SequenceMatcher's ratio: discarização/diarização 0.91, transcrição/diarização 0.57
_FEMININE_ENDINGS = ("ção", "são", "dade", "gem", "eza", "ência", "ância", "ura", "ia")
_TO_FEMININE = {"o": "a", "os": "as", "do": "da", "dos": "das", "no": "na", "nos": "nas", "ao": "à", "aos": "às"} | {
    "um": "uma", "pelo": "pela", "pelos": "pelas", "este": "esta", "esse": "essa", "novo": "nova", "seu": "sua",
}  # fmt: skip
_FEMININE_LANGUAGES = ("pt",)
_TAKEN = "\0"  # stands where a term was found, so that no shorter one is found inside it


@dataclass(frozen=True)
class Losses:
    """What a translation lost: glossary terms, names and numbers, as the original has them."""

    terms: tuple[Term, ...] = ()
    names: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.terms) + len(self.names) + len(self.numbers)

    def sentences(self) -> list[str]:
        """One flag in words per loss."""
        return (
            [f"glossary term {term.term!r} was not used" for term in self.terms]
            + [f"the name {name!r} was lost in translation" for name in self.names]
            + [f"the number {number.removeprefix('t')} was lost in translation" for number in self.numbers]
        )


def terms_in(text: str, glossary: Iterable[Term]) -> tuple[Term, ...]:
    """The terms that stand in `text` as whole words, longest first; a word inside a longer term counts as that term.

    Of two spellings of one term ("Polish", "polish") the one whose case counts comes first.
    """
    found: list[Term] = []
    for entry in sorted(glossary, key=lambda one: (-len(one.term), not one.match_case)):
        text, count = _pattern(entry).subn(_TAKEN, text) if entry.term.strip() else (text, 0)
        found += [entry] if count else []
    return tuple(found)


def stands_in(wording: str, text: str) -> bool:
    """True where `text` has `wording` as whole words, in either case."""
    return bool(wording.strip()) and bool(_words(wording).search(text))


def protect(text: str, glossary: Iterable[Term]) -> tuple[str, dict[str, str]]:
    """`text` with each term hidden behind a mark, and the marks with what stands for them in the translation."""
    mapping: dict[str, str] = {}
    number = 0
    for entry in terms_in(text, glossary):
        number += 1
        while (mark := f"Zx{number}q").lower() in text.lower():
            number += 1
        text, count = _pattern(entry).subn(mark, text)
        if count:
            mapping[mark] = entry.wording
    return text, mapping


def restore(text: str, mapping: Mapping[str, str], language: str = "") -> str:
    """`text` with every mark replaced; at the start of the text with a capital letter where the rest had one.

    In Portuguese the words before a feminine term follow it ("o Zx1q" -> "a diarização").
    """
    for mark, translation in mapping.items():
        text = re.sub(
            rf"(?:\b(\w+)(\s+))?{mark}",
            lambda match, put=translation: _agreed(match[1], match[2], put, language),
            text,
            flags=re.IGNORECASE,
        )
    return text


def mended(translated: str, lost: Iterable[Term]) -> str:
    """`translated` with near misses of `lost` terms put right, where it stands, so that the words around still agree.

    A near miss is as many neighbouring words as the wanted ones, with nearly the same letters ("discarização").
    """
    for wanted in (entry.wording for entry in lost):
        words = list(re.finditer(r"\w[\w-]*", translated))
        width = len(wanted.split())
        for place in range(len(words) - width + 1):
            start, end = words[place].start(), words[place + width - 1].end()
            if SequenceMatcher(None, translated[start:end].lower(), wanted.lower()).ratio() >= _NEAR_MISS:
                translated = translated[:start] + wanted + translated[end:]
                break
    return translated


def lost_marks(text: str, mapping: Mapping[str, str]) -> list[str]:
    """The marks of `mapping` that a translated text no longer has."""
    return [mark for mark in mapping if mark.lower() not in text.lower()]


def losses(
    original: str,
    translated: str,
    *,
    source: str,
    target: str,
    glossary: Sequence[Term] = (),
    known_names: Collection[str] = (),
) -> Losses:
    """What of `original` is missing in `translated`; a name or number inside a glossary term counts as the term."""
    terms = terms_in(original, glossary)
    rest, result = original, translated
    for entry in terms:
        rest, result = _pattern(entry).sub(" , ", rest), _words(entry.wording).sub(" , ", result)
    inside = " ".join(entry.wording for entry in terms)
    return Losses(
        terms=tuple(entry for entry in terms if not _words(entry.wording).search(translated)),
        names=tuple(missing_names(rest, f"{translated} {inside}", source, target, known=known_names)),
        numbers=tuple(missing_numbers(rest, result, source, target)),
    )


def _agreed(before: str | None, space: str | None, translation: str, language: str) -> str:
    if before is None:
        return translation
    feminine = base(language) in _FEMININE_LANGUAGES and "".join(translation.split()[:1]).endswith(_FEMININE_ENDINGS)
    changed = _TO_FEMININE.get(before.lower(), before) if feminine else before
    if changed != before and before[:1].isupper():
        changed = changed.capitalize()
    return changed + (space or "") + translation


def _pattern(entry: Term) -> re.Pattern[str]:
    return _words(entry.term, match_case=entry.match_case)


def _words(text: str, *, match_case: bool = False) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(text)}(?!\w)", 0 if match_case else re.IGNORECASE)
