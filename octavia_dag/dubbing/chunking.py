"""Chunks: speech packed to lengths that suit a model, cut where nobody speaks.

A cut inside a word costs that word, one inside a sentence costs its context, so cuts fall into silences, and of the
silences that give a fitting length the last one behind a sentence end is taken. Chunks bridge short pauses only:
packing a lone shout to the next scene would pack the music between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from octavia_dag.dubbing.word_times import ends_sentence, join_words, settle
from octavia_dag.schema import Chunk, Span, Word

# A longer silence is never bridged, however short the chunk stays.
BRIDGED_S = 2.0
# A sentence end makes a place to cut inside a region as good as this much more silence between two words.
_SENTENCE_S = 1.0


@dataclass(frozen=True)
class _Unit:
    """A stretch that is not cut any further."""

    start: float
    end: float
    words: tuple[Word, ...]

    @property
    def closed(self) -> bool:
        return bool(self.words) and ends_sentence(self.words[-1].text)


def pack_chunks(regions: Sequence[Span], words: Sequence[Word], *, min_s: float, max_s: float) -> list[Chunk]:
    """Chunks in order, each of `min_s` to `max_s` where speech allows, never longer; every word in exactly one.

    `regions` are cut at silences already. A region over `max_s` is cut at the largest silence between its words,
    preferably behind a sentence. Speech in which no word was heard is left out: there is nothing to say again.
    """
    units: list[_Unit] = []
    for index, group in groupby(settle(words, regions), key=itemgetter(0)):
        region, own = regions[index], tuple(word for _, word in group)
        units += _cut(_Unit(region.start, region.end, own), max_s)
    chunks: list[Chunk] = []
    while units:
        count = _count(units, min_s, max_s)
        chunks.append(_chunk(units[:count]))
        units = units[count:]
    return chunks


def _cut(unit: _Unit, max_s: float) -> list[_Unit]:
    if unit.end - unit.start <= max_s:
        return [unit]
    if len(unit.words) < 2:
        # One word in so long a stretch: its end is the time of it that can be trusted.
        return [_Unit(unit.end - max_s, unit.end, unit.words)]
    index = max(range(1, len(unit.words)), key=lambda one: _worth(unit, one))
    before, after = unit.words[index - 1], unit.words[index]
    left = _Unit(unit.start, before.end, unit.words[:index])
    right = _Unit(after.start, unit.end, unit.words[index:])
    return [*_cut(left, max_s), *_cut(right, max_s)]


def _worth(unit: _Unit, index: int) -> float:
    """How good a place to cut is: silence and a sentence end make it better, one short part makes it worse."""
    before, after = unit.words[index - 1], unit.words[index]
    shorter = min(before.end - unit.start, unit.end - after.start)
    balance = min(1.0, shorter / ((unit.end - unit.start) / 4))
    return balance * (after.start - before.end + 0.05 + (_SENTENCE_S if ends_sentence(before.text) else 0.0))


def _count(units: Sequence[_Unit], min_s: float, max_s: float) -> int:
    """How many of the first units make the next chunk."""
    fitting = 1
    while (
        fitting < len(units)
        and units[fitting].end - units[0].start <= max_s
        and units[fitting].start - units[fitting - 1].end <= BRIDGED_S
    ):
        fitting += 1
    closed = [
        count
        for count in range(1, fitting + 1)
        if units[count - 1].closed and units[count - 1].end - units[0].start >= min_s
    ]
    return closed[-1] if closed else fitting


def _chunk(units: Sequence[_Unit]) -> Chunk:
    words = tuple(word for unit in units for word in unit.words)
    return Chunk(start=units[0].start, end=units[-1].end, text=join_words(words), words=words)
