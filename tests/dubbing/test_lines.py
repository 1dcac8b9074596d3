"""A line is what is translated, spoken and placed: the wrong cut gives a person another person's words."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavia_dag.dubbing.lines import MIN_LINE_S, make_lines
from octavia_dag.schema import Line, Span, Turn, Word


def say(text: str, start: float, end: float, confidence: float = 0.9) -> list[Word]:
    parts = text.split()
    step = (end - start) / len(parts)
    return [
        Word(start=start + i * step, end=start + (i + 1) * step, text=one, confidence=confidence)
        for i, one in enumerate(parts)
    ]


def lines(words: Sequence[Word], turns: Sequence[Turn], regions: Sequence[Span]) -> list[Line]:
    return make_lines(words, turns, regions, gap_s=0.7, max_s=12)


def turn(speaker: str, start: float, end: float) -> Turn:
    return Turn(speaker=speaker, start=start, end=end)


def heard(found: Sequence[Line]) -> list[tuple[str, str]]:
    return [(one.speaker, one.text) for one in found]


def test_lines_are_numbered_in_order() -> None:
    words = [*say("One two three.", 0, 2), *say("Four five six.", 3, 5)]
    found = lines(words, [turn("A", 0, 5)], [Span(start=0, end=2), Span(start=3, end=5)])
    assert [one.id for one in found] == ["L001", "L002"]


def test_one_sentence_with_pauses_becomes_the_lines_that_the_pauses_make() -> None:
    """What whisper base hears in a hand-timed recording, at its own times: starts are early by up to a second."""
    heard_words = [
        *(("Good", 0.76, 1.40), ("morning,", 1.40, 1.76), ("my", 2.24, 2.78), ("name", 2.78, 2.98), ("is", 2.98, 3.2)),
        *(("Jordi", 3.20, 3.44), ("Mas,", 3.44, 3.60), ("I", 4.30, 5.44), ("am", 5.44, 5.62), ("from", 5.62, 5.82)),
        *(("Barcelona", 5.82, 6.28), ("and", 6.28, 7.80), ("I", 7.80, 7.94), ("love", 7.94, 8.08), ("the", 8.08, 8.3)),
        ("city.", 8.30, 8.60),
    ]
    words = [Word(text=text, start=start, end=end) for text, start, end in heard_words]
    regions = [
        Span(start=start, end=end) for start, end in ((1.25, 2.046), (2.626, 3.966), (5.25, 6.622), (7.682, 8.766))
    ]
    found = lines(words, [turn("A", 1.25, 8.77)], regions)
    assert [one.text.split()[0] for one in found] == ["Good", "I", "and"]
    for one, start, end in zip(found, (1.263, 5.245, 7.608), (3.946, 6.629, 8.688), strict=True):
        assert abs(one.start - start) <= 0.1
        assert abs(one.end - end) <= 0.1


def test_a_sentence_across_a_change_of_speaker_is_split_there() -> None:
    words = say("have you seen it no I have not", 0, 4)
    found = lines(words, [turn("A", 0, 2), turn("B", 2, 4)], [Span(start=0, end=4)])
    assert heard(found) == [("A", "have you seen it"), ("B", "no I have not")]
    assert found[1].start == pytest.approx(2.0)


def test_a_turn_that_is_told_a_word_late_changes_at_the_sentence_end() -> None:
    words = [*say("Have you seen it?", 0, 2), *say("No, I have not.", 2, 3.2)]
    found = lines(words, [turn("A", 0, 2.2), turn("B", 2.2, 4)], [Span(start=0, end=3.2)])
    assert heard(found) == [("A", "Have you seen it?"), ("B", "No, I have not.")]


def test_a_word_outside_all_turns_goes_to_the_nearest() -> None:
    words = [*say("Good morning everybody.", 0, 2), *say("Yes of course.", 3, 4.5)]
    regions = [Span(start=0, end=2), Span(start=3, end=4.5)]
    assert heard(lines(words, [turn("A", 0, 2), turn("B", 4.4, 6)], regions))[1][0] == "B"


def test_two_people_at_once_do_not_share_a_sentence() -> None:
    words = say("I am originally from Chicago also.", 0, 3)
    found = lines(words, [turn("B", 0.5, 1.0), turn("A", 0, 3)], [Span(start=0, end=3)])
    assert heard(found) == [("A", "I am originally from Chicago also.")]


def test_without_turns_one_person_says_everything() -> None:
    assert heard(lines(say("All alone here.", 0, 2), [], [Span(start=0, end=2)])) == [("A", "All alone here.")]


def test_a_very_short_sentence_joins_its_neighbour() -> None:
    words = [*say("Oh.", 0, 0.3), *say("I did not know that.", 0.5, 2)]
    assert heard(lines(words, [turn("A", 0, 2)], [Span(start=0, end=2)])) == [("A", "Oh. I did not know that.")]


def test_a_short_answer_of_another_person_stays_alone() -> None:
    words = [*say("Are you there?", 0, 1), *say("Yes.", 1.3, 1.6), *say("Then come with me.", 2, 3.5)]
    turns = [turn("A", 0, 1), turn("B", 1.3, 1.6), turn("A", 2, 3.5)]
    assert [one.speaker for one in lines(words, turns, [Span(start=0, end=3.5)])] == ["A", "B", "A"]


def test_a_short_utterance_behind_a_long_silence_stays_alone() -> None:
    words = [*say("That is everything.", 0, 1.5), *say("Yes.", 4, 4.4)]
    assert len(lines(words, [turn("A", 0, 5)], [Span(start=0, end=1.5), Span(start=4, end=4.4)])) == 2


def test_a_line_ends_with_the_speech_and_not_with_the_early_end_of_its_word() -> None:
    regions = [Span(start=0, end=2)]
    assert lines(say("That is everything.", 0, 1.8), [], regions)[0].end == 2.0
    assert lines(say("That is everything.", 0, 1.0), [], regions)[0].end < 1.5


def test_low_confidence_is_flagged() -> None:
    found = lines(say("was it this", 0, 1, 0.3), [], [Span(start=0, end=1)])
    assert found[0].confidence == pytest.approx(0.3)
    assert "low confidence" in found[0].flags[0]


def test_noise_before_speech_does_not_make_a_line_early() -> None:
    found = lines(say("have you tried it", 7.70, 9), [turn("A", 7.5, 9)], [Span(start=7.5, end=9)])
    assert found[0].start == pytest.approx(7.70)


@given(
    st.lists(st.tuples(st.floats(0.4, 20), st.floats(0.36, 3), st.integers(1, 30), st.booleans()), max_size=8),
    st.lists(st.tuples(st.floats(0.2, 20), st.sampled_from("ABC")), max_size=8),
)
def test_every_word_is_in_one_line_of_one_speaker(
    parts: list[tuple[float, float, int, bool]], speakers: list[tuple[float, str]]
) -> None:
    regions: list[Span] = []
    words: list[Word] = []
    at = 0.0
    for speech, pause, count, closed in parts:
        regions.append(Span(start=at, end=at + speech))
        words += say(" ".join(["word"] * count) + ("." if closed else ""), at, at + speech)
        at += speech + pause
    turns: list[Turn] = []
    moment = 0.0
    for length, speaker in speakers:
        turns.append(turn(speaker, moment, moment + length))
        moment += length
    found = lines(words, turns, regions)
    assert sum(len(one.words) for one in found) == len(words)
    assert all(one.start <= one.end and one.seconds <= 12.001 for one in found)
    assert [one.start for one in found] == sorted(one.start for one in found)


def test_the_shortest_line_is_long_enough_to_be_spoken() -> None:
    assert MIN_LINE_S >= 0.4
