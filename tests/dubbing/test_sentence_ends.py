"""At risk: marks over marks, and a transcript that is taken for one without punctuation."""

import pytest

from octavia_dag.dubbing.sentence_ends import punctuated, with_ends
from octavia_dag.dubbing.word_times import ends_sentence
from octavia_dag.schema import Word


def said(text: str) -> list[Word]:
    return [
        Word(text=word, start=0.4 * index, end=0.4 * index + 0.3, confidence=0.9)
        for index, word in enumerate(text.split())
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I said no. " + "and so on " * 10, True),
        ("and so on " * 40, False),
        ("Mr. Smith and Mr. Jones " * 30, False),
        ("one. " + "and so on " * 40, False),
        ("", True),
    ],
)
def test_a_transcript_without_sentence_ends_carries_no_punctuation(text: str, expected: bool) -> None:
    assert punctuated(said(text)) is expected


def test_words_that_end_a_sentence_get_the_mark_and_keep_their_times() -> None:
    words = said("we came, home did you yes. we did")
    made = with_ends(words, {1: ".", 4: "?", 5: ".", 7: "."})
    assert [word.text for word in made] == ["we", "came.", "home", "did", "you?", "yes.", "we", "did."]
    assert [ends_sentence(word.text) for word in made] == [False, True, False, False, True, True, False, True]
    assert [(word.start, word.end, word.confidence) for word in made] == [
        (word.start, word.end, word.confidence) for word in words
    ]
