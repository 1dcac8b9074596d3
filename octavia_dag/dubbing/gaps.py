"""Where nobody speaks, a background is the programme itself: no network's guess is as true as what it was given.

Speech is taken wide, since a word that is thought none would stay in the bed: a low threshold, and more on both sides,
for a breath and a word's soft end. By the rules of regions.py, so that all that is speech anywhere else is speech here,
and the start of a note, which for a tenth of a second passes for a voice, is not. Between the two there is a cross-fade
outside of the wide stretch. Stretches belong to the whole programme, so that pieces of it fit together.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from octavia_dag.dubbing.regions import speech_regions

Samples = NDArray[np.float32]
Stretches = NDArray[np.float64]  # seconds, shape (stretches, 2): start and end, sorted, apart from each other

THRESHOLD = 0.2  # elsewhere 0.5: here a window too many costs less than a word too few
MIN_SILENCE_S = 0.35
MARGIN_S = 0.4
FADE_S = 0.05


def spoken_stretches(probabilities: Iterable[NDArray[np.float32]], window_s: float) -> Stretches:
    """Where the bed is the separator's, from the probability of speech in each window of `window_s`, as several heard
    it: where any of them heard speech.

    Two stretches with no room between them for both their fades are one. The first may begin before 0.
    """
    found = [
        (one.start - MARGIN_S, one.end + MARGIN_S)
        for heard in probabilities
        for one in speech_regions(heard, window_s=window_s, threshold=THRESHOLD, min_silence_s=MIN_SILENCE_S, pad_s=0.0)
    ]
    if not found:
        return np.zeros((0, 2))
    starts, ends = np.array(sorted(found)).T
    ends = np.maximum.accumulate(ends)
    apart = starts[1:] - ends[:-1] > 2 * FADE_S
    return np.stack([starts[np.append(True, apart)], ends[np.append(apart, True)]], axis=1)


def bed_share(stretches: Stretches, first: int, frames: int, rate: int) -> Samples:
    """The share of the separator's bed, 0 to 1, in each of the `frames` frames from `first` on; shape (frames,)."""
    if not len(stretches):
        return np.zeros(frames, np.float32)
    starts, ends = stretches.T
    marks = np.stack([starts - FADE_S, starts, ends, ends + FADE_S], axis=1).ravel()
    levels = np.tile([0.0, 1.0, 1.0, 0.0], len(stretches))
    phase = np.interp(np.arange(first, first + frames) / rate, marks, levels)
    return (0.5 - 0.5 * np.cos(np.pi * phase)).astype(np.float32)
