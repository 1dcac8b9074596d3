"""At risk: a voice that only one of those asked can hear, the seams of the pieces, and a programme that comes back
other than whole.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from separator_contract import bed as chord
from separator_contract import in_blocks

from octavia_dag.resources.engines import Samples
from octavia_dag.resources.studio import htdemucs
from octavia_dag.resources.studio.gaps import with_whole_gaps
from octavia_dag.resources.studio.programme import Programme

RATE_HZ = htdemucs.RATE_HZ
Times = list[tuple[float, float]]


def filled(sound: Samples, bed: Samples, rate: int = RATE_HZ) -> Samples:
    """The bed of a programme with its gaps made whole; `bed` is at the network's rate."""
    heard = Programme.spooled(in_blocks(sound, 50_000), rate, RATE_HZ, "test", keep=True)
    assert heard is not None
    assert heard.source is not None
    made = np.concatenate(list(with_whole_gaps(heard, heard.source, in_blocks(bed, 70_000), rate)))
    heard.close()
    return made


@pytest.fixture(scope="module")
def dialogue(media_dir: Path) -> tuple[Samples, Samples]:
    """The speech and the music of a dialogue, each alone, at the network's rate."""
    read = [soundfile.read(media_dir / "dialogue" / f"{one}.flac", dtype="float32") for one in ("speech", "music")]
    sounds = [soxr.resample(sound if sound.ndim == 2 else sound[:, np.newaxis], rate, RATE_HZ) for sound, rate in read]
    speech, music = (np.broadcast_to(sound, (len(sound), 2)) for sound in sounds)
    return speech, music


@pytest.fixture(scope="module")
def spoken(media_dir: Path) -> Times:
    truth = json.loads((media_dir / "dialogue" / "truth.json").read_text(encoding="utf-8"))
    return [(one["start"], one["end"]) for one in truth["segments"]]


def frames(times: Times, count: int, *, wider_s: float = 0.0) -> np.ndarray:
    """Which of `count` frames lie in these times."""
    inside = np.zeros(count, bool)
    for start, end in times:
        inside[max(0, round((start - wider_s) * RATE_HZ)) : round((end + wider_s) * RATE_HZ)] = True
    return inside


def test_the_bed_is_the_networks_where_somebody_speaks_and_the_programme_where_nobody_does(
    dialogue: tuple[Samples, Samples], spoken: Times
) -> None:
    """One of them speaks over the seam of two pieces, 30.72 s."""
    speech, music = dialogue
    mix, network = speech + music, music * np.float32(0.5)
    made = filled(mix, network)
    there, around = frames(spoken, len(mix)), frames(spoken, len(mix), wider_s=1.5)
    np.testing.assert_allclose(made[there], network[there], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(made[~around], mix[~around])
    assert np.count_nonzero(~around) > 5 * RATE_HZ


def test_a_voice_under_loud_music_is_heard_in_what_was_taken_out(
    dialogue: tuple[Samples, Samples], spoken: Times
) -> None:
    speech, music = dialogue
    quiet = speech * np.float32(0.05)
    there = frames(spoken, len(music))
    made = filled(quiet + music, music)
    np.testing.assert_allclose(made[there], music[there], rtol=0, atol=1e-6)


def test_a_voice_that_was_left_in_the_bed_is_heard_in_the_programme(
    dialogue: tuple[Samples, Samples], spoken: Times
) -> None:
    """What was taken out is music alone."""
    speech, music = dialogue
    there = frames(spoken, len(music))
    mix: Samples = np.add(speech, music * np.float32(0.2), dtype=np.float32)
    made = filled(mix, speech)
    np.testing.assert_allclose(made[there], speech[there], rtol=0, atol=1e-6)


def test_a_voice_in_one_channel_of_six_is_not_lost_among_the_others(
    dialogue: tuple[Samples, Samples], spoken: Times
) -> None:
    speech, music = (sound[: 8 * RATE_HZ, :1] for sound in dialogue)
    loud = music * np.float32(2)
    sound: Samples = np.concatenate([loud, loud, speech, loud, loud, loud], axis=1, dtype=np.float32)
    made = filled(sound, np.zeros_like(sound))
    assert not made[frames(spoken[:2], len(sound))].any()


@pytest.mark.parametrize("rate", [44_100, 48_000, 16_000])
def test_a_programme_without_speech_comes_back_whole_at_its_own_rate(rate: int) -> None:
    sound = chord(3.0, rate, 2)
    heard = soxr.resample(sound, rate, RATE_HZ)
    np.testing.assert_array_equal(filled(sound, heard * np.float32(0.5), rate), sound)


def test_at_another_rate_the_same_is_taken_out_at_the_same_moment(dialogue: tuple[Samples, Samples]) -> None:
    speech, music = (sound[: 8 * RATE_HZ] for sound in dialogue)
    mix = speech + music
    made = filled(soxr.resample(mix, RATE_HZ, 48_000), music, 48_000)
    expected = soxr.resample(filled(mix, music), RATE_HZ, 48_000)
    assert np.std(made - expected) < 3e-3 * np.std(speech)


@pytest.mark.parametrize("count", [1, 2, 31, 500])
def test_a_sound_shorter_than_a_window_comes_back_whole(count: int) -> None:
    sound = chord(0.1, RATE_HZ, 2)[:count]
    np.testing.assert_array_equal(filled(sound, sound * np.float32(0.5)), sound)


def test_silence_stays_silence() -> None:
    silence = np.zeros((2 * RATE_HZ, 6), np.float32)
    assert not filled(silence, silence).any()
