"""The meters are checked against sounds and spans whose figures are known by construction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavia_dag.dubbing import meters
from octavia_dag.schema import Span

RATE = 16000


def _noise(seconds: float, rate: int = 16000, seed: int = 1) -> meters.Samples:
    return np.random.default_rng(seed).normal(0, 0.1, (int(seconds * rate), 2)).astype(np.float32)


def test_iou_of_half_shifted_spans_is_a_third() -> None:
    one, other = [Span(start=0, end=2)], [Span(start=1, end=3)]
    assert meters.intersection_over_union(one, other, 4.0) == pytest.approx(1 / 3, abs=0.01)


def test_iou_of_two_silences_is_not_a_number() -> None:
    assert meters.intersection_over_union([], [], 4.0) is None


def test_a_bed_half_a_decibel_lower_in_gaps_is_measured_as_that() -> None:
    meter = meters.GapMeter(np.ones(200, dtype=np.bool_), 16000)
    sound = _noise(2.0)
    for start in range(0, len(sound), 5000):
        block = sound[start : start + 5000]
        meter.add(block, (block * 10 ** (-0.5 / 20)).astype(np.float32))
    assert meter.figures().level_change_db == pytest.approx(-0.5, abs=0.01)
    assert meter.figures().correlation == pytest.approx(1.0, abs=1e-4)


def test_another_sound_in_the_gaps_is_uncorrelated() -> None:
    meter = meters.GapMeter(np.ones(200, dtype=np.bool_), 16000)
    meter.add(_noise(2.0), _noise(2.0, seed=2))
    assert meter.figures().correlation == pytest.approx(0.0, abs=0.05)


def test_only_gaps_are_compared() -> None:
    quiet = meters.quiet_mask([Span(start=0, end=1)], 2.0, before_s=0, after_s=0)
    meter = meters.GapMeter(quiet, 16000)
    sound = _noise(2.0)
    dub = sound.copy()
    dub[:16000] = 0
    meter.add(sound, dub)
    assert meter.figures().level_change_db == pytest.approx(0.0, abs=0.01)
    assert meter.figures().seconds == pytest.approx(1.0, abs=0.02)


def test_recovered_words_count_in_order() -> None:
    assert meters.recovered_share(["a", "b", "c", "d"], ["x", "b", "d"]) == pytest.approx(0.5)


def test_nothing_heard_recovers_nothing() -> None:
    assert meters.recovered_share(["a"], []) == 0.0


def _compared(source: meters.Samples, dub: meters.Samples) -> meters.GapMeter:
    meter = meters.GapMeter(np.ones(round(len(source) / 160), dtype=np.bool_), RATE)
    meter.add(source, dub)
    return meter


def test_a_wide_bed_made_mono_loses_all_its_width() -> None:
    wide = _noise(2.0)
    mono = np.repeat(wide.mean(axis=1, keepdims=True), 2, axis=1)
    change = _compared(wide, mono).figures().width_change_db
    assert change is not None
    assert change < -60.0


def test_a_softer_bed_is_as_wide() -> None:
    wide = _noise(2.0)
    assert _compared(wide, wide * np.float32(0.5)).figures().width_change_db == pytest.approx(0.0, abs=0.01)


def test_width_is_the_share_of_the_difference_between_channels() -> None:
    middle, side = _noise(2.0)[:, :1], _noise(2.0, seed=2)[:, :1]
    wide, narrower = (np.hstack([middle + part, middle - part]) for part in (side, side * 0.5))
    change = _compared(wide, narrower).figures().width_change_db
    assert change == pytest.approx(10 * np.log10((0.25 / 1.25) / 0.5), abs=0.1)


def test_a_mono_bed_has_no_width_to_lose() -> None:
    mono = np.repeat(_noise(2.0)[:, :1], 2, axis=1)
    assert _compared(mono, mono).figures().narrow


def test_a_bed_that_is_gone_has_no_level() -> None:
    assert _compared(_noise(2.0), np.zeros((32000, 2), np.float32)).figures().level_change_db is None


@given(gains=st.tuples(*[st.floats(-2.0, 2.0)] * 3))
def test_the_makeup_of_a_sum_is_what_it_was_summed_with(gains: tuple[float, float, float]) -> None:
    parts = [_noise(0.2, seed=seed) for seed in (1, 2, 3)]
    scaled = [gain * part for gain, part in zip(gains, parts, strict=True)]
    whole = np.sum([*scaled, 0.1 * _noise(0.2, seed=4)], axis=0)
    meter = meters.MakeupMeter()
    for start in range(0, len(parts[0]), 1000):
        meter.add(*(np.asarray(one[start : start + 1000], np.float32) for one in (whole, *parts)))
    found = meter.figures()
    assert [found.speech, found.bed, found.voice] == pytest.approx(gains, abs=0.02)


def test_a_sound_that_is_silent_has_no_gain_and_the_others_keep_theirs() -> None:
    speech, silence, voice = _noise(1.0), np.zeros((RATE, 2), np.float32), _noise(1.0, seed=3)
    meter = meters.MakeupMeter()
    meter.add(speech, speech, silence, voice)
    found = meter.figures()
    assert found.bed is None
    assert (found.speech, found.voice) == pytest.approx((1.0, 0.0), abs=1e-3)


def _line(seconds: float = 2.0) -> meters.Samples:
    """A hum that swells and falls five times a second, as syllables do."""
    t = np.arange(round(seconds * RATE)) / RATE
    return (np.sin(2 * np.pi * 150 * t) * np.sin(2 * np.pi * 2.5 * t) ** 2 * 0.3).astype(np.float32)


def _in_file(line: meters.Samples, *, at: int = 8000) -> meters.Samples:
    sound = np.random.default_rng(5).normal(0, 0.02, RATE * 4).astype(np.float32)
    sound[at : at + len(line)] += line
    return sound


def test_a_line_that_is_there_is_found_whole() -> None:
    line = _line()
    assert meters.shares_found(_in_file(line * np.float32(0.5)), line, 8000, RATE, 0.5)[0] == 1.0


def test_half_of_a_line_is_found_as_half() -> None:
    line = _line()
    cut = line.copy()
    cut[RATE:] = 0
    assert meters.shares_found(_in_file(cut), line, 8000, RATE, 1.0)[0] == pytest.approx(0.5, abs=0.06)


def test_a_line_a_millisecond_off_is_found() -> None:
    line = _line()
    assert meters.shares_found(_in_file(line, at=8016), line, 8000, RATE, 1.0)[0] == 1.0


def test_a_line_a_third_of_a_second_off_is_not_found() -> None:
    line = _noise(2.0)[:, 0]
    share, _ = meters.shares_found(_in_file(line, at=8000 + 5333), line, 8000, RATE, 1.0)
    assert share is not None
    assert share < 0.1


def test_another_voice_in_its_place_is_not_the_line() -> None:
    line, other = _noise(2.0)[:, 0], _noise(2.0, seed=9)[:, 0]
    share, _ = meters.shares_found(_in_file(other), line, 8000, RATE, 1.0)
    assert share is not None
    assert share < 0.1


def test_another_voice_over_it_does_not_hide_it() -> None:
    line, other = _noise(2.0)[:, 0], _noise(2.0, seed=9)[:, 0]
    assert meters.shares_found(_in_file(line + other), line, 8000, RATE, 1.0)[0] == 1.0


def test_a_line_of_silence_is_neither_there_nor_not() -> None:
    assert meters.shares_found(_in_file(_line()), np.zeros(RATE, np.float32), 8000, RATE, 1.0)[0] is None


@pytest.mark.parametrize("at", [-RATE, 0, 4 * RATE - 100, 5 * RATE])
def test_a_line_beyond_the_ends_of_the_sound_is_looked_for_all_the_same(at: int) -> None:
    assert meters.shares_found(np.zeros(4 * RATE, np.float32), _line(), at, RATE, 1.0)[0] == 0.0


def test_a_line_whose_end_is_cut_is_seen_by_its_end() -> None:
    line = _line()
    cut = line.copy()
    cut[-round(0.08 * len(line)) :] = 0
    share, end = meters.shares_found(_in_file(cut), line, 8000, RATE, 1.0)
    assert share is not None
    assert end is not None
    assert share > 0.9
    assert end < 0.5
    assert meters.shares_found(_in_file(line), line, 8000, RATE, 1.0)[1] == 1.0


@pytest.mark.parametrize(
    ("other", "alone"), [((0.0, 1.4), True), ((0.0, 1.6), False), ((1.9, 3.0), False), ((2.0, 3.0), True)]
)
def test_the_end_of_a_line_is_judged_where_nobody_else_speaks(other: tuple[float, float], alone: bool) -> None:
    line = Span(start=1.0, end=2.0)
    assert meters.ends_alone(line, [line, Span(start=other[0], end=other[1])]) == alone
