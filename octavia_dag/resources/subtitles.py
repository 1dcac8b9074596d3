"""Subtitles of the dub: what is said, when it is said, in pieces that can be read.

A piece has at most two lines of 42 characters and stays for 1 to 7 seconds, the bounds that broadcasters agree on
(Netflix timed text style guide, general requirements). A longer line is cut between words into pieces of about
equal length, each shown for its share of the line's time. A short one stays longer only where nobody speaks next.
"""

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from octavia_dag.resources.artifacts import guarded
from octavia_dag.schema import PlacedLine

LINE_CHARS = 42
SHORTEST_S = 1.0
LONGEST_S = 7.0


class Cue(NamedTuple):
    """One piece: shown from `start` to `end` seconds, `text` of one or two lines."""

    start: float
    end: float
    text: str


def cues(lines: Sequence[PlacedLine], texts: Mapping[str, str], seconds: float) -> list[Cue]:
    """The pieces of `lines` in order of time; `texts` has what each line says by its id, empty texts give none.

    `seconds` is the programme's length: no piece ends later.
    """
    ordered = sorted(lines, key=lambda line: (line.start, line.end))
    found: list[Cue] = []
    for index, line in enumerate(ordered):
        # Somebody who speaks at the same time has begun already; only who begins later takes the room.
        later = [other.start for other in ordered[index + 1 :] if other.start > line.start]
        room = min(later[0] if later else seconds, seconds)
        end = min(max(line.end, min(line.start + SHORTEST_S, room)), seconds)
        if end > line.start:
            found += _pieces(" ".join(texts.get(line.id, "").split()), line.start, end)
    return sorted(found, key=lambda cue: (cue.start, cue.end))


def write_subtitles(found: Sequence[Cue], path: Path) -> None:
    """Writes SRT or WebVTT, as the suffix of `path` says, in UTF-8."""
    import pysubs2

    form = path.suffix.lower().lstrip(".")
    document = pysubs2.SSAFile()
    for cue in found:
        event = pysubs2.SSAEvent(start=round(cue.start * 1000), end=round(cue.end * 1000))
        event.plaintext = _escaped(cue.text, form)
        document.append(event)
    with guarded(f"Writing {path.name}"):
        path.write_text(document.to_string(form), encoding="utf-8")


def _escaped(text: str, form: str) -> str:
    # Braces would be taken for styling and vanish; WebVTT knows two more characters as markup (section 4.2.2).
    plain = text.replace("{", "(").replace("}", ")")
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") if form == "vtt" else plain


def _pieces(text: str, start: float, end: float) -> list[Cue]:
    if not text:
        return []
    words = text.split(" ")
    count = max(math.ceil((end - start) / LONGEST_S), math.ceil(len(text) / (2 * LINE_CHARS)))
    parts = _shared_out(words, min(count, len(words)))
    while len(parts) < len(words) and any(len(_wrapped(part)) > 2 for part in parts):
        parts = _shared_out(words, len(parts) + 1)
    rows = [row for part in parts for row in _in_pairs(_wrapped(part))]
    total = sum(len(row) for row in rows)
    found: list[Cue] = []
    for row in rows:
        until = (
            start + (end - start) * len(row) / total if not found else found[-1].end + (end - start) * len(row) / total
        )
        found.append(Cue(found[-1].end if found else start, until, row))
    return found


def _shared_out(words: Sequence[str], count: int) -> list[str]:
    """`words` in `count` parts of about equal length, none of them empty."""
    total = sum(len(word) + 1 for word in words)
    parts: list[list[str]] = [[]]
    reached = 0
    for index, word in enumerate(words):
        left = count - len(parts)
        share = (reached + (len(word) + 1) / 2) * count / total
        if parts[-1] and left and (share >= len(parts) or len(words) - index <= left):
            parts.append([])
        parts[-1].append(word)
        reached += len(word) + 1
    return [" ".join(part) for part in parts]


def _wrapped(text: str) -> list[str]:
    """`text` in lines: one where it fits, else two of about equal length, else as many as it takes."""
    if len(text) <= LINE_CHARS:
        return [text]
    breaks = [index for index, letter in enumerate(text) if letter == " "]
    fitting = [index for index in breaks if index <= LINE_CHARS and len(text) - index - 1 <= LINE_CHARS]
    if fitting:
        best = min(fitting, key=lambda index: abs(len(text) - 1 - 2 * index))
        return [text[:best], text[best + 1 :]]
    return textwrap.wrap(text, LINE_CHARS, break_on_hyphens=False)


def _in_pairs(lines: Sequence[str]) -> list[str]:
    return ["\n".join(lines[index : index + 2]) for index in range(0, len(lines), 2)]
