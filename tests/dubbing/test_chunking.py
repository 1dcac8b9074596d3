"""A chunk that is too long breaks a model, one that cuts a word breaks the word."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavia_dag.dubbing.chunking import pack_chunks
from octavia_dag.schema import Chunk, Span, Word


def say(text: str, start: float, end: float) -> list[Word]:
    """The words of a text, one after another from `start` to `end`."""
    parts = text.split()
    step = (end - start) / len(parts)
    return [Word(start=start + i * step, end=start + (i + 1) * step, text=one) for i, one in enumerate(parts)]


def pack(regions: Sequence[Span], words: Sequence[Word]) -> list[Chunk]:
    return pack_chunks(regions, words, min_s=6, max_s=12)


def edges(chunks: Sequence[Chunk]) -> list[tuple[float, float]]:
    return [(one.start, one.end) for one in chunks]


def test_short_utterances_are_packed_to_a_sentence_end() -> None:
    regions = [Span(start=at, end=at + 3) for at in (0, 3.5, 7, 10.5)]
    texts = ("one two,", "three four.", "five six,", "seven eight.")
    words = [word for region, text in zip(regions, texts, strict=True) for word in say(text, region.start, region.end)]
    assert edges(pack(regions, words)) == [(0, 6.5), (7, 13.5)]


def test_a_lone_short_utterance_stays_short() -> None:
    regions = [Span(start=1, end=2), Span(start=5, end=6)]
    words = [*say("Hello there.", 1, 2), *say("Bye now.", 5, 6)]
    assert edges(pack(regions, words)) == [(1, 2), (5, 6)]


def test_a_long_region_is_cut_behind_a_sentence() -> None:
    words = [*say("a b c d e f g h.", 0, 8), *say("i j k l m n o p.", 8.1, 16)]
    chunks = pack([Span(start=0, end=16)], words)
    assert [one.text for one in chunks] == ["a b c d e f g h.", "i j k l m n o p."]


def test_a_long_region_without_a_sentence_end_is_cut_at_the_largest_gap() -> None:
    words = [*say("a b c d e f", 0, 7), *say("g h i j k l", 7.3, 16)]
    assert pack([Span(start=0, end=16)], words)[0].words[-1].text == "f"


def test_speech_without_words_makes_no_chunk() -> None:
    assert pack([Span(start=0, end=5)], []) == []


@pytest.mark.parametrize("length", [13.0, 40.0])
def test_one_word_in_a_long_region_makes_one_chunk_that_is_short_enough(length: float) -> None:
    chunks = pack([Span(start=0, end=length)], [Word(start=length - 1, end=length - 0.2, text="end")])
    assert [one.seconds <= 12 for one in chunks] == [True]


@given(st.lists(st.tuples(st.floats(0.3, 30), st.floats(0.36, 5), st.integers(1, 40)), max_size=10))
def test_chunks_hold_every_word_once_and_are_never_too_long(parts: list[tuple[float, float, int]]) -> None:
    regions: list[Span] = []
    words: list[Word] = []
    at = 0.0
    for speech, pause, count in parts:
        regions.append(Span(start=at, end=at + speech))
        words += say(" ".join(["word"] * count), at, at + speech)
        at += speech + pause
    chunks = pack(regions, words)
    assert sum(len(one.words) for one in chunks) == len(words)
    assert all(one.seconds <= 12.001 for one in chunks)
    assert all(before.end <= after.start for before, after in pairwise(chunks))
