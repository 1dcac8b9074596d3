"""Which stretch of speech a word belongs to: a transcriber's times decide, but not alone.

Whisper's word ends are right within 0.2 s; its starts are early, up to a second before a word that follows a pause,
since the pause is counted as part of the word. So a word is placed by its last 0.15 s. One that seems to lie in a
pause belongs to the speech behind it, unless it ends a sentence. Inside its stretch a word keeps its times, cut to
the stretch's edges, which are the voice activity detector's and better than any word's.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from octavia_dag.dubbing.regions import distance_s
from octavia_dag.schema import Span, Word

CORE_S = 0.15
# Words are early, never late: being behind the end of a stretch weighs more than being before a start.
_LATE_WEIGHT = 2.5
# A word this far from any speech was not said by anybody.
FARTHEST_S = 0.75
# The transcriber's starts are early, so a later one is believed: noise before speech is part of many a stretch.
LATE_START_S = 0.15
SHORTEST_S = 0.02
# Regions lie far enough apart that no more than these can be near a word.
_CANDIDATES = 4

_SENTENCE_END = re.compile("[.!?\u2026\u3002\uff01\uff1f]+[\"'\u2019\u201d\u00bb)\\]]*$")
# A lone capital is an initial, but "I." ends many a sentence.
_ABBREVIATION = re.compile(r"^(?:[A-HJ-Z]\.|(?:[A-Za-z]\.){2,}|(?i:mr|mrs|ms|dr|prof|sr|sra|st|vs|jr|capt|gen|col)\.)$")
_SPACELESS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uff00-\uffef]")


def ends_sentence(text: str) -> bool:
    """Whether a word ends a sentence: "now." does, "Mr." and "U.S." do not."""
    return bool(_SENTENCE_END.search(text)) and not _ABBREVIATION.match(text)


def core_s(word: Word) -> float:
    """The moment that places a word: `CORE_S` before its end, or its middle where it is shorter than twice that."""
    return word.end - min(CORE_S, word.seconds / 2)


def spaced(text: str) -> bool:
    """Whether the text is of a script that puts spaces between words (Chinese, Japanese, Thai do not)."""
    return not _SPACELESS.search(text)


def join_words(words: Iterable[Word]) -> str:
    """The words as text; scripts that write no spaces get none."""
    text = ""
    for word in words:
        text += f" {word.text}" if spaced(text[-1:]) or spaced(word.text[:1]) else word.text
    return text.strip()


def settle(words: Sequence[Word], regions: Sequence[Span]) -> list[tuple[int, Word]]:
    """Each word with the index of its region, its times inside that region; words far from all speech are left out.

    Words keep their order and never overlap. The first word of a region starts with it, unless it was heard to
    start later by `LATE_START_S` or more; others keep their times.
    """
    settled: list[tuple[int, Word]] = []
    starts = [region.start for region in regions]
    last = 0
    for word in words:
        reach = bisect_right(starts, core_s(word) + FARTHEST_S)
        if not reach:
            continue
        candidates = range(max(last, reach - _CANDIDATES), max(last + 1, reach))
        best = min(candidates, key=lambda index: _cost(word, regions[index]))
        if distance_s(core_s(word), regions[best]) > FARTHEST_S:
            continue
        before = settled[-1][1].end if settled and settled[-1][0] == best else None
        settled.append((best, _within(word, regions[best], before)))
        last = best
    return settled


def _cost(word: Word, region: Span) -> float:
    core = core_s(word)
    weight = 1.0 if ends_sentence(word.text) else _LATE_WEIGHT
    return region.start - core if core < region.start else weight * max(0.0, core - region.end)


def _within(word: Word, region: Span, before: float | None) -> Word:
    """The word inside its region, behind the end of the word `before` it there."""
    if before is None:
        start = word.start if word.start - region.start >= LATE_START_S else region.start
    else:
        start = max(word.start, before)
    start = min(start, region.end - SHORTEST_S)
    end = min(max(word.end, start + SHORTEST_S), region.end)
    return word.model_copy(update={"start": round(start, 3), "end": round(end, 3)})
