"""Invented words must go, real ones must stay, and a garbage transcript must stop the dub with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from octavia_dag.dubbing.hearing import (
    MAX_COMPRESSION,
    accept,
    compression_ratio,
    hear_text,
    normalize_words,
    verdict,
    word_error_rate,
)
from octavia_dag.schema import Line, Span, Word

SPEECH = [Span(start=0, end=10)]


@dataclass(frozen=True)
class Segment:
    text: str
    start: float = 1.0
    end: float = 2.0
    mean_logprob: float = -0.2
    no_speech: float = 0.05
    compression: float = 1.2

    @property
    def words(self) -> tuple[Word, ...]:
        return (Word(start=self.start, end=self.end, text=self.text),)


def line(text: str, start: float, end: float, confidence: float = 0.9) -> Line:
    words = tuple(Word(start=start, end=end, text=one) for one in text.split())
    return Line(id="L001", speaker="A", start=start, end=end, text=text, words=words, confidence=confidence)


def refused(segment: Segment, regions: Sequence[Span] = SPEECH) -> str:
    kept, dropped = accept([segment], regions)
    assert len(kept) + len(dropped) == 1
    return dropped[0] if dropped else ""


def test_clear_speech_is_kept() -> None:
    assert refused(Segment("That's exciting.")) == ""


def test_mumbled_speech_that_is_surely_speech_is_kept() -> None:
    assert refused(Segment("Well then, however...", mean_logprob=-1.35, no_speech=0.06)) == ""


@pytest.mark.parametrize(("logprob", "no_speech"), [(-2.1, 0.65), (-1.8, 0.0), (-1.1, 0.5), (-0.7, 0.7)])
def test_what_the_transcriber_doubts_is_refused_with_its_figures(logprob: float, no_speech: float) -> None:
    assert f"{logprob:.2f}" in refused(Segment("you", mean_logprob=logprob, no_speech=no_speech))


def test_a_stricter_setting_refuses_more() -> None:
    segment = Segment("maybe", mean_logprob=-0.9, no_speech=0.5)
    assert accept([segment], SPEECH)[0] == [segment]
    assert accept([segment], SPEECH, min_logprob=-0.5)[0] == []


def test_a_text_that_repeats_itself_is_refused() -> None:
    looped = "I will go to the shop. " * 12
    assert compression_ratio(looped) > MAX_COMPRESSION
    assert "repeats" in refused(Segment(looped, compression=compression_ratio(looped)))


def test_ordinary_text_does_not_count_as_repetition() -> None:
    assert compression_ratio("Ask not what your country can do for you, ask what you can do for your country.") < 1.5


def test_words_outside_speech_and_text_without_words_are_refused() -> None:
    assert "outside" in refused(Segment("Thank you.", start=20, end=21))
    assert "no word" in refused(Segment("... \u266a"))


def test_one_phrase_again_and_again_in_a_clip_without_speech_is_refused() -> None:
    segments = [Segment("Thank you.", start=at, end=at + 0.5) for at in (1, 2, 3, 4)]
    regions = [Span(start=1, end=4.5)]
    assert accept(segments, regions, clip_s=100.0)[0] == []
    assert accept(segments, regions, clip_s=20.0)[0] == segments


def test_a_phrase_that_is_half_of_the_text_is_no_reason_to_refuse() -> None:
    segments = [*(Segment("Thank you.") for _ in range(4)), Segment("That was all I had to say.")]
    assert accept(segments, [Span(start=1, end=2)], clip_s=100.0)[0] == segments


def test_the_verdict_on_no_speech_is_ok() -> None:
    assert verdict([], [], None).ok


def test_much_speech_without_a_word_is_refused() -> None:
    assert not verdict([], [Span(start=0, end=60)], "en").ok


def test_a_good_transcript_is_ok() -> None:
    assert verdict([line("I am from Barcelona.", 1, 2.5)], SPEECH, "en").ok


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        ([line("mumble mumble grumble", at, at + 1, 0.1) for at in (1, 3)], "guesses"),
        ([line("one two three four five six seven eight nine ten", 1, 1.5)], "words a second"),
        ([line("I will go home.", at, at + 1) for at in range(9)], "most of what was heard"),
    ],
)
def test_garbage_is_refused_with_its_cause(lines: list[Line], cause: str) -> None:
    found = verdict(lines, SPEECH, "en")
    assert not found.ok
    assert cause in " ".join(found.reasons)


def test_a_refrain_among_other_lines_is_no_garbage() -> None:
    refrain = [line("I will go home.", at, at + 1) for at in (0, 4)]
    others = [line("Nobody asked me where it was.", at, at + 2) for at in (2, 6)]
    assert verdict([*refrain, *others], SPEECH, "en").ok


def test_words_are_compared_without_case_punctuation_and_hyphens() -> None:
    assert normalize_words("Real-time, I\u2019ve 3.5 (caf\u00e9)!") == ["real", "time", "i've", "3.5", "caf\u00e9"]


@pytest.mark.parametrize(
    ("reference", "hypothesis", "rate"),
    [
        ("Mend the coat.", "men the coat", 1 / 3),
        ("And I love this city", "and i love city", 1 / 5),
        ("", "", 0.0),
        ("", "thank you", 1.0),
        ("a b", "", 1.0),
    ],
)
def test_the_word_error_rate_counts_by_hand(reference: str, hypothesis: str, rate: float) -> None:
    assert word_error_rate(reference, hypothesis) == pytest.approx(rate)


def test_the_text_of_segments_is_joined() -> None:
    assert hear_text([Segment(" Hello. "), Segment("You.")]) == "Hello. You."
