"""At risk: a sentence over two lines that is cut at the wrong word, so that a person says another's half."""

from octavia_dag.dubbing.continuation import joined_groups, split_like
from octavia_dag.schema import Line


def line(text: str, start: float, speaker: str = "A") -> Line:
    return Line(id=f"l{start}", speaker=speaker, start=start, end=start + 1, text=text)


def test_lines_that_end_in_a_comma_belong_to_the_next_of_the_same_person() -> None:
    lines = [line("And so,", 0), line("ask not,", 2), line("ask what.", 4), line("Yes.", 6)]
    assert joined_groups(lines) == [[0, 1, 2]]


def test_another_person_or_a_long_pause_ends_the_sentence() -> None:
    assert joined_groups([line("And so,", 0), line("ask not.", 2, "B")]) == []
    assert joined_groups([line("And so,", 0), line("ask not.", 9)]) == []


def test_a_line_that_breaks_off_without_a_mark_stays_on_its_own() -> None:
    assert joined_groups([line("we went to the big", 0), line("house in town.", 2)]) == []


def test_a_translation_is_cut_at_the_marks_of_its_original() -> None:
    assert split_like("E assim, não perguntem.", ["And so,", "ask not."]) == ["E assim,", "não perguntem."]
    assert split_like("Sim. E assim, não.", ["Yes. And so,", "not this."]) == ["Sim. E assim,", "não."]


def test_a_translation_with_other_marks_is_not_cut() -> None:
    assert split_like("E assim não perguntem.", ["And so,", "ask not."]) is None
    assert split_like("E, assim, não perguntem.", ["And so,", "ask not."]) is None


def test_very_uneven_parts_are_not_trusted() -> None:
    assert split_like("E, não perguntem o que podem fazer.", ["And so my fellow Americans,", "ask not."]) is None


def test_marks_inside_numbers_are_no_places_to_cut() -> None:
    assert split_like("São 3,5 metros, certo.", ["It is 3.5 metres,", "right."]) == ["São 3,5 metros,", "certo."]
