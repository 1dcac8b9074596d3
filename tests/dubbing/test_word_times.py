"""A word in the wrong stretch of speech is said by the wrong person, at the wrong time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavia_dag.dubbing.word_times import ends_sentence, join_words, settle
from octavia_dag.schema import Span, Word


def word(start: float, end: float, text: str = "word") -> Word:
    return Word(start=start, end=end, text=text)


REGIONS = [Span(start=1.25, end=3.95), Span(start=5.25, end=6.62), Span(start=7.68, end=8.77)]


def places(*words: Word) -> list[int]:
    return [place for place, _ in settle(words, REGIONS)]


def test_a_word_that_swallowed_the_pause_before_it_belongs_behind_the_pause() -> None:
    assert places(word(4.30, 5.44, "I"), word(6.28, 7.80, "and")) == [1, 2]


def test_a_word_in_a_pause_belongs_to_the_speech_behind_it() -> None:
    assert places(word(4.2, 4.7)) == [1]


def test_a_word_in_a_pause_that_ends_a_sentence_stays_with_the_speech_before_it() -> None:
    assert places(word(4.1, 4.5, "done.")) == [0]


def test_the_first_word_of_a_region_starts_with_it() -> None:
    assert [one.start for _, one in settle([word(0.76, 1.4), word(4.3, 5.44)], REGIONS)] == [1.25, 5.25]


def test_a_first_word_heard_clearly_later_is_believed() -> None:
    assert settle([word(1.8, 2.2)], REGIONS)[0][1].start == 1.8


def test_a_word_far_from_all_speech_is_left_out() -> None:
    assert places(word(20.0, 20.5)) == []
    assert settle([word(0, 1)], []) == []


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 1.5)), max_size=30))
def test_words_keep_their_order_inside_their_regions(times: list[tuple[float, float]]) -> None:
    words = [word(start, start + length, str(index)) for index, (start, length) in enumerate(sorted(times))]
    settled = settle(words, REGIONS)
    assert [int(one.text) for _, one in settled] == sorted(int(one.text) for _, one in settled)
    assert [place for place, _ in settled] == sorted(place for place, _ in settled)
    for place, one in settled:
        assert REGIONS[place].start <= one.start <= one.end <= REGIONS[place].end


@pytest.mark.parametrize("text", ["now.", "so?", "no!", 'it."', "I.", "No.", "fim\u3002"])
def test_a_mark_at_the_end_ends_a_sentence(text: str) -> None:
    assert ends_sentence(text)


@pytest.mark.parametrize("text", ["Mr.", "U.S.", "J.", "and", "well,", "3.5"])
def test_an_abbreviation_or_a_comma_ends_no_sentence(text: str) -> None:
    assert not ends_sentence(text)


def test_scripts_without_spaces_are_joined_without_spaces() -> None:
    assert join_words([word(0, 1, "a"), word(1, 2, "b")]) == "a b"
    assert join_words([word(0, 1, "\u6211"), word(1, 2, "\u5011")]) == "\u6211\u5011"
