"""Sound files keep every sample, need no more memory than a block, and appear only when they are whole."""

from collections.abc import Iterator
from pathlib import Path

import ffmpeg
import numpy as np
import pytest
import soundfile
import soxr
from full_disk import forgetting_heads, full_after
from numpy.typing import NDArray

from octavia_dag.dubbing.loudness import integrated_lufs
from octavia_dag.errors import StorageError
from octavia_dag.resources.media import Media
from octavia_dag.resources.sound import extremes, info, programme_loudness, read_blocks, read_mono, write_flac

Samples = NDArray[np.float32]


def noise(frames: int, channels: int = 2) -> Samples:
    return np.random.default_rng(3).uniform(-0.9, 0.9, (frames, channels)).astype(np.float32)


def split(sound: Samples, size: int) -> Iterator[Samples]:
    return (sound[at : at + size] for at in range(0, len(sound), size))


@pytest.mark.parametrize(("bits", "step"), [(16, 2**-15), (24, 2**-23)])
def test_what_is_written_is_read_to_a_rounding(tmp_path: Path, bits: int, step: float) -> None:
    sound = noise(10_001)
    assert write_flac(tmp_path / "a.flac", split(sound, 777), 44100, 2, bits) == 10_001
    again = np.concatenate(list(read_blocks(tmp_path / "a.flac", 1000)))
    assert again.dtype == np.float32
    assert np.max(np.abs(again - sound)) <= step
    assert (info(tmp_path / "a.flac").rate, info(tmp_path / "a.flac").channels) == (44100, 2)
    assert info(tmp_path / "a.flac").seconds == 10_001 / 44100


def test_samples_beyond_full_scale_are_clipped_not_wrapped(tmp_path: Path) -> None:
    write_flac(tmp_path / "a.flac", [np.array([1.5, -1.5, 0.5], np.float32)], 8000, 1)
    assert np.concatenate(list(read_blocks(tmp_path / "a.flac")))[:, 0] == pytest.approx([1, -1, 0.5], abs=1e-4)


def test_a_stretch_is_read_without_the_rest(tmp_path: Path) -> None:
    sound = noise(5000, 1)
    write_flac(tmp_path / "a.flac", [sound], 8000, 1)
    part = np.concatenate(list(read_blocks(tmp_path / "a.flac", 300, start=1234, stop=4000)))
    assert np.max(np.abs(part - sound[1234:4000])) < 2**-15
    assert list(read_blocks(tmp_path / "a.flac", start=9000)) == []


def test_mono_is_the_mean_resampled_as_one(tmp_path: Path) -> None:
    sound = noise(3 * 48000 + 11)
    soundfile.write(tmp_path / "a.wav", sound, 48000, subtype="FLOAT")
    oracle = soxr.resample(sound.mean(axis=1), 48000, 16000)
    mono = read_mono(tmp_path / "a.wav", 16000)
    assert len(mono) == len(oracle)
    assert np.max(np.abs(mono - oracle)) < 1e-5


def test_mono_at_the_same_rate_is_the_mean_itself(tmp_path: Path) -> None:
    sound = noise(70_001)
    soundfile.write(tmp_path / "a.wav", sound, 16000, subtype="FLOAT")
    assert np.array_equal(read_mono(tmp_path / "a.wav", 16000), sound.mean(axis=1, dtype=np.float32))


def test_mono_of_a_stretch_is_that_stretch(tmp_path: Path) -> None:
    sound = np.zeros((48000, 1), np.float32)
    sound[24000:36000] = 0.5
    soundfile.write(tmp_path / "a.wav", sound, 48000, subtype="FLOAT")
    part = read_mono(tmp_path / "a.wav", 16000, start_s=0.5, seconds=0.25)
    assert len(part) == 4000
    assert part[100:-100] == pytest.approx(0.5, abs=0.01)
    assert len(read_mono(tmp_path / "a.wav", 16000, start_s=2.0)) == 0


def test_extremes_find_a_click_in_its_column(tmp_path: Path) -> None:
    sound = np.zeros(10_000, np.float32)
    sound[4321] = -0.75
    write_flac(tmp_path / "a.flac", [sound], 8000, 1)
    low, high = extremes(tmp_path / "a.flac", 100)
    assert np.flatnonzero(low) == [43]
    assert not np.any(high)


def test_a_sound_of_no_length_is_refused(tmp_path: Path) -> None:
    # libsndfile would write a file that nothing can read.
    with pytest.raises(StorageError, match="no sound"):
        write_flac(tmp_path / "a.flac", [], 8000, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"a\.flac: the disk is full"), full_after(100_000):
        write_flac(tmp_path / "a.flac", split(noise(48000), 4800), 48000, 2)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_with_the_last_bytes_is_noticed(tmp_path: Path) -> None:
    # The encoder keeps the last frame back until the file is closed, and libsndfile says nothing when that fails.
    write_flac(tmp_path / "whole.flac", [noise(6000)], 48000, 2)
    with pytest.raises(StorageError, match="disk is full"), full_after((tmp_path / "whole.flac").stat().st_size - 10):
        write_flac(tmp_path / "a.flac", [noise(6000)], 48000, 2)


def test_a_file_that_says_another_length_than_was_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"a\.flac: .* of 60000 frames are there"), forgetting_heads():
        write_flac(tmp_path / "a.flac", split(noise(60_000), 4800), 48000, 2)
    assert list(tmp_path.iterdir()) == []


def test_a_failing_producer_leaves_the_old_file(tmp_path: Path) -> None:
    write_flac(tmp_path / "a.flac", [noise(100)], 8000, 2)
    before = (tmp_path / "a.flac").read_bytes()

    def failing() -> Iterator[Samples]:
        yield noise(5000)
        raise RuntimeError("engine gone")

    with pytest.raises(RuntimeError, match="engine gone"):
        write_flac(tmp_path / "a.flac", failing(), 8000, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["a.flac"]
    assert (tmp_path / "a.flac").read_bytes() == before


def test_a_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.flac").write_bytes(b"no sound at all")
    with pytest.raises(StorageError, match=r"a\.flac failed"):
        info(tmp_path / "a.flac")


def test_programme_loudness_agrees_with_that_of_the_samples(tmp_path: Path, models_dir: str) -> None:
    tone = 0.2 * np.hanning(5 * 48000) * np.sin(2 * np.pi * 997 * np.arange(5 * 48000) / 48000)
    sound = np.stack([tone, np.roll(tone, 7)], axis=1, dtype=np.float32)
    write_flac(tmp_path / "a.flac", [sound], 48000, 2)
    lufs, peak = programme_loudness(Media(models_dir=models_dir), tmp_path / "a.flac", 0)
    assert lufs == pytest.approx(integrated_lufs(sound, 48000), abs=0.1)
    finer = soxr.resample(sound, 48000, 4 * 48000, quality="VHQ")
    assert peak == pytest.approx(20 * np.log10(np.abs(finer).max()), abs=0.1)


def test_a_silent_programme_has_no_loudness(tmp_path: Path, models_dir: str) -> None:
    write_flac(tmp_path / "a.flac", [np.zeros(48000, np.float32)], 48000, 1)
    assert programme_loudness(Media(models_dir=models_dir), tmp_path / "a.flac", 0) == (None, None)


def test_the_loudness_is_that_of_the_track_asked_for(tmp_path: Path, models_dir: str) -> None:
    media = Media(models_dir=models_dir)
    sounds = [ffmpeg.input(f"sine=d=2,volume={gain}dB", f="lavfi") for gain in (-10, -30)]
    media.run(ffmpeg.output(*sounds, str(tmp_path / "two.mka"), acodec="flac"), "Making a test sound")
    loud, soft = (programme_loudness(media, tmp_path / "two.mka", track)[0] for track in (0, 1))
    assert loud is not None
    assert soft == pytest.approx(loud - 20, abs=0.2)
