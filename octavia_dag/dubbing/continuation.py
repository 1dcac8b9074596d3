"""A sentence that goes on over several lines of one person: which lines belong together, and where to cut it again.

Translated apart, the halves of a sentence lose each other ("ask not" became "do not ask for"). Translated whole, the
text is cut at its own punctuation, and only where it has as many marks as the original: then the places are certain.
A line that breaks off without any mark has no certain place, and stays on its own.
"""

import re
from collections.abc import Sequence

from octavia_dag.schema import Line

_SENTENCE_END = re.compile(r"[.!?\u2026][\"'\u201d\u2019)]*$")
_CLAUSE_END = re.compile(r"[,;:\u2014][\"'\u201d\u2019)]*$")
_MARK = re.compile(r"[.,;:!?\u2026\u2014]+[\"'\u201d\u2019)]*(?=\s|$)")
_LONGEST_GAP_S = 3.0
_MOST_LINES = 4
_MOST_UNEVEN = 2.0  # a part may have this many times the share of the text that its original line has


def joined_groups(lines: Sequence[Line]) -> list[list[int]]:
    """Places of lines that form one sentence: the same speaker, each but the last one ending in a clause mark."""
    groups: list[list[int]] = []
    group: list[int] = []
    for place, line in enumerate(lines):
        if group:
            before = lines[group[-1]]
            if before.speaker != line.speaker or line.start - before.end > _LONGEST_GAP_S or len(group) == _MOST_LINES:
                groups.append(group)
                group = []
        group.append(place)
        if not _CLAUSE_END.search(line.text.strip()):
            groups.append(group)
            group = []
    return [one for one in [*groups, group] if len(one) > 1]


def split_like(text: str, originals: Sequence[str]) -> list[str] | None:
    """`text` in as many parts as `originals`, each with the marks of its original; None where that is not certain."""
    wanted = [len(_MARK.findall(one)) for one in originals]
    marks = list(_MARK.finditer(text))
    if len(marks) != sum(wanted) or not all(wanted):
        return None
    parts: list[str] = []
    start, done = 0, 0
    for count in wanted:
        done += count
        parts.append(text[start : marks[done - 1].end()].strip())
        start = marks[done - 1].end()
    total, whole = sum(map(len, originals)), len(text)
    shares = [(len(part) / whole) / (len(one) / total) for part, one in zip(parts, originals, strict=True)]
    even = all(1 / _MOST_UNEVEN <= share <= _MOST_UNEVEN for share in shares)
    return parts if even and not text[start:].strip() else None
