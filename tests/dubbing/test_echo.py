"""The original voice is found in a dub at whatever time it lies there, and nothing else is taken for it."""

import numpy as np
import pytest

from octavia_dag.dubbing.echo import EchoMeter
from octavia_dag.dubbing.figures import Makeup
from octavia_dag.dubbing.meters import Samples

RATE = 48000
SECONDS = 20


def _voice(seed: int) -> Samples:
    """Syllables of a low buzz with its own pitch and times."""
    rng = np.random.default_rng(seed)
    pitch = np.repeat(rng.uniform(90, 220, SECONDS * 5), RATE // 5)
    loud = np.repeat(rng.uniform(0, 1, SECONDS * 5) > 0.3, RATE // 5)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    buzz = np.sum([np.sin(n * phase) / n for n in range(1, 9)], axis=0) * loud
    return np.stack([buzz, buzz], axis=1).astype(np.float32) * np.float32(0.1)


def _noise(seed: int, level: float) -> Samples:
    return (level * np.random.default_rng(seed).normal(size=(SECONDS * RATE, 2))).astype(np.float32)


SPEECH, VOICE, BED = _voice(1), _voice(2), _noise(3, 0.02)
AS_MIXED = Makeup(speech=1.0, bed=1.0, voice=0.0)


def _found(sound: Samples, makeup: Makeup = AS_MIXED) -> float | None:
    meter, at = EchoMeter(RATE), 0
    for size in (1, 7, 23, 24, 25, 100_003, SECONDS * RATE):  # blocks of any size
        meter.add(*(one[at : at + size] for one in (sound, SPEECH, BED, VOICE)))
        at += size
    return meter.gain(makeup)


@pytest.mark.parametrize("late_s", [0.06, -0.06, 0.4, 0.005])
@pytest.mark.parametrize("gain", [1.0, 0.5, 0.1, -0.5])
def test_a_voice_that_is_off_is_found_as_loud_as_it_is(late_s: float, gain: float) -> None:
    late = np.roll(VOICE, round(late_s * RATE), axis=0)
    found = _found((SPEECH + BED + np.float32(gain) * late + _noise(4, 0.0005)).astype(np.float32))
    assert found == pytest.approx(abs(gain), rel=0.1)


def test_a_dub_as_it_was_mixed_holds_none_of_it() -> None:
    assert _found(SPEECH + BED + _noise(4, 0.0005)) == 0.0


@pytest.mark.parametrize(
    "spoiled",
    [SPEECH + BED * np.float32(0.7), SPEECH * np.float32(1.2) + BED, np.clip(16 * SPEECH, -1, 1) + BED, BED * 1],
    ids=["less bed", "louder", "clipped", "no speech"],
)
def test_what_else_is_wrong_is_not_taken_for_the_voice(spoiled: Samples) -> None:
    assert _found(spoiled) == 0.0


def test_of_a_silent_voice_nothing_is_known() -> None:
    assert _found(SPEECH + BED, Makeup(speech=1.0, bed=1.0, voice=None)) is None
