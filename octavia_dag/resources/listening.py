"""A programme as the listeners are given it: mono, 16 kHz, whole (230 MB an hour), and where in it somebody speaks."""

from pathlib import Path

import numpy as np

from octavia_dag.dubbing.regions import speech_regions
from octavia_dag.resources.engines import Samples
from octavia_dag.resources.media import Media
from octavia_dag.resources.probe import source_blocks
from octavia_dag.resources.vad import WINDOW_S, speech_probabilities
from octavia_dag.schema import SourceVideo, Span

HEARING_HZ = 16000
# silero's own threshold, and the silence that cuts speech: what every measure of speech in the report goes by.
THRESHOLD, MIN_SILENCE_S = 0.5, 0.35


def programme(media: Media, path: Path, source: SourceVideo) -> Samples:
    """The chosen track of a video, shape (frames,)."""
    sound = np.zeros(round(source.seconds * HEARING_HZ), dtype=np.float32)
    position = 0
    for block in source_blocks(media, path, source, rate=HEARING_HZ, channels=1):
        part = block[: len(sound) - position, 0]
        sound[position : position + len(part)] = part
        position += len(part)
    return sound


def speech_in(sound: Samples, *, threshold: float = THRESHOLD, min_silence_s: float = MIN_SILENCE_S) -> list[Span]:
    """Where somebody speaks in a mono 16 kHz sound, by VAD."""
    return speech_regions(
        speech_probabilities(sound),
        window_s=WINDOW_S,
        threshold=threshold,
        min_silence_s=min_silence_s,
        duration_s=len(sound) / HEARING_HZ,
    )


def speech_of(media: Media, path: Path, source: SourceVideo) -> tuple[Span, ...]:
    """Where somebody speaks in the chosen track of a video."""
    return tuple(speech_in(programme(media, path, source)))
