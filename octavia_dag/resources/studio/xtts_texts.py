"""What XTTS can be given: which languages, and how long a text; a longer one is spoken in pieces, none is cut off.

Its tokenizer only warns beyond a language's limit of characters, and the sound then ends early. So a text is split at
the ends of its sentences, else at commas, else between words, else, where a script has none, between characters.
"""

import re
from collections.abc import Callable, Sequence

from octavia_dag.errors import PairError

LANGUAGES = (
    "en", "es", "fr", "de", "it", "pt", "pl", "tr", "ru", "nl", "cs", "ar", "zh-CN", "hu", "ko", "ja", "hi",
)  # fmt: skip
_CODES = {language.partition("-")[0]: language.lower() for language in LANGUAGES}
# Where a text may be parted, the best first; what matches stays with what stands before it.
_PARTINGS = (
    re.compile(r"(?<=[.!?\u2026\u3002\uff01\uff1f\u061f\u0964])\s*"),
    re.compile(r"(?<=[,;:\u2014\u3001\uff0c\u060c\u061b])\s*"),
    re.compile(r"\s+"),
)


def speaks(tag: str) -> bool:
    """Whether XTTS speaks a language, of whichever country."""
    return tag.partition("-")[0].lower() in _CODES


def code_of(tag: str) -> str:
    """XTTS's name of a language ("pt-BR" is "pt"); a PairError for one it does not speak."""
    if not speaks(tag):
        raise PairError(f"Speaking {tag}: XTTS v2 does not speak it; it speaks {', '.join(LANGUAGES)}.")
    return _CODES[tag.partition("-")[0].lower()]


def pieces(text: str, fits: Callable[[str], bool]) -> list[str]:
    """The text in as few pieces as fit, in order; together they hold all of it but the spaces between them."""
    return _parted(text.strip(), fits, _PARTINGS)


def _parted(text: str, fits: Callable[[str], bool], partings: Sequence[re.Pattern[str]]) -> list[str]:
    if not text or fits(text):
        return [text] if text else []
    if not partings:
        return _by_character(text, fits)
    found: list[str] = []
    parts = _kept(text, partings[0])
    if len(parts) == 1:
        return _parted(text, fits, partings[1:])
    for part in parts:
        joined = f"{found[-1]}{part}" if found else part
        if found and fits(joined.strip()):
            found[-1] = joined
        else:
            found += [part] if fits(part.strip()) else _parted(part.strip(), fits, partings[1:])
    return [piece.strip() for piece in found if piece.strip()]


def _kept(text: str, parting: re.Pattern[str]) -> list[str]:
    """The parts of a text, each with the space behind it, so that parts joined again are the text."""
    ends = [match.end() for match in parting.finditer(text) if 0 < match.end() < len(text)]
    return [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]


def _by_character(text: str, fits: Callable[[str], bool]) -> list[str]:
    found = [text[0]]
    for character in text[1:]:
        if fits(found[-1] + character):
            found[-1] += character
        else:
            found.append(character)
    return found
