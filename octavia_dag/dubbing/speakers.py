"""Who the people of a video are, told from the turns: talk time, the main one, where two speak at once; RTTM.

Overlaps are computed from the turns and never lost: where turns overlap, two people speak at once. An engine that
gives every moment to one person, and still heard the other, says so beside its turns. Everything after it (references,
placing, mixing) sees both.
"""

from collections.abc import Sequence
from itertools import pairwise

from octavia_dag.schema import Span, Speaker, SpeakerMap, Turn


def speaker_map_of(turns: Sequence[Turn], at_once: Sequence[Span] = ()) -> SpeakerMap:
    """The turns by start, their speakers by first appearance, and the stretches where two or more speak.

    `at_once` are such stretches that the turns do not show.
    """
    ordered = sorted(turns, key=lambda turn: (turn.start, turn.end))
    ids = list(dict.fromkeys(turn.speaker for turn in ordered))
    talk = {one: sum(turn.seconds for turn in ordered if turn.speaker == one) for one in ids}
    main = max(ids, key=lambda one: talk[one], default=None)
    speakers = [
        Speaker(id=one, talk_seconds=talk[one], turns=sum(turn.speaker == one for turn in ordered), main=one == main)
        for one in ids
    ]
    return SpeakerMap(
        turns=tuple(ordered), speakers=tuple(speakers), overlaps=tuple(_united([*overlaps(ordered), *at_once]))
    )


def overlaps(turns: Sequence[Turn]) -> list[Span]:
    """Stretches where turns of at least two different people hold, joined where they touch."""
    edges = sorted({edge for turn in turns for edge in (turn.start, turn.end)})
    found: list[Span] = []
    for start, end in pairwise(edges):
        speaking = {turn.speaker for turn in turns if turn.start <= start and turn.end >= end}
        if len(speaking) < 2:
            continue
        touches = bool(found) and found[-1].end == start
        found.append(Span(start=found.pop().start if touches else start, end=end))
    return found


def _united(spans: Sequence[Span]) -> list[Span]:
    """The spans in order, joined where they share or touch."""
    united: list[Span] = []
    for span in sorted(spans, key=lambda one: one.start):
        touches = bool(united) and span.start <= united[-1].end
        before = united.pop() if touches else span
        united.append(Span(start=before.start, end=max(before.end, span.end)))
    return united


def rttm(turns: Sequence[Turn], uri: str) -> str:
    """The turns in NIST's Rich Transcription format, one line each; `uri` names the recording."""
    from pyannote.core import Annotation, Segment

    annotation = Annotation(uri=uri)
    for number, turn in enumerate(turns):
        annotation[Segment(turn.start, turn.end), number] = turn.speaker
    return annotation.to_rttm()
