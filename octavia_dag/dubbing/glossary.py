"""What a translation must keep: the glossary's terms, names and numbers.

A term is hidden behind a mark that a translator takes for an unknown word and copies (measured with Bergamot: "Zx1q"
survived in 20 of 20 sentence patterns, tags and brackets did not), and put back afterwards. A hidden word costs
fluency, so callers hide only what a plain translation lost. Whatever is lost all the same is named, never guessed.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from octavia_dag.dubbing.names import missing_names
from octavia_dag.dubbing.numerals import base, missing_numbers

_NEAR_MISS = 0.8  # SequenceMatcher's ratio: discarização/diarização 0.91, transcrição/diarização 0.57
_FEMININE_ENDINGS = ("ção", "são", "dade", "gem", "eza", "ência", "ância", "ura", "ia")
_TO_FEMININE = {"o": "a", "os": "as", "do": "da", "dos": "das", "no": "na", "nos": "nas", "ao": "à", "aos": "às"} | {
    "um": "uma", "pelo": "pela", "pelos": "pelas", "este": "esta", "esse": "essa", "novo": "nova", "seu": "sua",
}  # fmt: skip
_FEMININE_LANGUAGES = ("pt",)


@dataclass(frozen=True)
class Losses:
    """What a translation lost: glossary terms, names and numbers, as the original has them."""

    terms: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.terms) + len(self.names) + len(self.numbers)

    def sentences(self) -> list[str]:
        """One flag in words per loss."""
        return (
            [f"glossary term {term!r} was not used" for term in self.terms]
            + [f"the name {name!r} was lost in translation" for name in self.names]
            + [f"the number {number.removeprefix('t')} was lost in translation" for number in self.numbers]
        )


def terms_in(text: str, glossary: Mapping[str, str]) -> dict[str, str]:
    """The glossary's terms that stand in `text` as whole words, longest first.

    A term with a capital letter is looked for as it is written, any other in either case.
    """
    found = {term: glossary[term] for term in glossary if term.strip() and _pattern(term).search(text)}
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def stands_in(wording: str, text: str) -> bool:
    """True where `text` has `wording` as whole words, in either case."""
    return bool(wording.strip()) and bool(_pattern(wording, ignore_case=True).search(text))


def protect(text: str, glossary: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """`text` with each term hidden behind a mark, and the marks with what stands for them in the translation."""
    mapping: dict[str, str] = {}
    number = 0
    for term, translation in terms_in(text, glossary).items():
        number += 1
        while (mark := f"Zx{number}q").lower() in text.lower():
            number += 1
        text, count = _pattern(term).subn(mark, text)
        if count:
            mapping[mark] = translation
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


def mended(translated: str, lost: Collection[str], glossary: Mapping[str, str]) -> str:
    """`translated` with near misses of lost terms put right, where it stands, so that the words around still agree.

    A near miss is as many neighbouring words as the wanted ones, with nearly the same letters ("discarização").
    """
    for term in lost:
        wanted = glossary[term]
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
    glossary: Mapping[str, str] | None = None,
    known_names: Collection[str] = (),
) -> Losses:
    """What of `original` is missing in `translated`; a name or number inside a glossary term counts as the term."""
    terms = terms_in(original, glossary or {})
    lost_terms = [term for term, put in terms.items() if not _pattern(put, ignore_case=True).search(translated)]
    rest, result = original, translated
    for term, put in terms.items():
        rest, result = _pattern(term).sub(" , ", rest), _pattern(put, ignore_case=True).sub(" , ", result)
    inside = " ".join(terms.values())
    return Losses(
        terms=tuple(lost_terms),
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


def _pattern(term: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    flags = re.IGNORECASE if ignore_case or term == term.lower() else 0
    return re.compile(rf"(?<!\w){re.escape(term)}(?!\w)", flags)
