"""The measures are checked against sounds and spans whose figures are known by construction."""

import numpy as np
import pytest

from octavia_dag.dubbing import quality
from octavia_dag.schema import Measure, Span


def _noise(seconds: float, rate: int = 16000, seed: int = 1) -> quality.Samples:
    return np.random.default_rng(seed).normal(0, 0.1, (int(seconds * rate), 2)).astype(np.float32)


def test_iou_of_half_shifted_spans_is_a_third() -> None:
    one, other = [Span(start=0, end=2)], [Span(start=1, end=3)]
    assert quality.intersection_over_union(one, other, 4.0) == pytest.approx(1 / 3, abs=0.01)


def test_iou_of_two_silences_is_not_a_number() -> None:
    assert quality.intersection_over_union([], [], 4.0) is None


def test_a_bed_half_a_decibel_lower_in_gaps_is_measured_as_that() -> None:
    meter = quality.GapMeter(np.ones(200, dtype=np.bool_), 16000)
    sound = _noise(2.0)
    for start in range(0, len(sound), 5000):
        block = sound[start : start + 5000]
        meter.add(block, (block * 10 ** (-0.5 / 20)).astype(np.float32))
    assert meter.level_change_db == pytest.approx(-0.5, abs=0.01)
    assert meter.correlation == pytest.approx(1.0, abs=1e-4)


def test_another_sound_in_the_gaps_is_uncorrelated() -> None:
    meter = quality.GapMeter(np.ones(200, dtype=np.bool_), 16000)
    meter.add(_noise(2.0), _noise(2.0, seed=2))
    assert abs(meter.correlation) < 0.05


def test_only_gaps_are_compared() -> None:
    quiet = quality.quiet_mask([Span(start=0, end=1)], 2.0, before_s=0, after_s=0)
    meter = quality.GapMeter(quiet, 16000)
    sound = _noise(2.0)
    dub = sound.copy()
    dub[:16000] = 0
    meter.add(sound, dub)
    assert meter.level_change_db == pytest.approx(0.0, abs=0.01)
    assert meter.seconds == pytest.approx(1.0, abs=0.02)


def test_gaps_without_a_bed_do_not_apply() -> None:
    meter = quality.GapMeter(np.ones(100, dtype=np.bool_), 16000)
    meter.add(np.zeros((16000, 1), np.float32), np.zeros((16000, 1), np.float32))
    assert [one.limit for one in quality.gaps(meter)] == ["does not apply"] * 2


def test_recovered_words_count_in_order() -> None:
    assert quality.recovered_share(["a", "b", "c", "d"], ["x", "b", "d"]) == pytest.approx(0.5)


def test_nothing_heard_recovers_nothing() -> None:
    assert quality.recovered_share(["a"], []) == 0.0


def test_a_measure_without_a_value_is_broken() -> None:
    assert not quality.at_most("x", None, 1.0, "").ok
    assert not quality.measure("x", None, "", "", ok=True).ok


def test_two_speakers_with_one_voice_are_told() -> None:
    voice = np.array([1.0, 0.0], np.float32)
    assert not quality.voices_apart({"A": voice, "B": voice}).ok


def test_a_line_in_the_other_speakers_voice_is_named() -> None:
    means = {"A": np.array([1.0, 0.0], np.float32), "B": np.array([0.0, 1.0], np.float32)}
    found = quality.lines_own(means, [("L001", "A", means["A"]), ("L002", "A", means["B"])])
    assert not found.ok
    assert "L002" in found.note


def test_one_fast_line_of_six_is_allowed_and_two_are_not() -> None:
    one_fast = quality.rates([1.0] * 5 + [1.25], 1.2, 1.3)
    two_fast = quality.rates([1.0] * 4 + [1.25] * 2, 1.2, 1.3)
    assert one_fast[0].ok
    assert not two_fast[0].ok


def _gaps_of(source: quality.Samples, dub: quality.Samples) -> list[Measure]:
    meter = quality.GapMeter(np.ones(200, dtype=np.bool_), 16000)
    meter.add(source, dub)
    return quality.gaps_without_music(meter)


def test_without_music_a_bed_that_is_left_breaks_the_promise_of_silence() -> None:
    silence = _gaps_of(_noise(2.0), (_noise(2.0) * 0.01).astype(np.float32))[-1]
    assert (silence.name, silence.ok) == ("sound in gaps", False)


def test_without_music_digital_silence_holds() -> None:
    silence = _gaps_of(_noise(2.0), np.zeros((32000, 2), np.float32))[-1]
    assert (silence.value, silence.ok) == (-120.0, True)


def test_without_music_the_beds_promises_say_why_they_do_not_apply() -> None:
    measures = [*_gaps_of(_noise(2.0), _noise(2.0))[:2], *quality.no_bed()]
    assert {(one.value, one.note) for one in measures} == {(None, quality.MUSIC_OFF)}
