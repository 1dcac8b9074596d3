"""Times for a corrected text: a word that was heard keeps its own, what replaces others shares theirs.

A line's pauses are read from its words, so a correction of one word must not move the rest.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher

from octavia_dag.schema import Word


def retimed(words: Sequence[Word], text: str) -> list[Word]:
    """`text` as words inside the time of `words`; none where there are no times to share."""
    wanted = text.split()
    if not words or not wanted:
        return []
    result: list[Word] = []
    for old, new in _blocks([word.text for word in words], wanted):
        heard = words[old.start : old.stop]
        if [word.text for word in heard] == wanted[new.start : new.stop]:
            result += heard
        else:
            result += _shared(heard[0].start, heard[-1].end, wanted[new.start : new.stop])
    return result


def _blocks(old: Sequence[str], new: Sequence[str]) -> list[tuple[range, range]]:
    """Old words and what stands for them: word by word where nothing changed, else run by run.

    What stands for no old word joins the block before it, or the first one.
    """
    blocks: list[tuple[range, range]] = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            blocks += [(range(a + n, a + n + 1), range(c + n, c + n + 1)) for n in range(b - a)]
        elif kind == "replace":
            blocks.append((range(a, b), range(c, d)))
        elif kind == "insert" and blocks:
            blocks[-1] = (blocks[-1][0], range(blocks[-1][1].start, d))
    blocks[0] = (blocks[0][0], range(blocks[0][1].stop))
    return blocks


def _shared(start: float, end: float, texts: Sequence[str]) -> list[Word]:
    """One word behind the other, each as long as its letters ask for."""
    letters = [len(text) for text in texts]
    total, result, done = sum(letters), list[Word](), 0
    for text, count in zip(texts, letters, strict=True):
        begin = start + (end - start) * done / total
        done += count
        result.append(Word(start=begin, end=start + (end - start) * done / total, text=text))
    return result
