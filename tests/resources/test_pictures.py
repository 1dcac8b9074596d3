"""The catalogue's pictures are true, small, and drawn in a moment whatever the length."""

import base64
import io
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from octavia_dag.resources.pictures import as_markdown, rates_png, spectrogram_png, timeline_png, waveform_png
from octavia_dag.resources.sound import write_flac
from octavia_dag.schema import PlacedLine, Turn

LIMIT_BYTES = 30_000


def pixels(png: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def many_turns() -> list[Turn]:
    rng = np.random.default_rng(0)
    return [Turn(start=at, end=at + rng.uniform(0.3, 0.9), speaker="ABCDE"[rng.integers(5)]) for at in range(600)]


def many_lines() -> list[PlacedLine]:
    rng = np.random.default_rng(0)
    rates = rng.uniform(0.85, 1.35, 400)
    return [PlacedLine(id=str(at), speaker="A", start=at, end=at + 1, rate=rate) for at, rate in enumerate(rates)]


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    blocks = (rng.normal(0, 0.2, (48000, 2)).astype(np.float32) for _ in range(60))
    write_flac(tmp_path / "noise.flac", blocks, 48000, 2)
    return tmp_path / "noise.flac"


def test_the_busiest_pictures_stay_under_30_kb(noise: Path) -> None:
    for png in (waveform_png(noise), spectrogram_png(noise), timeline_png(many_turns(), 600), rates_png(many_lines())):
        assert png.startswith(b"\x89PNG")
        assert len(png) < LIMIT_BYTES


def test_a_picture_is_drawn_in_a_moment(noise: Path) -> None:
    waveform_png(noise)  # loads the library
    began = time.process_time()
    waveform_png(noise)
    assert time.process_time() - began < 1.0


def test_the_waveform_shows_where_the_sound_is(tmp_path: Path) -> None:
    tone = np.sin(np.arange(8000, dtype=np.float32))
    write_flac(tmp_path / "half.flac", [np.zeros(8000, np.float32), tone], 8000, 1)
    inked = pixels(waveform_png(tmp_path / "half.flac"))[5:90, 60:760, 0] < 150
    left, right = inked[:, :330].sum(), inked[:, 370:].sum()
    assert right > 20 * left


def test_the_spectrogram_shows_how_high_a_tone_is_and_when(tmp_path: Path) -> None:
    time_s = np.arange(16000) / 16000
    low, high = (0.5 * np.sin(2 * np.pi * hz * time_s).astype(np.float32) for hz in (200.0, 4000.0))
    write_flac(tmp_path / "tones.flac", [low, high], 16000, 1)
    bright = pixels(spectrogram_png(tmp_path / "tones.flac"))[12:143, 60:760].astype(int).sum(axis=2)
    first, second = bright[:, 40:300].mean(axis=1), bright[:, 400:660].mean(axis=1)
    rows = np.arange(len(bright)) / len(bright)
    # The picture reaches from 60 Hz to 8 kHz by octaves: 200 Hz lies a quarter up from the ground, 4 kHz nearly on top.
    assert rows[first.argmax()] == pytest.approx(1 - np.log(200 / 60) / np.log(8000 / 60), abs=0.06)
    assert rows[second.argmax()] == pytest.approx(1 - np.log(4000 / 60) / np.log(8000 / 60), abs=0.06)


def test_speakers_have_a_row_and_a_colour_each() -> None:
    turns = [Turn(start=0, end=4, speaker="A"), Turn(start=5, end=9, speaker="B")]
    picture = pixels(timeline_png(turns, 10))
    first, second = picture[:, 60:340], picture[:, 480:700]
    colours = [part.reshape(-1, 3)[part.reshape(-1, 3).min(axis=1) < 100] for part in (first, second)]
    tops = [np.flatnonzero((part.min(axis=2) < 100).sum(axis=1) > 100)[0] for part in (first, second)]
    assert np.median(colours[0][:, 0]) < np.median(colours[1][:, 0])
    assert tops[0] < tops[1]


def test_nothing_to_show_is_still_a_picture(tmp_path: Path) -> None:
    write_flac(tmp_path / "short.flac", [np.zeros(1, np.float32)], 8000, 1)
    short = tmp_path / "short.flac"
    for png in (waveform_png(short), spectrogram_png(short), timeline_png([], 0.0), rates_png([])):
        assert pixels(png).ndim == 3


def test_markdown_carries_the_picture() -> None:
    text = as_markdown(b"\x89PNG data", "who speaks")
    assert text.startswith("![who speaks](data:image/png;base64,")
    assert base64.b64decode(text.rpartition(",")[2].rstrip(")")) == b"\x89PNG data"
