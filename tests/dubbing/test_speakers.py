"""The speaker map says who talks how much and where two talk at once; its RTTM has every turn."""

import io

from hypothesis import given
from hypothesis import strategies as st

from octavia_dag.dubbing.speakers import overlaps, rttm, speaker_map_of
from octavia_dag.schema import Span, Turn

TURNS = [
    Turn(start=0.0, end=2.0, speaker="A"),
    Turn(start=1.5, end=5.0, speaker="B"),
    Turn(start=5.0, end=6.0, speaker="A"),
    Turn(start=5.2, end=5.4, speaker="C"),
]
MOMENTS = st.integers(0, 40)


def test_talk_time_turns_and_the_main_speaker() -> None:
    found = speaker_map_of(list(reversed(TURNS)))
    assert [(s.id, s.talk_seconds, s.turns, s.main) for s in found.speakers] == [
        ("A", 3.0, 2, False),
        ("B", 3.5, 1, True),
        ("C", 0.2, 1, False),
    ]
    assert list(found.turns) == TURNS


def test_overlaps_are_where_two_people_speak() -> None:
    assert speaker_map_of(TURNS).overlaps == (Span(start=1.5, end=2.0), Span(start=5.2, end=5.4))


def test_overlaps_that_the_turns_do_not_show_are_kept_and_joined_to_those_they_do() -> None:
    beside = [Span(start=3.0, end=3.5), Span(start=1.9, end=2.3), Span(start=5.2, end=5.3)]
    assert speaker_map_of(TURNS, beside).overlaps == (
        Span(start=1.5, end=2.3),
        Span(start=3.0, end=3.5),
        Span(start=5.2, end=5.4),
    )


def test_nobody_speaks_is_a_map_without_anybody() -> None:
    found = speaker_map_of([])
    assert (found.turns, found.speakers, found.overlaps) == ((), (), ())


@given(st.lists(st.tuples(MOMENTS, st.integers(1, 10), st.sampled_from("ABC")), max_size=6))
def test_overlaps_agree_with_counting_moment_by_moment(raw: list[tuple[int, int, str]]) -> None:
    turns = [Turn(start=start, end=start + length, speaker=who) for start, length, who in raw]
    found = overlaps(turns)
    for moment in range(60):
        middle = moment + 0.5
        speaking = {turn.speaker for turn in turns if turn.start < middle < turn.end}
        assert any(span.start < middle < span.end for span in found) == (len(speaking) > 1)


def test_rttm_is_read_back_with_every_turn() -> None:
    text = rttm(TURNS, "talk-1a2b")
    lines = [line.split() for line in io.StringIO(text)]
    assert len(lines) == len(TURNS)
    assert all(line[0] == "SPEAKER" and line[1] == "talk-1a2b" and len(line) == 10 for line in lines)
    back = {(float(line[3]), round(float(line[3]) + float(line[4]), 3), line[7]) for line in lines}
    assert back == {(turn.start, turn.end, turn.speaker) for turn in TURNS}
