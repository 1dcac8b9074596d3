"""At risk: a correction that lands on another line, because the lines were numbered anew."""

from hypothesis import given
from hypothesis import strategies as st

from octavia_dag.dubbing.line_ids import ids_of, named
from octavia_dag.schema import KnownSpan, Line, LineIds, Span

LENGTHS = st.lists(st.tuples(st.floats(0.5, 12.0), st.floats(0.0, 3.0)), min_size=1, max_size=12)


def spans_of(lengths: list[tuple[float, float]]) -> list[Span]:
    spans: list[Span] = []
    now = 3.0
    for length, pause in lengths:
        spans.append(Span(start=now, end=now + length))
        now += length + pause
    return spans


def known_as(spans: list[Span]) -> list[KnownSpan]:
    ids = ids_of(spans, [])
    return [KnownSpan(id=one, start=span.start, end=span.end) for one, span in zip(ids, spans, strict=True)]


def line(start: float, end: float) -> Line:
    return Line(id="?", speaker="A", start=start, end=end, text="Yes.")


def test_lines_of_a_new_video_are_numbered_in_order() -> None:
    assert ids_of(spans_of([(1, 0), (2, 0), (3, 0)]), []) == ["L001", "L002", "L003"]


@given(LENGTHS, st.data())
def test_lines_that_move_by_less_than_a_fifth_keep_their_ids(
    lengths: list[tuple[float, float]], data: st.DataObject
) -> None:
    spans = spans_of(lengths)
    parts = [data.draw(st.floats(-0.19, 0.19)) for _ in spans]
    moved = [
        Span(start=span.start + part * span.seconds, end=span.end + part * span.seconds)
        for span, part in zip(spans, parts, strict=True)
    ]
    assert ids_of(moved, known_as(spans)) == ids_of(spans, [])


@given(LENGTHS, st.data())
def test_a_new_line_takes_no_other_lines_id(lengths: list[tuple[float, float]], data: st.DataObject) -> None:
    spans = spans_of(lengths)
    place = data.draw(st.integers(0, len(spans) - 1))
    without = [*spans[:place], *spans[place + 1 :]]
    found = ids_of(spans, known_as(without))
    assert [*found[:place], *found[place + 1 :]] == ids_of(without, [])
    assert found[place] == f"L{len(spans):03d}"


@given(LENGTHS)
def test_no_id_is_given_twice(lengths: list[tuple[float, float]]) -> None:
    spans = spans_of(lengths)
    found = ids_of([*spans, *spans], known_as(spans))
    assert len(set(found)) == len(found)


def test_the_exact_stretch_counts_more_than_a_similar_one() -> None:
    known = [KnownSpan(id="L007", start=0, end=5), KnownSpan(id="L002", start=0, end=4.9)]
    assert ids_of([Span(start=0, end=4.9), Span(start=0, end=5)], known) == ["L002", "L007"]


def test_lines_that_are_made_another_way_and_back_have_their_ids_again() -> None:
    whole, parts = [line(0, 5)], [line(0, 2), line(2, 5)]
    first, known = named(whole, LineIds())
    _, known = named(parts, known)
    again, after = named(whole, known)
    assert [one.id for one in again] == [one.id for one in first]
    assert after == known
