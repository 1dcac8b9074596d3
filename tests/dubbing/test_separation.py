"""At risk: a background that speaks, holes where the music was, and a source touched where nobody speaks."""

import numpy as np
import pytest

from octavia_dag.dubbing import separation as craft
from octavia_dag.dubbing.separation import Samples
from octavia_dag.dubbing.streaming import Queue, equal_blocks, with_context

SECONDS = 4
PADDING = 2 * craft.CONTEXT


def tone(frequency_hz: float, seconds: float = SECONDS) -> Samples:
    frames = int(seconds * craft.RATE_HZ) // craft.HOP * craft.HOP + PADDING
    return np.sin(2 * np.pi * frequency_hz * np.arange(frames) / craft.RATE_HZ).astype(np.float32)


def bursts(seed: int) -> Samples:
    """Noise that comes and goes four times a second, as speech does."""
    noise = np.random.default_rng(seed).standard_normal(len(tone(1)))
    return (0.1 * noise * (np.sin(2 * np.pi * 4 * np.arange(len(noise)) / craft.RATE_HZ) > 0)).astype(np.float32)


def scaled(sound: Samples, factor: float) -> Samples:
    return (sound * factor).astype(np.float32)


def inner(sound: Samples) -> Samples:
    return sound[craft.CONTEXT : -craft.CONTEXT]


def level_db(sound: Samples) -> float:
    return float(10 * np.log10(np.mean(np.square(sound, dtype=np.float64)) + 1e-20))


def test_analysis_and_synthesis_give_back_the_sound() -> None:
    sound = bursts(1)
    again = craft.overlap_add(craft.spectra(sound))
    whole = slice(craft.WINDOW, len(again) - craft.WINDOW)
    np.testing.assert_allclose(again[whole], sound[: len(again)][whole], atol=1e-6)


def test_nothing_is_removed_where_there_is_no_voice() -> None:
    assert not craft.removal(tone(440), np.zeros_like(tone(440))).any()


def test_nothing_is_removed_where_the_voice_is_masked_anyway() -> None:
    """A voice 34 dB down, a quarter of a period aside so that it is no quieter copy of the sound."""
    quarter = round(craft.RATE_HZ / 480 / 4)
    removed = craft.removal(tone(480), scaled(np.roll(tone(480), quarter), 0.02))
    assert level_db(removed) < level_db(tone(480)) - 100


def test_a_voice_alone_is_removed_and_its_estimate_may_be_too_quiet() -> None:
    voice = bursts(3)
    for factor in (1.0, 0.6):
        left = inner(voice) - craft.removal(voice, scaled(voice, factor))
        assert level_db(left) < level_db(inner(voice)) - 20


def test_music_in_other_bins_than_the_voice_is_kept() -> None:
    music, voice = scaled(tone(440), 0.1), scaled(tone(3000), 0.1)
    background = inner(music + voice) - craft.removal(music + voice, voice)
    np.testing.assert_allclose(background, inner(music), atol=2e-3)


def test_a_hole_is_refilled_to_the_level_around_it() -> None:
    """The voice covers steady noise for 0.15 s; without a refill the bed would drop by more than 6 dB there."""
    noise = scaled(np.random.default_rng(4).standard_normal(len(tone(1))).astype(np.float32), 0.01)
    voice = np.zeros_like(noise)
    start = craft.CONTEXT + 2 * craft.RATE_HZ
    covered = slice(start, start + int(0.15 * craft.RATE_HZ))
    voice[covered] = np.random.default_rng(5).standard_normal(int(0.15 * craft.RATE_HZ)) * 0.1
    background = inner(noise + voice) - craft.removal(noise + voice, voice)
    there = slice(covered.start - craft.CONTEXT, covered.stop - craft.CONTEXT)
    assert abs(level_db(background[there]) - level_db(noise[covered])) < 3


def test_a_refilled_bin_is_never_louder_than_the_sound() -> None:
    sound, voice = craft.spectra(bursts(6)), craft.spectra(bursts(7))
    assert (np.abs(craft.background_spectra(sound, voice)) <= np.abs(sound) * 1.0001 + 1e-9).all()


def test_the_scale_of_an_unsure_estimate_is_found_beside_other_sound() -> None:
    voice, music = craft.spectra(bursts(8)), craft.spectra(tone(440))
    raised = craft.full_scale(voice + music, voice * np.complex64(0.7))
    assert np.median(np.abs(raised) / np.maximum(np.abs(voice), 1e-9)) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("shift", [0, 20])
@pytest.mark.parametrize("share", [0.2, 1.0])
def test_a_panned_or_delayed_copy_of_the_voice_is_recognised(share: float, shift: int) -> None:
    music = scaled(np.random.default_rng(9).standard_normal(len(bursts(1))).astype(np.float32), 0.005)
    assert craft.carries_voice(scaled(np.roll(bursts(1), shift), share) + music, bursts(1))


@pytest.mark.parametrize("level", [0.01, 0.1, 1.0])
def test_an_unrelated_sound_is_not_taken_for_the_voice(level: float) -> None:
    assert not craft.carries_voice(scaled(bursts(2), 10 * level), bursts(1))
    assert not craft.carries_voice(scaled(tone(440), level), bursts(1))


def test_an_inverted_channel_counts_as_voice_beside_the_middle() -> None:
    nothing = np.zeros_like(bursts(1))
    assert craft.beside_the_middle(bursts(1), nothing, nothing)
    assert not craft.beside_the_middle(nothing, bursts(1), bursts(1))


@pytest.mark.parametrize("channels", range(1, 12))
def test_every_channel_but_the_lfe_is_listened_to_once(channels: int) -> None:
    layout = craft.layout(channels)
    heard = [*(layout.pair or ()), *layout.own, *layout.followers]
    silent = {3} if channels in (6, 7, 8) else set[int]()
    assert sorted(heard) == sorted(set(range(channels)) - silent)


@pytest.mark.parametrize("size", [1, 7, 100, 1000])
def test_equal_blocks_are_the_same_sound_in_the_size_asked_for(size: int) -> None:
    sound = np.arange(500, dtype=np.float32).reshape(250, 2)
    blocks = list(equal_blocks((sound[i : i + size] for i in range(0, 250, size)), 60))
    assert [len(block) for block in blocks] == [60, 60, 60, 60, 10]
    np.testing.assert_array_equal(np.concatenate(blocks), sound)


def test_a_queue_refuses_more_than_it_holds() -> None:
    queue = Queue()
    queue.push(np.zeros((3, 1), np.float32))
    with pytest.raises(ValueError, match="4 frames"):
        queue.pop(4)


@pytest.mark.parametrize("length", [1, 9, 10, 11, 29, 30, 31, 107])
@pytest.mark.parametrize("size", [1, 13, 200])
def test_every_sample_is_computed_once_with_its_neighbours(length: int, size: int) -> None:
    """A sum over 5 samples on either side equals a convolution of the whole."""
    sound = np.random.default_rng(10).integers(0, 9, (length, 1)).astype(np.float32)

    def sums(block: Samples) -> Samples:
        return np.convolve(block[:, 0], np.ones(11, np.float32), "valid")[:, None]

    parts = (sound[i : i + size] for i in range(0, length, size))
    made = np.concatenate(list(with_context(parts, sums, frames=30, context=5, multiple=10)))
    np.testing.assert_array_equal(made[:, 0], np.convolve(sound[:, 0], np.ones(11), "full")[5:-5])
