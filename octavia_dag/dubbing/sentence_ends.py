"""Sentence ends that were found later are written into the words, as a transcriber that knows punctuation does.

So everything that looks for sentences (chunks, lines, the translator) finds them there, and nothing else needs to know.
Words are given marks only as a whole: a transcript with marks of its own keeps those, and gets no others.
"""

from collections.abc import Mapping, Sequence

from octavia_dag.dubbing.word_times import ends_sentence
from octavia_dag.schema import Word

# People say 10 to 20 words a sentence; with fewer ends than one in so many words a transcriber writes none.
_WORDS_PER_END = 60
_PAUSES = ",;:-\u2013\u2014\u3001\uff0c"


def punctuated(words: Sequence[Word]) -> bool:
    """Whether the words carry punctuation of their own."""
    return sum(ends_sentence(word.text) for word in words) * _WORDS_PER_END >= len(words)


def with_ends(words: Sequence[Word], ends: Mapping[int, str]) -> list[Word]:
    """The words, with a mark behind those that end a sentence and carry none; it takes the place of a comma."""
    return [
        word.model_copy(update={"text": word.text.rstrip(_PAUSES) + ends[index]})
        if index in ends and not ends_sentence(word.text)
        else word
        for index, word in enumerate(words)
    ]
