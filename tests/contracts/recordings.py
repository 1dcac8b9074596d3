"""Recordings as a transcriber wants them: mono, 16 kHz."""

from pathlib import Path

import ffmpeg
import numpy as np

from octavia_dag.dubbing.regions import speech_regions
from octavia_dag.resources.engines import Samples
from octavia_dag.resources.media import Media
from octavia_dag.resources.vad import WINDOW_S, speech_probabilities
from octavia_dag.schema import Span

RATE_HZ = 16000


def sound_16k(path: Path, models_dir: str) -> Samples:
    """The first audio track of a recording, mixed down."""
    graph = ffmpeg.input(str(path)).output("pipe:", map="0:a:0", format="f32le", ac=1, ar=RATE_HZ)
    blocks = Media(models_dir=models_dir).read(graph, f"Reading {path.name}")
    return np.frombuffer(b"".join(blocks), np.float32)


def regions_of(sound: Samples) -> list[Span]:
    """Its speech at the default settings."""
    return speech_regions(
        speech_probabilities(sound),
        window_s=WINDOW_S,
        threshold=0.5,
        min_silence_s=0.35,
        duration_s=len(sound) / RATE_HZ,
    )


def noise(kind: str, seconds: int) -> Samples:
    """White or pink noise at -20 dBFS, always the same."""
    white = np.random.default_rng(7).standard_normal(seconds * RATE_HZ)
    if kind == "pink":
        spectrum = np.fft.rfft(white)
        spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
        white = np.fft.irfft(spectrum, len(white))
    return (0.1 * white / np.sqrt(np.mean(np.square(white)))).astype(np.float32)
