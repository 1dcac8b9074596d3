"""Where a text's sentences end, for translators that are good at one sentence and lose the second of two.

A mark that ends a sentence counts where a space and another word follow it, and no abbreviation or initial stands
before it. Chinese and Japanese write no spaces: their full-width marks end a sentence wherever they stand.
"""

import re
from collections.abc import Sequence

from octavia_dag.dubbing.numerals import base

_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|St|Prof|Sr|Sra|Dra|Jr|vs|No|Inc|Ltd|e\.g|i\.e|p\.ex)|\b[A-Z]|\b[A-Z](?:\.[A-Z])+)\.$"
)
_SENTENCE_END = re.compile(
    r"[.!?\u2026\u061f\u06d4\u0964]+[\"'\u201d\u2019)]*\s+(?=[\"'\u201c\u2018(\u00bf\u00a1]?[\w$\u20ac\u00a3])"
    r"|[\u3002\uff01\uff1f]+[\u300d\u300f\u201d\uff09]*\s*"
)
_UNSPACED = ("ja", "zh")


def sentences(text: str) -> list[str]:
    """The sentences of `text`, in order; abbreviations and initials end none."""
    found: list[str] = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if not _ABBREVIATION.search(text[start : match.end()].rstrip()):
            found.append(text[start : match.end()].strip())
            start = match.end()
    return [*found, text[start:].strip()] if text[start:].strip() else found


def joined_sentences(parts: Sequence[str], language: str) -> str:
    """The sentences as one text, spaced as `language` spaces them."""
    return ("" if base(language) in _UNSPACED else " ").join(parts)
