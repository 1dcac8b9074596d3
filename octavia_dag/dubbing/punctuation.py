"""The first letter and the last mark of a translated line are those of its original.

A transcript's line may begin or end in the middle of a sentence, and a translator makes a sentence of whatever it is
given: a capital letter and a full stop it adds would make the voice fall where the person went on.
"""

import re

_END = re.compile(r"[\s.,;:!?\u2026\u2014-]*$")
_MARKS = (".", ",", ";", ":", "!", "?", "\u2026")
_SENTENCE_ENDS = (".", "!", "?", "\u2026")


def like_original(translated: str, original: str) -> str:
    """`translated` with the ending mark of `original`, and a small first letter where the original has one.

    A question mark or exclamation mark that the translation ends with is kept where the original ends its sentence.
    """
    text, model = translated.strip(), original.strip().rstrip("\"'\u201d\u2019)")
    if not any(letter.isalnum() for letter in text):
        return text
    text = _with_end(text, model)
    if not original[:1].isalpha() or text[:1].isupper() == original[:1].isupper():
        return text
    first = text.split(maxsplit=1)[0]
    if original[:1].islower() and not (first in original or any(letter.isupper() for letter in first[1:])):
        return text[:1].lower() + text[1:]
    return text[:1].upper() + text[1:] if original[:1].isupper() else text


def _with_end(text: str, model: str) -> str:
    wanted = model[-1] if model[-1:] and model[-1] in _MARKS else ""
    if model.endswith("..."):
        wanted = "..."
    bare = text.rstrip("\"'\u201d\u2019)")
    tail = text[len(bare) :]
    ended = bare[-1:]
    if wanted[-1:] in _SENTENCE_ENDS and ended in _SENTENCE_ENDS:
        return text
    return _END.sub("", bare) + wanted + tail
