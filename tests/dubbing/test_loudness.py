"""Loudness is that of BS.1770, and there is none where there is nothing to weigh."""

import numpy as np
import pytest

from octavia_dag.dubbing.loudness import gated_over, integrated_lufs
from octavia_dag.schema import Span

RATE = 48000


def sine(seconds: float, peak_db: float, hz: float = 997.0) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    time = np.arange(round(seconds * RATE)) / RATE
    return (10 ** (peak_db / 20) * np.sin(2 * np.pi * hz * time)).astype(np.float32)


@pytest.mark.parametrize("level_db", [-23.0, -33.0])
def test_the_reference_tone_of_ebu_tech_3341_reads_its_level(level_db: float) -> None:
    # A stereo sine of 1 kHz at -23 dBFS peak in both channels is -23 LUFS, by definition of the scale.
    tone = sine(5, level_db, 1000.0)
    assert integrated_lufs(np.stack([tone, tone], axis=1), RATE) == pytest.approx(level_db, abs=0.1)


def test_one_channel_of_two_is_3_db_less_than_both() -> None:
    tone = sine(3, -20)
    both = integrated_lufs(np.stack([tone, tone], axis=1), RATE)
    one = integrated_lufs(tone, RATE)
    assert both is not None
    assert one == pytest.approx(both - 3.01, abs=0.02)


def test_the_bass_channel_of_51_has_no_weight() -> None:
    tone, quiet = sine(2, -20), np.zeros(2 * RATE, np.float32)
    surround = np.stack([tone, tone, quiet, sine(2, 0, 50.0), quiet, quiet], axis=1)
    assert integrated_lufs(surround, RATE) == integrated_lufs(np.stack([tone, tone], axis=1), RATE)


def test_a_surround_channel_weighs_1_5_db_more() -> None:
    tone, quiet = sine(2, -20), np.zeros(2 * RATE, np.float32)
    behind = integrated_lufs(np.stack([quiet, quiet, quiet, quiet, tone, quiet], axis=1), RATE)
    front = integrated_lufs(tone, RATE)
    assert front is not None
    assert behind == pytest.approx(front + 1.5, abs=0.02)


def test_71_weighs_its_side_as_51_does() -> None:
    tone, quiet = sine(2, -20), np.zeros(2 * RATE, np.float32)
    wide = np.stack([tone, tone, quiet, quiet, quiet, quiet, tone, quiet], axis=1)
    five = np.stack([tone, tone, quiet, quiet, np.float32(np.sqrt(0.5)) * tone, quiet], axis=1)
    assert integrated_lufs(wide, RATE) == pytest.approx(integrated_lufs(five, RATE))


@pytest.mark.parametrize("samples", [np.zeros(RATE, np.float32), sine(0.39, -10), np.zeros(0, np.float32)])
def test_silence_and_less_than_a_block_have_no_loudness(samples: np.ndarray[tuple[int], np.dtype[np.float32]]) -> None:
    assert integrated_lufs(samples, RATE) is None


def test_loudness_over_spans_is_that_of_the_spans_alone() -> None:
    sound = np.concatenate([sine(2, -20), sine(2, -40), sine(2, -20)])
    inside = gated_over(sound, RATE, [Span(start=0, end=2), Span(start=4, end=9)])
    assert inside == pytest.approx(integrated_lufs(sine(4, -20), RATE), abs=0.05)
    assert gated_over(sound, RATE, []) is None
    assert gated_over(sound, RATE, [Span(start=5.8, end=6.0), Span(start=7, end=9)]) is None
