"""Vocals and background must add up to the source in every sample, whatever the separator does."""

import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from full_disk import full_after

from octavia_dag.errors import EngineError, StorageError
from octavia_dag.resources import splitting
from octavia_dag.resources.engines import EngineInfo, Samples, Separator
from octavia_dag.resources.splitting import split


class Wild(Separator):
    """Returns blocks of odd sizes, late, and beyond full scale; `surplus` frames too many."""

    surplus: int = 0

    def info(self) -> EngineInfo:
        return EngineInfo(name="wild", revision="1", licence="none")

    def background(self, blocks: Iterable[Samples], rate: int) -> Iterator[Samples]:
        whole = np.concatenate(list(blocks))
        wild = np.random.default_rng(3).normal(0, 1.5, whole.shape).astype(np.float32)
        wild = np.concatenate([wild, wild[: self.surplus]]) if self.surplus >= 0 else wild[: self.surplus]
        for start in range(0, len(wild), 777):
            yield wild[start : start + 777]


def _blocks(whole: Samples) -> Iterator[Samples]:
    for start in range(0, len(whole), 1000):
        yield whole[start : start + 1000]


def _source() -> Samples:
    return (np.random.default_rng(2).integers(-32768, 32768, (10000, 2)) / 32768).astype(np.float32)


def test_the_stems_add_up_to_the_source_sample_by_sample(tmp_path: Path) -> None:
    source = _source()
    paths = tmp_path / "v.flac", tmp_path / "b.flac"
    frames = split(_blocks(source), Wild(), 44100, vocals=paths[0], background=paths[1])
    vocals, background = (soundfile.read(path, dtype="int16")[0].astype(int) for path in paths)
    assert frames == len(source)
    assert np.array_equal(vocals + background, np.rint(source * 32768).astype(int))


def test_what_waits_for_a_separator_that_hears_all_of_it_first_does_not_wait_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """16 MB wait, half a megabyte of them in memory."""
    monkeypatch.setattr(splitting, "_HELD_FRAMES", 1 << 17)

    class Late(Wild):
        def background(self, blocks: Iterable[Samples], rate: int) -> Iterator[Samples]:
            lengths = [len(block) for block in blocks]
            yield from (np.zeros((length, 2), np.float32) for length in lengths)

    noise = (np.random.default_rng(2).integers(-3000, 3000, (1 << 16, 2)) / 32768).astype(np.float32)
    paths = tmp_path / "v.flac", tmp_path / "b.flac"
    tracemalloc.start()
    try:
        frames = split((noise for _ in range(64)), Late(), 44100, vocals=paths[0], background=paths[1])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert frames == 64 << 16
    assert peak < 8 << 20
    assert np.array_equal(soundfile.read(paths[0], dtype="float32")[0][-len(noise) :], noise)


@pytest.mark.parametrize("surplus", [5, -5])
def test_a_separator_that_miscounts_is_an_engine_error(tmp_path: Path, surplus: int) -> None:
    with pytest.raises(EngineError, match="frames than it was given"):
        split(
            _blocks(_source()), Wild(surplus=surplus), 44100, vocals=tmp_path / "v.flac", background=tmp_path / "b.flac"
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("short", [10, 30_000])
def test_a_disk_that_fills_up_at_any_moment_leaves_no_stem(tmp_path: Path, short: int) -> None:
    def stems(folder: Path) -> tuple[Path, Path]:
        folder.mkdir()
        split(_blocks(_source()), Wild(), 44100, vocals=folder / "v.flac", background=folder / "b.flac")
        return folder / "v.flac", folder / "b.flac"

    size = sum(path.stat().st_size for path in stems(tmp_path / "whole"))
    with pytest.raises(StorageError, match="disk is full"), full_after(size - short):
        stems(tmp_path / "short")
    assert list((tmp_path / "short").iterdir()) == []
