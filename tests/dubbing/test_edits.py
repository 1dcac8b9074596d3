"""At risk: a correction that is lost in silence, or that moves what it does not name."""

from itertools import pairwise

from octavia_dag.dubbing.edits import corrected, with_added
from octavia_dag.dubbing.retiming import retimed
from octavia_dag.schema import Correction, Dropped, Line, Merged, Reassigned, Reworded, Split, Word


def line(name: str, start: float, text: str, speaker: str = "A") -> Line:
    words = tuple(
        Word(start=start + n, end=start + n + 0.8, text=word, confidence=0.4) for n, word in enumerate(text.split())
    )
    return Line(
        id=name,
        speaker=speaker,
        start=start,
        end=start + len(words),
        text=text,
        words=words,
        confidence=0.4,
        flags=("?",),
    )


LINES = [line("L001", 0, "one two three"), line("L002", 4, "four five"), line("L003", 7, "six")]


def made(*edits: Correction) -> list[Line]:
    outcome = corrected(LINES, edits, {"A", "B"})
    assert outcome.unused == []
    return outcome.lines


def test_a_reassigned_line_changes_its_speaker_alone() -> None:
    assert made(Reassigned(line="L002", speaker="B")) == [
        LINES[0],
        LINES[1].model_copy(update={"speaker": "B"}),
        LINES[2],
    ]


def test_a_dropped_line_is_gone() -> None:
    assert made(Dropped(line="L002")) == [LINES[0], LINES[2]]


def test_a_merged_line_keeps_the_first_id_and_all_words() -> None:
    whole = made(Merged(line="L001", other="L002"))[0]
    assert (whole.id, whole.start, whole.end, whole.text) == ("L001", 0, 6, "one two three four five")
    assert whole.words == LINES[0].words + LINES[1].words


def test_a_split_takes_its_times_from_the_words() -> None:
    first, second = made(Split(line="L001", at=1, word="two"))[:2]
    assert (first.id, first.text, first.start, first.end) == ("L001", "one", 0, 0.8)
    assert (second.id, second.text, second.start, second.end) == ("L001b", "two three", 1, 3)


def test_a_split_finds_its_word_where_it_has_moved_to() -> None:
    assert made(Split(line="L001", at=1, word="three"))[0].text == "one two"


def test_a_half_can_be_split_again() -> None:
    ids = [one.id for one in made(Split(line="L001", at=1, word="two"), Split(line="L001b", at=1, word="three"))]
    assert ids == ["L001", "L001b", "L001bb", "L002", "L003"]


def test_a_corrected_text_is_heard_surely_and_keeps_the_times_of_what_was_right() -> None:
    now = made(Reworded(line="L001", text="one too three"))[0]
    assert (now.text, now.confidence, now.flags) == ("one too three", 1.0, ("original corrected by a person",))
    assert (now.words[0], now.words[2]) == (LINES[0].words[0], LINES[0].words[2])


def test_a_correction_without_its_line_is_told() -> None:
    outcome = corrected(LINES, [Dropped(line="L009")], {"A"})
    assert outcome.lines == LINES
    assert outcome.unused == ["Dropping L009 was not done: there is no line L009 any more."]


def test_a_correction_that_does_not_fit_its_line_any_more_is_told() -> None:
    edits = [
        Merged(line="L001", other="L003"),
        Split(line="L002", at=1, word="seven"),
        Reassigned(line="L003", speaker="C"),
    ]
    outcome = corrected(LINES, edits, {"A"})
    assert (outcome.lines, len(outcome.unused)) == (LINES, 3)


def test_the_same_table_taken_twice_changes_nothing_more() -> None:
    edits = (Reworded(line="L002", text="for five"), Split(line="L001", at=1, word="two"), Dropped(line="L003"))
    twice = with_added(with_added((), edits), edits)
    assert corrected(LINES, twice, {"A"}) == corrected(LINES, edits, {"A"})


def test_of_two_corrections_of_a_text_the_later_counts() -> None:
    first, second = Reworded(line="L001", text="a"), Reworded(line="L001", text="b")
    assert with_added([first], [second]) == (second,)


def test_new_words_share_the_time_of_those_they_stand_for() -> None:
    words = retimed(LINES[0].words, "zero one two and a half three")
    assert " ".join(word.text for word in words) == "zero one two and a half three"
    assert words[-1] == LINES[0].words[-1]
    assert all(a.end <= b.start for a, b in pairwise(words))
    assert words[0].start == 0


def test_a_split_counts_again_once_a_merge_has_undone_it() -> None:
    split, merge = Split(line="L001", at=1, word="two"), Merged(line="L001", other="L001b")
    edits: tuple[Correction, ...] = ()
    for one in (split, merge, split, merge, split):
        edits = with_added(edits, [one])
    assert [one.text for one in made(*edits)][:2] == ["one", "two three"]
