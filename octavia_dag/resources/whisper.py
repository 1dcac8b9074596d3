"""Whisper's output as words and segments, alike whichever engine runs it.

A segment is a sentence, or the part of one inside one region. How far it is believed is the mean log probability of its
own words, not that of the whole window, so that one mumbled sentence does not condemn its neighbours.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from octavia_dag.dubbing.windows import Window
from octavia_dag.dubbing.word_times import ends_sentence, join_words, spaced
from octavia_dag.errors import SettingsError
from octavia_dag.resources.engines import HeardSegment
from octavia_dag.schema import Word

RATE_HZ = 16000
# The spoken language is judged over this many windows of 30 s.
LANGUAGE_WINDOWS = 4
LANGUAGE_WINDOW_S = 30
# How often speech that was passed over is heard again.
TIMES_AGAIN = 2
# A recording of accented English was 0.23 English and 0.18 Greek; clear ones are 0.94 to 0.99 of their language.
_SURE_LANGUAGE = 0.8
_CANDIDATES = 3
# A word's probability is not taken for less: the logarithm of 0 has no mean.
_FLOOR = 1e-3
_CODES = (
    "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id "
    "is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd "
    "si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo zh"
)
LANGUAGES = tuple(_CODES.split())


class RawWord(Protocol):
    """A word as whisper times it inside its window; a leading space parts it from the one before."""

    @property
    def word(self) -> str: ...  # noqa: D102
    @property
    def start(self) -> float: ...  # noqa: D102
    @property
    def end(self) -> float: ...  # noqa: D102
    @property
    def probability(self) -> float: ...  # noqa: D102


def code_of(language: str) -> str:
    """Whisper's code of a language tag: "pt" of "pt-BR"; a SettingsError names the languages where there is none."""
    code = language.replace("_", "-").split("-")[0].lower()
    if code not in LANGUAGES:
        raise SettingsError(f"Hearing '{language}' is not possible; the transcriber knows {', '.join(LANGUAGES)}.")
    return code


def words_of(raw: Iterable[RawWord], window: Window) -> list[Word]:
    """The words at the sound's own times; a token that the transcriber wrote without a space joins the word before."""
    words: list[Word] = []
    for one in raw:
        text = one.word.strip()
        start, end = window.source_time(one.start), window.source_time(one.end)
        joins = words and not one.word.startswith(" ") and spaced(text) and spaced(words[-1].text)
        if joins:
            before = words[-1]
            both = {"text": before.text + text, "confidence": min(before.confidence, one.probability)}
            words[-1] = before.model_copy(update={**both, "end": round(max(before.end, end), 3)})
        elif text:
            words.append(Word(start=start, end=end, text=text, confidence=one.probability))
    return words


def mean_logprob(words: Sequence[Word]) -> float:
    """Mean log probability of one word or more."""
    return sum(math.log(max(word.confidence, _FLOOR)) for word in words) / len(words)


def segments_of(placed: Sequence[tuple[int, Word]], no_speech: float, compression: float) -> Iterator[HeardSegment]:
    """The words of one region up to a sentence end, each with its own mean log probability.

    `placed` are words with the index of their region (word_times.settle).
    """
    group: list[Word] = []
    for position, (place, word) in enumerate(placed):
        group.append(word)
        last = position + 1 == len(placed) or placed[position + 1][0] != place
        if last or ends_sentence(word.text):
            yield HeardSegment(
                start=group[0].start,
                end=group[-1].end,
                text=join_words(group),
                words=tuple(group),
                mean_logprob=mean_logprob(group),
                no_speech=no_speech,
                compression=compression,
            )
            group = []


def likeliest(likely: Mapping[str, float], hear: Callable[[str], Sequence[Word]]) -> tuple[str, float]:
    """The spoken language and its probability, from what the sound alone says.

    Where that leaves it open (an accent, a few words), the likeliest languages are heard, and what is heard is
    believed: of text in a wrong language the transcriber is less sure.
    """
    best = max(likely, key=lambda code: likely[code])
    if likely[best] >= _SURE_LANGUAGE:
        return best, likely[best]
    believed: dict[str, float] = {}
    for code in sorted(likely, key=lambda code: -likely[code])[:_CANDIDATES]:
        words = hear(code)
        believed[code] = likely[code] * (math.exp(mean_logprob(words)) if words else _FLOOR)
    best = max(believed, key=lambda code: believed[code])
    return best, believed[best] / sum(believed.values())
