"""Lines: the unit of translation, synthesis, review and repair.

A line has one speaker and ends at a change of speaker, at a sentence end or at a silence; a transcriber's own segments
know nothing of speakers and ignore pauses, so only its words are used. Times come from voice activity and turns
wherever a line begins or ends with one of them. A change of speaker that falls a word or two beside a sentence end is
taken to be there, since words are heard more surely than turns are told apart; fragments too short to be spoken on
their own stay with the line they belong to.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from octavia_dag.dubbing.regions import distance_s, overlap_s
from octavia_dag.dubbing.word_times import core_s, ends_sentence, join_words, settle
from octavia_dag.schema import Line, Span, Turn, Word

# A sentence shorter than this joins its neighbour of the same speaker, where no real pause parts them.
MIN_LINE_S = 0.7
# A single word shorter than this is no line, even behind a pause of twice the usual length.
FRAGMENT_S = 0.3
# How far a change of speaker may lie beside a sentence end, and a turn's edge beside the word it belongs to.
SNAP_S = 0.4
SNAP_WORDS = 2
# Word ends are early by 0.1 to 0.3 s: the end of the speech stretch is the line's, but no further than this behind.
TAIL_S = 0.35
LOW_CONFIDENCE = 0.5
# A turn that goes on is worth this much overlap: two people at once must not make words change hands.
_GOES_ON_S = 0.05
# A comma makes a place to cut a long line as good as this much more silence.
_COMMA_S = 0.3


@dataclass(frozen=True)
class _Said:
    """A word with its region's index and its speaker."""

    word: Word
    place: int
    speaker: str


def make_lines(
    words: Sequence[Word], turns: Sequence[Turn], regions: Sequence[Span], *, gap_s: float, max_s: float
) -> list[Line]:
    """Lines L001, L002, ... in order of start, none longer than `max_s`, none across a silence of `gap_s`.

    `turns` may overlap; with no turn at all everything is said by A. Words far from all speech are left out.
    """
    said = _calm(_absorb(_speakers(settle(words, regions), turns)))
    groups = [part for group in _groups(said, regions, gap_s) for part in _fitting(group, max_s)]
    groups = _joined(groups, regions, gap_s, max_s)
    spans = [_edges(groups, index, turns, regions, max_s) for index in range(len(groups))]
    return [_line(number, group, span) for number, (group, span) in enumerate(zip(groups, spans, strict=True), 1)]


def _line(number: int, group: list[_Said], span: Span) -> Line:
    confidence = sum(one.word.confidence for one in group) / len(group)
    flags = (f"heard with low confidence ({confidence:.2f}): listen to it",) if confidence < LOW_CONFIDENCE else ()
    words = tuple(one.word for one in group)
    return Line(
        id=f"L{number:03d}",
        speaker=group[0].speaker,
        start=span.start,
        end=span.end,
        text=join_words(words),
        words=words,
        confidence=confidence,
        flags=flags,
    )


def _speakers(placed: Sequence[tuple[int, Word]], turns: Sequence[Turn]) -> list[_Said]:
    """Each word with the speaker of the turn that holds most of it, else of the nearest turn."""
    said: list[_Said] = []
    starts, ends = np.array([turn.start for turn in turns]), np.array([turn.end for turn in turns])
    for place, word in placed:
        before = said[-1].speaker if said else None
        sharing = np.flatnonzero((starts < word.end) & (ends > word.start)).tolist()
        near = [turns[index] for index in sharing] or turns
        best = max(near, key=lambda turn: _claim(word, turn, before), default=None)
        said.append(_Said(word, place, best.speaker if best else "A"))
    return said


def _claim(word: Word, turn: Turn, before: str | None) -> tuple[float, float]:
    going_on = _GOES_ON_S if turn.speaker == before else 0.0
    shared = overlap_s(word, turn)
    return (shared + going_on if shared else 0.0, -distance_s(core_s(word), turn))


def _absorb(said: list[_Said]) -> list[_Said]:
    """A fragment that changes hands in the middle of a sentence goes to the neighbour in its region."""
    result = list(said)
    for index in range(1, len(result) - 1):
        before, one, after = result[index - 1 : index + 2]
        lonely = one.speaker not in (before.speaker, after.speaker) and one.word.seconds < FRAGMENT_S
        if lonely and before.place == one.place and not ends_sentence(before.word.text):
            result[index] = replace(one, speaker=before.speaker)
    return result


def _calm(said: list[_Said]) -> list[_Said]:
    """Changes of speaker moved to a sentence end or a silence that lies a word or two beside them."""
    result = list(said)
    for change in range(1, len(result)):
        left, right = result[change - 1].speaker, result[change].speaker
        if left == right or _border(result, change):
            continue
        at = result[change].word.start
        near = [
            index
            for index in range(max(1, change - SNAP_WORDS), min(len(result), change + SNAP_WORDS + 1))
            if _border(result, index) and abs(result[index].word.start - at) <= SNAP_S
        ]
        if not near:
            continue
        border = min(near, key=lambda index: abs(result[index].word.start - at))
        for index in range(border, change):
            result[index] = replace(result[index], speaker=right)
        for index in range(change, border):
            result[index] = replace(result[index], speaker=left)
    return result


def _border(said: Sequence[_Said], index: int) -> bool:
    return said[index].place != said[index - 1].place or ends_sentence(said[index - 1].word.text)


def _pause_s(before: _Said, after: _Said, regions: Sequence[Span]) -> float:
    """Silence between two words that follow each other: that of voice activity where it saw one."""
    if before.place != after.place:
        return regions[after.place].start - regions[before.place].end
    return max(0.0, after.word.start - before.word.end)


def _groups(said: Sequence[_Said], regions: Sequence[Span], gap_s: float) -> list[list[_Said]]:
    groups: list[list[_Said]] = []
    for index, one in enumerate(said):
        before = said[index - 1] if index else None
        goes_on = (
            before is not None
            and before.speaker == one.speaker
            and not ends_sentence(before.word.text)
            and _pause_s(before, one, regions) < gap_s
        )
        if goes_on:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _length_s(*groups: list[_Said]) -> float:
    return groups[-1][-1].word.end - groups[0][0].word.start + TAIL_S


def _fitting(group: list[_Said], max_s: float) -> list[list[_Said]]:
    """The group, cut at its best places until no part is longer than `max_s`."""
    if len(group) < 2 or _length_s(group) <= max_s:
        return [group]
    inner = range(max(1, len(group) // 5), max(2, len(group) - len(group) // 5))
    cut = max(inner, key=lambda index: (_worth(group, index), -abs(index - len(group) / 2)))
    return [*_fitting(group[:cut], max_s), *_fitting(group[cut:], max_s)]


def _worth(group: list[_Said], index: int) -> float:
    before, after = group[index - 1].word, group[index].word
    return after.start - before.end + (_COMMA_S if before.text[-1] in ",;:" else 0.0)


def _joined(groups: list[list[_Said]], regions: Sequence[Span], gap_s: float, max_s: float) -> list[list[_Said]]:
    """Groups too short to be lines, joined to the neighbour of the same speaker that is nearer."""
    result = list(groups)
    index = 0
    while index < len(result):
        group = result[index]
        spoken_s = group[-1].word.end - group[0].word.start
        fragment = len(group) == 1 and spoken_s < FRAGMENT_S and not ends_sentence(group[0].word.text)
        limit_s = 2 * gap_s if fragment else gap_s
        pauses = {
            side: _pause_s(result[side][-1], result[side + 1][0], regions)
            for side in (index - 1, index)
            if spoken_s < MIN_LINE_S
            and 0 <= side < len(result) - 1
            and result[side][0].speaker == result[side + 1][0].speaker
            and _length_s(result[side], result[side + 1]) <= max_s
        }
        side = min(pauses, key=lambda one: pauses[one], default=None)
        if side is None or pauses[side] >= limit_s:
            index += 1
            continue
        result[side : side + 2] = [result[side] + result[side + 1]]
        index = side
    return result


def _edges(groups: list[list[_Said]], index: int, turns: Sequence[Turn], regions: Sequence[Span], max_s: float) -> Span:
    """Start and end of a line, from voice activity and turns where it begins or ends with one of them."""
    first, last = groups[index][0], groups[index][-1]
    before = groups[index - 1][-1] if index else None
    after = groups[index + 1][0] if index + 1 < len(groups) else None
    start, end = first.word.start, min(last.word.end + TAIL_S, regions[last.place].end)
    own = [turn for turn in turns if turn.speaker == first.speaker]
    if before is not None and before.place == first.place and before.speaker != first.speaker:
        start = max(_snapped(start, [turn.start for turn in own]), regions[first.place].start)
    if after is not None and after.place == last.place:
        end = last.word.end
        if after.speaker != last.speaker:
            end = min(_snapped(end, [turn.end for turn in own]), regions[last.place].end)
    start, end = min(start, first.word.end), max(end, last.word.end)
    return Span(start=start, end=min(end, start + max_s))


def _snapped(moment_s: float, edges: Sequence[float]) -> float:
    near = [edge for edge in edges if abs(edge - moment_s) <= SNAP_S]
    return min(near, key=lambda edge: abs(edge - moment_s), default=moment_s)
