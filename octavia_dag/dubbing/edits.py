"""What people corrected of the original, made on the lines as they were heard, one correction after the other.

Each correction names a line by its id and finds it as the ones before it have left it. A merged line keeps the first
id, the second half of a split gets a "b" behind it. Times come from the words. A correction that finds no line, or
another than it was made for, changes nothing and is told in words: it is never lost in silence.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from octavia_dag.dubbing.retiming import retimed
from octavia_dag.dubbing.word_times import join_words
from octavia_dag.schema import Correction, Dropped, Line, Merged, Reassigned, Reworded, Split, Word

REWORDED = "original corrected by a person"


@dataclass(frozen=True)
class Corrected:
    """The lines, and for each correction that could not be made a sentence."""

    lines: list[Line]
    unused: list[str]


def corrected(lines: Sequence[Line], edits: Iterable[Correction], speakers: Collection[str]) -> Corrected:
    """`lines` with all `edits` made, in order of start. `speakers` are those that a line can be given to."""
    now, unused = list(lines), list[str]()
    for edit in edits:
        place = next((at for at, line in enumerate(now) if line.id == edit.line), None)
        if place is None:
            unused.append(f"{told(edit)} was not done: there is no line {edit.line} any more.")
            continue
        if obstacle := _obstacle(now, place, edit, speakers):
            unused.append(f"{told(edit)} was not done: {obstacle}.")
        else:
            now = _made(now, place, edit)
    return Corrected(now, unused)


def told(edit: Correction) -> str:
    """A correction in words."""
    match edit:
        case Reassigned():
            return f"Giving {edit.line} to speaker {edit.speaker}"
        case Reworded():
            return f"Correcting the original of {edit.line}"
        case Merged():
            return f"Merging {edit.line} with {edit.other}"
        case Split():
            return f"Splitting {edit.line} before {edit.word!r}"
        case Dropped():
            return f"Dropping {edit.line}"


def with_added(before: Sequence[Correction], more: Iterable[Correction]) -> tuple[Correction, ...]:
    """`before` and then `more`, without what no longer matters.

    The same split, merge or drop is never meant twice, unless another one undid it between them; of two texts or
    speakers given to a line the later one counts, unless its bounds were changed between them.
    """
    result = list(before)
    for edit in more:
        if isinstance(edit, Reassigned | Reworded):
            since = _since_bounds_changed(result, edit.line)
            result = [one for at, one in enumerate(result) if at < since or not _same_kind(one, edit)]
        elif edit in result and not _undone(result, edit):
            continue
        result.append(edit)
    return tuple(result)


def _undone(edits: Sequence[Correction], edit: Correction) -> bool:
    """Whether the line's bounds were changed otherwise since `edit` was made the last time."""
    last = max(at for at, one in enumerate(edits) if one == edit)
    return any(isinstance(one, Merged | Split) and _touches(one, edit.line) for one in edits[last + 1 :])


def _since_bounds_changed(edits: Sequence[Correction], line: str) -> int:
    """Where the edits begin that see `line` as it is now."""
    changing = [at for at, one in enumerate(edits) if isinstance(one, Merged | Split) and _touches(one, line)]
    return changing[-1] + 1 if changing else 0


def _touches(edit: Merged | Split, line: str) -> bool:
    """A half of a split is named after the line it was cut from."""
    return line.rstrip("b") in (edit.line.rstrip("b"), edit.other.rstrip("b") if isinstance(edit, Merged) else "")


def _same_kind(one: Correction, other: Correction) -> bool:
    return one.action == other.action and one.line == other.line


def _obstacle(now: list[Line], place: int, edit: Correction, speakers: Collection[str]) -> str:
    """Why a correction cannot be made, empty where it can."""
    if isinstance(edit, Reassigned) and edit.speaker not in speakers:
        return f"there is no speaker {edit.speaker} any more"
    if isinstance(edit, Merged) and (place + 1 == len(now) or now[place + 1].id != edit.other):
        return f"{edit.other} does not follow it any more"
    if isinstance(edit, Split) and not _places(now[place].words, edit):
        return "the line does not have this word any more, or begins with it"
    return ""


def _made(now: list[Line], place: int, edit: Correction) -> list[Line]:
    """The lines after one correction that can be made."""
    line, following = now[place], place + 1
    match edit:
        case Dropped():
            instead: list[Line] = []
        case Reassigned():
            instead = [line.model_copy(update={"speaker": edit.speaker})]
        case Reworded():
            instead = [_reworded(line, edit.text)]
        case Merged():
            instead, following = [merged(line, now[place + 1])], place + 2
        case Split():
            # The word may have moved a little when the line was heard anew.
            at = min(_places(line.words, edit), key=lambda one: abs(one - edit.at))
            instead = _halves(line, at, {one.id for one in now})
    return sorted([*now[:place], *instead, *now[following:]], key=lambda one: one.start)


def merged(line: Line, other: Line) -> Line:
    """Two lines as one."""
    words = (*line.words, *other.words)
    return Line(
        id=line.id,
        speaker=line.speaker,
        start=min(line.start, other.start),
        end=max(line.end, other.end),
        text=f"{line.text} {other.text}",
        words=words,
        confidence=_confidence(words, min(line.confidence, other.confidence)),
        flags=tuple(dict.fromkeys((*line.flags, *other.flags))),
    )


def _reworded(line: Line, text: str) -> Line:
    """A person's text is heard surely; that the machine was not sure no longer matters."""
    words = tuple(retimed(line.words, text))
    return line.model_copy(update={"text": text, "words": words, "confidence": 1.0, "flags": (REWORDED,)})


def _places(words: Sequence[Word], edit: Split) -> list[int]:
    """Where the word of a split stands, its own place or another; a line cannot be cut before its first word."""
    return [at for at in range(1, len(words)) if words[at].text == edit.word]


def _halves(line: Line, at: int, taken: Collection[str]) -> list[Line]:
    second = f"{line.id}b"
    while second in taken:
        second += "b"
    return [
        _part(line, line.id, line.words[:at], line.start, line.words[at - 1].end),
        _part(line, second, line.words[at:], line.words[at].start, line.end),
    ]


def _part(line: Line, name: str, words: tuple[Word, ...], start: float, end: float) -> Line:
    return Line(
        id=name,
        speaker=line.speaker,
        start=start,
        end=end,
        text=join_words(words),
        words=words,
        confidence=_confidence(words, line.confidence),
        flags=line.flags,
    )


def _confidence(words: Sequence[Word], otherwise: float) -> float:
    return sum(word.confidence for word in words) / len(words) if words else otherwise
