"""Who speaks when, from voiceprints: spectral clustering of windows, then the hand-overs placed finely.

Windows of 0.8 s every 0.25 s are the raw material; four of them (1.55 s) make one window for clustering, a single
one places the turns. Around a change inside a region the windows are taken every 0.05 s. The model hears one voice at
a time: where two people speak at once the stronger is reported, so this engine makes no overlapping turns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from octavia_dag.dubbing.clustering import Vectors, speaker_means
from octavia_dag.dubbing.turns import Change, Window, best_split, changes, comparable, label_windows, to_turns
from octavia_dag.errors import EngineError
from octavia_dag.resources.embedded.voiceprint import (
    FRAMES_PER_S,
    RATE_HZ,
    SIZE,
    WINDOW_FRAMES,
    Array,
    Voiceprint,
    levelled,
    log_mel,
    revision,
    unit,
    window_at,
)
from octavia_dag.resources.engines import Diarizer, EngineInfo, Samples
from octavia_dag.schema import Span, Turn

_METHOD = "spectral-1"  # another number where equal voiceprints would give other turns
HOP_FRAMES = 25
FINE_FRAMES = 5
_JOINED = 4  # windows that make one for clustering
_EVERY = 2  # of which every second is taken
_REACH_FRAMES = 60  # how far around a change the fine windows go


@dataclass(frozen=True)
class _Region:
    """One region's log mels and the first frames of its windows."""

    mels: Array
    starts: tuple[int, ...]
    start_s: float

    def centre_s(self, start: int) -> float:
        return self.start_s + (start + min(WINDOW_FRAMES, len(self.mels)) / 2) / FRAMES_PER_S


class SpectralDiarizer(Diarizer):
    """d-vectors and spectral clustering; knows no language."""

    def info(self) -> EngineInfo:
        """The d-vector model, Apache-2.0."""
        return EngineInfo(name="spectral-diarizer", revision=f"{revision()} {_METHOD}", licence="Apache-2.0")

    def diarize(self, sound: Samples, regions: Sequence[Span], *, minimum: int, maximum: int) -> list[Turn]:
        """Turns that fill `regions` of a mono 16 kHz sound; an EngineError for bounds that cross."""
        if not 1 <= minimum <= maximum:
            raise EngineError(f"Between {minimum} and {maximum} speakers were asked for; give 1 <= minimum <= maximum.")
        ordered = sorted((r for r in regions if _frames(sound, r) > 0), key=lambda region: region.start)
        if not ordered:
            return []
        parts = [_region(sound, region) for region in ordered]
        vectors = self._voiceprint.embed_windows([window_at(p.mels, start) for p in parts for start in p.starts])
        windows = [Window(number, p.centre_s(start)) for number, p in enumerate(parts) for start in p.starts]
        hop_s = HOP_FRAMES / FRAMES_PER_S
        means = speaker_means(_joined(vectors, windows), minimum, maximum, window_s=hop_s * _EVERY)
        labels = label_windows(comparable(vectors @ means.T, means), windows, hop_s=hop_s)
        edges = [self._edge(parts[change.region], change, means) for change in changes(labels, windows)]
        return to_turns(ordered, labels, windows, edges)

    def _edge(self, part: _Region, change: Change, means: Vectors) -> float:
        """The moment of a change in seconds."""
        middle = (change.earliest_s + change.latest_s) / 2
        at = round((middle - part.start_s) * FRAMES_PER_S) - WINDOW_FRAMES // 2
        last = max(0, len(part.mels) - WINDOW_FRAMES)
        starts = range(max(0, at - _REACH_FRAMES), min(last, at + _REACH_FRAMES) + 1, FINE_FRAMES)
        vectors = self._voiceprint.embed_windows([window_at(part.mels, start) for start in starts])
        scores = vectors @ means[[change.before, change.after]].T
        split = best_split(scores[:, 0], scores[:, 1])
        return part.centre_s(starts[0] + split * FINE_FRAMES) - FINE_FRAMES / 2 / FRAMES_PER_S

    @cached_property
    def _voiceprint(self) -> Voiceprint:
        return Voiceprint(self.models_dir, self.threads)


def _frames(sound: Samples, region: Span) -> int:
    return min(round(region.end * RATE_HZ), len(sound)) - round(region.start * RATE_HZ)


def _region(sound: Samples, region: Span) -> _Region:
    first = round(region.start * RATE_HZ)
    mels = levelled(log_mel(sound[first : first + _frames(sound, region)]))
    last = max(0, len(mels) - WINDOW_FRAMES)
    starts = tuple(sorted({*range(0, last, HOP_FRAMES), last}))
    return _Region(mels, starts, region.start)


def _joined(vectors: Vectors, windows: Sequence[Window]) -> Vectors:
    """Means of neighbouring windows of one region, shape (fewer, 256): steadier than a single one."""
    regions = np.array([window.region for window in windows])
    out: list[Vectors] = []
    for number in range(regions.max() + 1):
        mine = vectors[regions == number]
        out += [mine[at : at + _JOINED].mean(axis=0) for at in range(0, max(1, len(mine) - _JOINED + 1), _EVERY)]
    return unit(np.stack(out)) if out else np.zeros((0, SIZE), np.float32)
