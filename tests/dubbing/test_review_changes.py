"""At risk: a row that is taken for what it does not say, or refused without a reason that can be mended."""

from dataclasses import replace

import pytest

from octavia_dag.dubbing.review import Changes, Refusal, Row, State
from octavia_dag.dubbing.review_changes import changes_of
from octavia_dag.schema import (
    Dropped,
    Line,
    Merged,
    Reassigned,
    Reworded,
    Split,
    TextEdit,
    TranslatedLine,
    Word,
)

SAID = (("L001", "A", 0.0, "one two three"), ("L002", "A", 4.0, "four five"), ("L003", "B", 7.0, "six seven"))


def line(name: str, speaker: str, start: float, text: str) -> Line:
    words = tuple(Word(start=start + n, end=start + n + 0.8, text=word) for n, word in enumerate(text.split()))
    return Line(id=name, speaker=speaker, start=start, end=start + len(words), text=text, words=words)


def translated(one: Line) -> TranslatedLine:
    text = f"pt {one.text}"
    return TranslatedLine(
        id=one.id, speaker=one.speaker, text=text, full_text=text, predicted_seconds=1.0, length_ratio=1.0
    )


LINES = [line(*said) for said in SAID]
STATE = State(
    lines=LINES,
    texts={one.id: translated(one) for one in LINES},
    edits={},
    speakers={"A", "B"},
    names={},
    voices={"A": "low", "B": "high"},
    choices={"low", "high", "other"},
    longest_s=12.0,
)


def rows(state: State = STATE) -> list[Row]:
    return [
        Row(
            number=number,
            line=one.id,
            speaker=state.called(one.speaker),
            start=f"{one.start}",
            end=f"{one.end}",
            original=one.text,
            translation=state.texts[one.id].text,
            voice=state.voices[one.speaker],
            locked="no",
            action="",
        )
        for number, one in enumerate(state.lines, 2)
    ]


def read(changed: dict[int, dict[str, str]], state: State = STATE) -> tuple[Changes, list[Refusal]]:
    """The table with some cells of some rows changed; rows are numbered from 0 here."""
    return changes_of([replace(row, **changed.get(n, {})) for n, row in enumerate(rows(state))], state)


def taken(changed: dict[int, dict[str, str]], state: State = STATE) -> Changes:
    changes, refused = read(changed, state)
    assert refused == []
    return changes


def test_a_table_that_comes_back_as_it_was_changes_nothing() -> None:
    assert taken({}) == Changes()


def test_times_may_be_written_as_a_spreadsheet_writes_them() -> None:
    assert taken({1: {"start": "4", "end": "6,000"}}) == Changes()


def test_a_changed_translation_is_kept_with_the_original_it_was_made_for() -> None:
    assert taken({0: {"translation": "um"}}).texts == {"L001": TextEdit(text="um", original="one two three")}


def test_a_changed_original_is_a_correction() -> None:
    assert taken({0: {"original": "one too three"}}).edits == (Reworded(line="L001", text="one too three"),)


def test_another_speaker_in_one_row_reassigns_it() -> None:
    changes = taken({0: {"speaker": "B"}})
    assert (changes.edits, changes.cast) == ((Reassigned(line="L001", speaker="B"),), {})


def test_a_speaker_is_also_found_by_name() -> None:
    assert taken({0: {"speaker": "Bea"}}, replace(STATE, names={"B": "Bea"})).edits == (
        Reassigned(line="L001", speaker="B"),
    )


def test_one_new_name_in_all_rows_of_a_speaker_renames_them() -> None:
    changes = taken({0: {"speaker": "Anna"}, 1: {"speaker": "Anna"}})
    assert (changes.names, changes.edits) == ({"A": "Anna"}, ())


def test_the_id_in_all_rows_of_a_named_speaker_takes_the_name_away() -> None:
    assert taken({2: {"speaker": "B"}}, replace(STATE, names={"B": "Bea"})).names == {"B": None}


def test_a_voice_in_one_row_is_the_speakers() -> None:
    assert taken({1: {"voice": "other"}}).cast == {"A": "other"}


def test_a_row_given_to_another_speaker_may_already_show_that_speakers_voice() -> None:
    assert taken({0: {"speaker": "B", "voice": "high"}}).cast == {}


def test_a_lock_keeps_the_translation_that_is_there() -> None:
    assert taken({2: {"locked": "yes"}}).texts == {
        "L003": TextEdit(text="pt six seven", original="six seven", locked=True, edited=False)
    }


def test_without_its_lock_a_line_that_nobody_worded_is_the_translators_again() -> None:
    locked = TextEdit(text="pt six seven", original="six seven", locked=True, edited=False)
    assert taken({2: {"locked": "no"}}, replace(STATE, edits={"L003": locked})).texts == {"L003": None}


def test_drop_leaves_the_line_out() -> None:
    assert taken({2: {"action": "drop"}}).edits == (Dropped(line="L003"),)


def test_a_split_keeps_both_halves_of_both_texts() -> None:
    changes = taken({0: {"action": "split", "original": "one | two three", "translation": "um | dois três"}})
    assert changes.edits == (Split(line="L001", at=1, word="two"),)
    assert changes.texts == {
        "L001": TextEdit(text="um", original="one"),
        "L001b": TextEdit(text="dois três", original="two three"),
    }


def test_a_split_may_correct_the_original_too() -> None:
    changes = taken({0: {"action": "split", "original": "one too | three", "translation": "um | três"}})
    assert changes.edits == (Reworded(line="L001", text="one too three"), Split(line="L001", at=2, word="three"))


def test_a_merge_of_what_the_translator_said_is_translated_anew() -> None:
    changes = taken({0: {"action": "merge"}})
    assert (changes.edits, changes.texts) == ((Merged(line="L001", other="L002"),), {})


def test_a_merge_keeps_what_a_person_worded() -> None:
    changes = taken({0: {"action": "merge", "translation": "um"}})
    assert changes.texts == {"L001": TextEdit(text="um pt four five", original="one two three four five")}


def test_merges_in_a_row_make_one_line() -> None:
    speakers = {2: {"speaker": "A", "voice": "low"}}
    changes = taken({0: {"action": "merge"}, 1: {"action": "merge"}, **speakers})
    assert [one for one in changes.edits if isinstance(one, Merged)] == [
        Merged(line="L002", other="L003"),
        Merged(line="L001", other="L002"),
    ]


REFUSED: tuple[tuple[str, dict[int, dict[str, str]], tuple[int, ...], str], ...] = (
    ("unknown line", {0: {"line": "L009"}}, (2,), "there is no line 'L009'"),
    ("two rows for a line", {0: {"line": "L002"}}, (2, 3), "line L002 has 2 rows"),
    ("start", {0: {"start": "0.5"}}, (2,), "times cannot be edited"),
    ("end that is no number", {0: {"end": "soon"}}, (2,), "end was changed from 3.0 to 'soon'"),
    ("locked", {0: {"locked": "perhaps"}}, (2,), "write yes or no"),
    ("action", {0: {"action": "delete"}}, (2,), "write drop, merge, split or nothing"),
    ("empty translation", {0: {"translation": ""}}, (2,), "translation has no words"),
    ("empty original", {0: {"original": "..."}}, (2,), "original has no words"),
    ("one new name in one row", {0: {"speaker": "Anna"}}, (2,), "there is no speaker 'Anna'"),
    ("two new names", {0: {"speaker": "Anna"}, 1: {"speaker": "Ann"}}, (2, 3), "there is no speaker"),
    (
        "one name for two",
        {0: {"speaker": "X"}, 1: {"speaker": "X"}, 2: {"speaker": "X"}},
        (2, 3, 4),
        "two speakers cannot both be called 'X'",
    ),
    ("unknown voice", {0: {"voice": "loud"}}, (2,), "there is no voice 'loud'"),
    ("two voices", {0: {"voice": "high"}, 1: {"voice": "other"}}, (2, 3), "is given the voices 'high' and 'other'"),
    ("merge of the last", {2: {"action": "merge"}}, (4,), "nothing to merge with"),
    ("merge of two speakers", {1: {"action": "merge"}}, (3, 4), "another speaker says"),
    ("merge with a drop", {0: {"action": "merge"}, 1: {"action": "drop"}}, (2, 3), "which has the action drop"),
    ("split without a cut", {0: {"action": "split"}}, (2,), "original has 0 cuts"),
    (
        "split with two cuts",
        {0: {"action": "split", "original": "one | two | three", "translation": "um | dois"}},
        (2,),
        "original has 2 cuts",
    ),
    (
        "cut that leaves nothing",
        {0: {"action": "split", "original": "one | two three", "translation": "um | ."}},
        (2,),
        "no words on one side",
    ),
    ("cut without a split", {0: {"translation": "um | dois"}}, (2,), "the action is not split"),
    ("nothing left", {n: {"action": "drop"} for n in range(3)}, (2, 3, 4), "every line would be dropped"),
)


@pytest.mark.parametrize(
    ("changed", "numbers", "reason"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED]
)
def test_is_refused_by_row(changed: dict[int, dict[str, str]], numbers: tuple[int, ...], reason: str) -> None:
    _, refused = read(changed)
    assert {one.row for one in refused} == set(numbers)
    assert any(reason in one.reason for one in refused)


def test_a_merge_longer_than_a_line_may_be_is_refused() -> None:
    _, refused = read({0: {"action": "merge"}}, replace(STATE, longest_s=5.0))
    assert "would last 6.0 s, more than a line may (5 s)" in refused[0].reason


def test_all_refusals_are_told_at_once_and_the_good_rows_stand() -> None:
    changes, refused = read({0: {"start": "9", "voice": "loud"}, 1: {"action": "?"}, 2: {"translation": "seis"}})
    assert [one.row for one in refused] == [2, 3]
    assert changes.texts == {"L003": TextEdit(text="seis", original="six seven")}


def test_a_refused_row_takes_no_part_in_a_merge() -> None:
    changes, refused = read({0: {"action": "merge"}, 1: {"end": "0"}})
    assert ({one.row for one in refused}, changes) == ({2, 3}, Changes())


def test_a_line_without_words_cannot_be_split() -> None:
    state = replace(STATE, lines=[line.model_copy(update={"words": ()}) for line in LINES])
    _, refused = read({0: {"action": "split", "original": "one | two three", "translation": "um | dois"}}, state)
    assert refused == [Refusal(2, "no word of the original begins at the cut")]


def test_a_person_s_wording_stays_when_the_original_alone_is_corrected() -> None:
    state = replace(STATE, edits={"L001": TextEdit(text="pt one two three", original="one two three")})
    changes, refused = read({0: {"original": "one two four"}}, state)
    assert refused == []
    assert changes.texts == {"L001": TextEdit(text="pt one two three", original="one two four")}


def test_a_name_in_some_of_a_speaker_s_rows_is_no_name_when_the_others_are_refused() -> None:
    changes, refused = read({0: {"speaker": "Ana"}, 1: {"start": "99"}})
    assert changes.names == {}
    assert {one.row for one in refused} == {2, 3}
