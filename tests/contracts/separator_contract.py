"""What every separator must keep, whichever engine answers.

A test class that inherits `SeparatorContract` gives it one fixture: `separator`.
"""

from collections.abc import Iterator

import numpy as np
import pytest

from octavia_dag.resources.engines import Samples, Separator

SHAPES = [(48_000, 1), (48_000, 2), (48_000, 6), (44_100, 2), (16_000, 1)]


def in_blocks(sound: Samples, frames: int) -> Iterator[Samples]:
    """The sound as it arrives: blocks of `frames` frames, the last one shorter."""
    for start in range(0, len(sound), frames):
        yield sound[start : start + frames]


def background_of(separator: Separator, sound: Samples, rate: int, *, frames: int = 1 << 16) -> Samples:
    """The whole background at once."""
    return np.concatenate(list(separator.background(in_blocks(sound, frames), rate)))


def bed(seconds: float, rate: int, channels: int) -> Samples:
    """A chord with a little noise, each channel its own, always the same."""
    frames = int(seconds * rate)
    moments = np.arange(frames)[:, None] / rate
    pitches = np.array([220.0, 277.2, 329.6])[None, :] * (1 + np.arange(channels)[:, None] / 100)
    chord = sum(np.sin(2 * np.pi * pitches[:, one] * moments) for one in range(3))
    noise = np.random.default_rng(3).standard_normal((frames, channels))
    return (0.05 * chord + 0.005 * noise).astype(np.float32)


class SeparatorContract:
    """Inherit it, and give it the fixture."""

    def test_it_names_its_licence_and_revision(self, separator: Separator) -> None:
        info = separator.info()
        assert info.name
        assert info.revision
        assert info.licence

    @pytest.mark.parametrize(("rate", "channels"), SHAPES)
    def test_as_many_frames_come_back_with_every_channel(self, separator: Separator, rate: int, channels: int) -> None:
        sound = bed(1.237, rate, channels)
        background = background_of(separator, sound, rate, frames=1009)
        assert background.shape == sound.shape
        assert background.dtype == np.float32

    @pytest.mark.parametrize("frames", [1, 479, 1440, 5000])
    def test_a_sound_shorter_than_any_window_keeps_its_length(self, separator: Separator, frames: int) -> None:
        sound = bed(0.2, 48_000, 2)[:frames]
        assert background_of(separator, sound, 48_000).shape == sound.shape

    def test_no_sound_gives_no_sound(self, separator: Separator) -> None:
        assert not list(separator.background(iter(()), 48_000))

    @pytest.mark.parametrize("rate", [48_000, 44_100])
    def test_the_size_of_the_blocks_changes_nothing(self, separator: Separator, rate: int) -> None:
        sound = bed(5.0, rate, 2)
        expected = background_of(separator, sound, rate, frames=len(sound))
        np.testing.assert_allclose(background_of(separator, sound, rate, frames=3333), expected, rtol=0, atol=1e-6)

    @pytest.mark.parametrize("rate", [48_000, 44_100])
    def test_silence_stays_silence(self, separator: Separator, rate: int) -> None:
        assert not background_of(separator, np.zeros((rate, 2), np.float32), rate).any()

    @pytest.mark.parametrize(("rate", "channels"), SHAPES)
    def test_the_background_is_in_time_with_the_source(self, separator: Separator, rate: int, channels: int) -> None:
        sound = bed(2.0, rate, channels)
        background = background_of(separator, sound, rate)
        middle = slice(rate // 2, 3 * rate // 2)
        for channel in range(channels):
            given, made = sound[:, channel], background[middle, channel]
            lags = range(-4, 5)
            likeness = [float(given[middle.start + lag : middle.stop + lag] @ made) for lag in lags]
            assert lags[int(np.argmax(likeness))] == 0

    def test_a_reader_who_stops_early_is_served_again(self, separator: Separator) -> None:
        sound = bed(9.0, 48_000, 1)
        next(separator.background(in_blocks(sound, 4800), 48_000))
        assert background_of(separator, sound[:48_000], 48_000).shape == (48_000, 1)
