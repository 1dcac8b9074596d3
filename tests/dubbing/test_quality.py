"""What was measured is judged: by its limit, and never passed over where it could not be computed."""

import numpy as np
import pytest

from octavia_dag.dubbing import meters, quality
from octavia_dag.dubbing.figures import Gaps, LinePresence, Makeup, VoiceFigures
from octavia_dag.schema import Measure
from octavia_dag.thresholds import Checks

LIMITS = Checks()
QUIET = Gaps(
    seconds=2.0,
    silent=False,
    level_change_db=0.1,
    level_dbfs=-30.0,
    correlation=0.99,
    width_change_db=0.2,
    narrow=False,
)
VOICES = VoiceFigures(nearest=0.5, pair="A and B", compared=4, strays=(), judged=2, other_class=(), likeness=0.4)


def _by_name(found: list[Measure]) -> dict[str, Measure]:
    return {one.name: one for one in found}


def test_a_measure_without_a_value_is_broken() -> None:
    assert not quality.at_most("x", None, 1.0, "").ok
    assert not quality.measure("x", None, "", "", ok=True).ok


def test_gaps_like_the_sources_hold() -> None:
    assert all(one.ok for one in quality.gaps(QUIET, 1.0, LIMITS))


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ({"level_change_db": -3.0}, quality.GAP_LEVEL),
        ({"level_change_db": None}, quality.GAP_LEVEL),
        ({"correlation": 0.9}, quality.GAP_LIKENESS),
        ({"width_change_db": -60.0}, quality.GAP_WIDTH),
    ],
)
def test_gaps_that_are_not_the_sources_break_their_promise_alone(change: dict[str, float | None], broken: str) -> None:
    found = quality.gaps(QUIET.model_copy(update=change), 1.0, LIMITS)
    assert [one.name for one in found if not one.ok] == [broken]


@pytest.mark.parametrize(("level_dbfs", "broken"), [(-120.0, set[str]()), (-15.0, {quality.GAP_SOUND})])
def test_gaps_that_are_silent_in_the_source_are_silent_in_the_dub(level_dbfs: float, broken: set[str]) -> None:
    found = quality.gaps(Gaps(seconds=2.0, silent=True, level_dbfs=level_dbfs), None, LIMITS)
    assert {one.name for one in found if not one.ok} == broken
    applies = {one.name for one in found if one.limit != "does not apply"}
    assert applies == {quality.GAP_SOUND}


def test_a_bed_that_is_mono_in_the_source_may_be_mono() -> None:
    found = _by_name(quality.gaps(QUIET.model_copy(update={"narrow": True, "width_change_db": None}), 1.0, LIMITS))
    assert found[quality.GAP_WIDTH].ok


@pytest.mark.parametrize(("gain", "holds"), [(1.0, True), (0.7, False), (-1.0, False)])
def test_where_somebody_speaks_all_the_time_the_bed_is_judged_under_speech(gain: float, holds: bool) -> None:
    found = _by_name(quality.gaps(QUIET.model_copy(update={"seconds": 0.1}), gain, LIMITS))
    assert found[quality.GAP_LEVEL].ok == holds
    assert "under speech" in found[quality.GAP_LEVEL].note


@pytest.mark.parametrize(("gain", "holds"), [(0.0, True), (0.05, True), (0.5, False), (-0.5, False)])
def test_an_original_voice_in_the_dub_breaks_its_promise(gain: float, holds: bool) -> None:
    assert quality.voice_left(Makeup(speech=1, bed=1, voice=gain), LIMITS.voice_in_dub_db).ok == holds
    late = Makeup(speech=1, bed=1, voice=0.0, echo=abs(gain))
    assert quality.voice_left(late, LIMITS.voice_in_dub_db).ok == holds


@pytest.mark.parametrize(("found", "same", "holds"), [(2, True, True), (2, False, False), (1, True, False)])
def test_the_original_tracks_are_there_and_are_the_source_s(found: int, same: bool, holds: bool) -> None:
    assert quality.tracks(found, 2, same).ok == holds


def test_two_speakers_with_one_voice_are_told() -> None:
    voice = np.array([1.0, 0.0], np.float32)
    nearest, pair = meters.nearest_pair({"A": voice, "B": voice})
    found = _by_name(quality.voices(VOICES.model_copy(update={"nearest": nearest, "pair": pair}), LIMITS))
    assert not found[quality.APART].ok
    assert "A and B" in found[quality.APART].note


def test_a_line_in_the_other_speakers_voice_is_named() -> None:
    means = {"A": np.array([1.0, 0.0], np.float32), "B": np.array([0.0, 1.0], np.float32)}
    compared, strays = meters.strays(means, [("L001", "A", means["A"]), ("L002", "A", means["B"])])
    found = _by_name(quality.voices(VOICES.model_copy(update={"compared": compared, "strays": strays}), LIMITS))
    assert (found[quality.OWN_LINES].value, found[quality.OWN_LINES].ok) == (0.5, False)
    assert "L002" in found[quality.OWN_LINES].note


@pytest.mark.parametrize(
    ("spoken", "shared", "holds"),
    [
        ([("A", "v1"), ("B", "v2"), ("A", "v1")], 0, True),
        ([("A", "v1"), ("B", "v1")], 0, False),
        ([("A", "v1"), ("B", "v1")], 1, True),
        ([("A", "v1"), ("A", "v2"), ("B", "v2")], 0, False),
    ],
)
def test_everybody_has_one_voice_of_their_own(spoken: list[tuple[str, str]], shared: int, holds: bool) -> None:
    assert quality.own_voices(spoken, 2, shared).ok == holds


def test_one_fast_line_of_six_is_allowed_and_two_are_not() -> None:
    one_fast = quality.rates([1.0] * 5 + [1.25], 1.2, 1.3, 0.1)
    two_fast = quality.rates([1.0] * 4 + [1.25] * 2, 1.2, 1.3, 0.1)
    assert one_fast[0].ok
    assert not two_fast[0].ok
    assert quality.rates([1.0] * 4 + [1.25] * 2, 1.2, 1.3, 0.4)[0].ok


def test_a_line_of_which_half_is_in_the_file_is_cut() -> None:
    found = quality.lines_in_file([LinePresence(id="L1", share=1.0), LinePresence(id="L2", share=0.5)], 0.9, 0.5)
    assert (found.value, found.ok, found.note) == (0.5, False, "L2")


def test_a_line_whose_end_is_not_in_the_file_is_cut() -> None:
    lines = [LinePresence(id="L1", share=1.0, end=1.0), LinePresence(id="L2", share=0.95, end=0.1)]
    found = quality.lines_in_file(lines, 0.9, 0.5)
    assert (found.value, found.ok, found.note) == (0.1, False, "the end of L2")
    assert quality.lines_in_file(lines, 0.9, 0.1).ok


def test_a_silent_line_cannot_be_found_in_the_file() -> None:
    found = quality.lines_in_file([LinePresence(id="L1", share=1.0), LinePresence(id="L2", share=None)], 0.0, 0.0)
    assert (found.value, found.ok) == (None, False)


def test_a_line_in_which_nothing_is_heard_is_empty_and_one_in_which_half_is_heard_is_cut() -> None:
    empty, words = quality.words_heard([("L1", 6, 6), ("L2", 2, 0), ("L3", 8, 4)], 0, 0.6)
    assert (empty.value, empty.ok, empty.note) == (1.0, False, "L2")
    assert (words.value, words.ok, words.note) == (0.5, False, "L3")


def test_more_words_than_were_said_do_not_make_up_for_a_cut_line() -> None:
    _, words = quality.words_heard([("L1", 5, 15), ("L2", 5, 1)], 0, 0.6)
    assert words.value == pytest.approx(0.2)


@pytest.mark.parametrize(("heard", "ok"), [(("pt", 0.6), True), (("en", 0.99), False), (None, False)])
def test_the_language_is_the_one_that_is_heard(heard: tuple[str, float] | None, ok: bool) -> None:
    assert quality.language(heard, "pt-BR").ok == ok


def test_without_music_a_bed_that_is_left_breaks_the_promise_of_silence() -> None:
    silence = _by_name(quality.gaps_without_music(QUIET.model_copy(update={"level_dbfs": -60.0}), -70.0))
    assert not silence[quality.GAP_SOUND].ok


def test_without_music_digital_silence_holds() -> None:
    silence = _by_name(quality.gaps_without_music(QUIET.model_copy(update={"level_dbfs": -120.0}), -70.0))
    assert silence[quality.GAP_SOUND].ok


def test_without_music_the_beds_promises_say_why_they_do_not_apply() -> None:
    measures = [*quality.gaps_without_music(QUIET, -70.0)[:3], *quality.no_bed()]
    assert {(one.value, one.note) for one in measures} == {(None, quality.MUSIC_OFF)}
