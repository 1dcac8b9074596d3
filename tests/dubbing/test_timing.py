"""At risk: a line cut, a line too fast, two people talking over each other, lateness that never ends."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavia_dag.dubbing.timing import fit, place, rooms, voiced_seconds
from octavia_dag.schema import Line, PlacedLine, SpokenLine, Word
from octavia_dag.settings import Sync

SYNC = Sync()
MS = 0.0021  # starts and ends are rounded to a millisecond each


def line(name: str, start: float, end: float, speaker: str = "A") -> Line:
    return Line(id=name, speaker=speaker, start=start, end=end, text=name)


def spoken(original: Line, seconds: float, rate: float = 1.0) -> SpokenLine:
    return SpokenLine(
        id=original.id,
        speaker=original.speaker,
        text="",
        voice="v",
        sound="",
        key="",
        seconds=seconds,
        natural_seconds=seconds,
        room_seconds=1,
        rate=rate,
    )


def placed(pairs: list[tuple[Line, float]], programme_s: float = 1000.0) -> list[PlacedLine]:
    return place([spoken(*pair) for pair in pairs], [original for original, _ in pairs], SYNC, programme_s)


@st.composite
def programmes(draw: st.DrawFn) -> list[tuple[Line, float]]:
    """Lines of up to three people with the lengths of their dubs; some overlap, some leave silence."""
    at, pairs = 0.0, list[tuple[Line, float]]()
    for number in range(draw(st.integers(1, 12))):
        at = max(0.0, at + draw(st.floats(-1.0, 3.0)))
        length = draw(st.floats(0.2, 6.0))
        who = draw(st.sampled_from("ABC"))
        own = [one.end for one, _ in pairs if one.speaker == who]
        start = max([at, *own])  # nobody talks over themselves
        pairs.append((line(f"{number:02d}", start, start + length, who), draw(st.floats(0.2, 9.0))))
        at = start + length
    return pairs


def overlap(a: PlacedLine | Line, b: PlacedLine | Line) -> float:
    return min(a.end, b.end) - max(a.start, b.start)


@given(st.floats(0.2, 20), st.floats(0.2, 12), st.floats(0.1, 30))
def test_a_fit_is_never_faster_than_the_cap_and_fits_its_room_where_it_says_so(
    natural: float, original: float, room: float
) -> None:
    found = fit(natural, original, room, SYNC)
    assert 0.85 <= found.rate <= 1.3
    assert found.seconds == pytest.approx(natural / found.rate)
    assert found.fits == (found.seconds <= room + 1e-6)


@pytest.mark.parametrize(
    ("natural", "original", "room", "rate", "why"),
    [
        (2.0, 2.0, 3.0, 1.0, "as long as the original: natural"),
        (2.1, 2.0, 3.0, 1.05, "a little longer: unheard speed, ends with the original"),
        (2.6, 2.0, 3.0, 1.1, "longer: the silence behind before more speed"),
        (3.6, 2.0, 3.0, 1.2, "longer than silence allows: speed"),
        (6.0, 2.0, 3.0, 1.3, "longer than speed allows: the cap"),
        (1.9, 2.0, 3.0, 0.95, "a little shorter: slower, ends with the original"),
        (1.0, 2.0, 3.0, 0.85, "much shorter: no slower than the limit"),
    ],
)
def test_the_cheapest_way_to_fit_is_taken_first(
    natural: float, original: float, room: float, rate: float, why: str
) -> None:
    assert fit(natural, original, room, SYNC).rate == pytest.approx(rate), why


def test_room_ends_a_guard_before_the_next_line_whoever_speaks_it() -> None:
    lines = [line("1", 0, 2), line("2", 3, 4, "B"), line("3", 5, 6, "B")]
    assert rooms(lines, SYNC, 10.0) == pytest.approx({"1": 2.95, "2": 1.95, "3": 5.0})


def test_the_originals_own_time_is_room_even_where_the_next_line_follows_at_once() -> None:
    assert rooms([line("1", 0, 2), line("2", 2.01, 4)], SYNC, 10.0)["1"] == pytest.approx(2.0)


def test_somebody_interjecting_does_not_end_a_lines_room() -> None:
    lines = [line("1", 0, 5), line("2", 2, 3, "B"), line("3", 8, 9)]
    assert rooms(lines, SYNC, 10.0)["1"] == pytest.approx(7.95)


def test_somebody_who_speaks_on_after_an_overlap_holds_the_line_to_its_own_time() -> None:
    assert rooms([line("1", 0, 5), line("2", 4, 8, "B")], SYNC, 10.0)["1"] == pytest.approx(5.0)


@given(programmes())
def test_no_line_is_cut_and_none_is_early_or_out_of_order(pairs: list[tuple[Line, float]]) -> None:
    found = placed(pairs)
    lengths = {original.id: seconds for original, seconds in pairs}
    starts = {original.id: original.start for original, _ in pairs}
    assert [one.id for one in found] == sorted(lengths, key=lambda name: starts[name])
    for one in found:
        assert one.seconds == pytest.approx(lengths[one.id], abs=MS)
        assert one.lateness_s >= 0
        assert one.start == pytest.approx(starts[one.id] + one.lateness_s, abs=MS)
    assert all(a.start <= b.start for a, b in pairwise(found))


@given(programmes())
def test_dubs_overlap_only_where_their_originals_did(pairs: list[tuple[Line, float]]) -> None:
    found = placed(pairs)
    known = {original.id: original for original, _ in pairs}
    for place_, one in enumerate(found):
        for other in found[place_ + 1 :]:
            a, b = known[one.id], known[other.id]
            if overlap(a, b) <= 0 or a.speaker == b.speaker:
                assert overlap(one, other) <= MS
            elif b.end > a.end:
                assert overlap(one, other) <= overlap(a, b) + MS


@given(programmes())
def test_lateness_is_made_up_for_in_the_silence_that_follows(pairs: list[tuple[Line, float]]) -> None:
    last = max(original.end for original, _ in pairs)
    all_of_it = sum(seconds for _, seconds in pairs)
    after = line("99", last + all_of_it + 5.0, last + all_of_it + 6.0)
    assert placed([*pairs, (after, 1.0)])[-1].lateness_s == 0


@given(programmes())
def test_lines_that_fit_their_rooms_are_never_late(pairs: list[tuple[Line, float]]) -> None:
    room = rooms([original for original, _ in pairs], SYNC, 1000.0)
    found = placed([(original, max(0.01, min(seconds, room[original.id]))) for original, seconds in pairs])
    assert max(one.lateness_s for one in found) <= MS


def test_a_late_line_says_so() -> None:
    found = placed([(line("1", 0, 2), 3.0), (line("2", 2.5, 4, "B"), 1.0)])
    assert found[1].start == pytest.approx(3.05)
    assert found[1].lateness_s == pytest.approx(0.55)
    assert "0.55 s late" in found[1].flags[0]


@given(programmes())
def test_nothing_runs_over_the_end_of_the_programme(pairs: list[tuple[Line, float]]) -> None:
    shortest = sum(seconds for _, seconds in pairs) + 0.05 * len(pairs)
    end = max(shortest, *(original.end for original, _ in pairs))
    found = placed(pairs, end + 0.01)
    assert max(one.end for one in found) <= end + 0.01 + MS
    assert min(one.start for one in found) >= 0


def test_pauses_of_the_original_are_not_time_to_fill_with_speech() -> None:
    words = (Word(start=0, end=1, text="a"), Word(start=1.2, end=2, text="b"), Word(start=2.6, end=4, text="c"))
    original = Line(id="1", speaker="A", start=0, end=4, text="a b c", words=words)
    assert voiced_seconds(original) == pytest.approx(4 - 0.6 + 0.15)
