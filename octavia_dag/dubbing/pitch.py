"""How high a voice speaks: the median fundamental frequency of its clearly voiced frames, by YIN.

YIN (de Cheveigne and Kawahara, 2002) needs nothing but sums of squared differences and answers "not voiced" where it
is unsure, so that music, breath and noise do not pull the median. Pitch alone does not tell a woman from a man (there
are women at 147 Hz and men at 141 Hz): it is one feature of two.
"""

import numpy as np
from numpy.typing import NDArray

LOWEST_HZ = 60.0
HIGHEST_HZ = 400.0
FRAME_S = 0.05
HOP_S = 0.01
CLEAR = 0.3  # looser than the paper's 0.1 to 0.15: the median forgives, and breathy voices keep enough frames
AS_DEEP = 0.05
QUIET_DB = -40.0  # below the loudest frame: breath and room
FEWEST = 10
_BLOCK = 250  # frames at once: the memory of a minute is that of three seconds, and it stays in the cache


def median_pitch_hz(sound: NDArray[np.float32], rate_hz: int) -> float:
    """Median pitch in Hz of a mono sound; 0.0 where fewer than 10 frames of 10 ms are clearly voiced."""
    voiced = pitch_track(sound, rate_hz)
    voiced = voiced[voiced > 0]
    return float(np.median(voiced)) if len(voiced) >= FEWEST else 0.0


def pitch_track(sound: NDArray[np.float32], rate_hz: int) -> NDArray[np.float64]:
    """Pitch in Hz every 10 ms, shape (frames,); 0.0 where a frame is not clearly voiced, or quiet."""
    longest = int(rate_hz / LOWEST_HZ) + 2
    size = round(FRAME_S * rate_hz)
    if len(sound) < size + longest:
        return np.zeros(0)
    frames = np.lib.stride_tricks.sliding_window_view(sound, size + longest)[:: round(HOP_S * rate_hz)]
    power = np.concatenate([np.mean(block**2, axis=1) for block in _blocks(frames)])
    pitch = np.concatenate([_yin(block.astype(np.float64), size, longest, rate_hz) for block in _blocks(frames)])
    return np.where(power > power.max() * 10 ** (QUIET_DB / 10), pitch, 0.0)


def _blocks(frames: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [frames[at : at + _BLOCK] for at in range(0, len(frames), _BLOCK)]


def _yin(frames: NDArray[np.float64], size: int, longest: int, rate_hz: int) -> NDArray[np.float64]:
    shortest = int(rate_hz / HIGHEST_HZ)
    dips = _normalised_difference(frames, size, longest)
    searched = dips[:, shortest : longest - 1]
    deepest = searched.min(axis=1)
    # A strong second harmonic dips under any fixed threshold at half the period, so the first dip that is about as
    # deep as the deepest is taken; from where it begins, it is followed to its bottom.
    first = (searched <= deepest[:, None] + AS_DEEP).argmax(axis=1)
    rises = np.diff(searched, axis=1, append=np.inf) >= 0
    rises[np.arange(searched.shape[1]) < first[:, None]] = False
    lag = rises.argmax(axis=1) + shortest
    rows = np.arange(len(frames))
    left, here, right = dips[rows, lag - 1], dips[rows, lag], dips[rows, lag + 1]
    bend = left - 2 * here + right
    shift = np.where(bend > 1e-12, 0.5 * (left - right) / np.maximum(bend, 1e-12), 0.0)
    return np.where(deepest < CLEAR, rate_hz / (lag + np.clip(shift, -1.0, 1.0)), 0.0)


def _normalised_difference(frames: NDArray[np.float64], size: int, longest: int) -> NDArray[np.float64]:
    """YIN's d'(lag), shape (frames, longest + 1): squared difference over its running mean; 1 at lag 0."""
    padded = 1 << (frames.shape[1] + size).bit_length()
    spectrum = np.fft.rfft(frames[:, :size], padded)
    products = np.fft.irfft(np.conj(spectrum) * np.fft.rfft(frames, padded), padded)[:, : longest + 1]
    squares = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1)
    energy = squares[:, size:] - squares[:, :-size]
    difference = np.maximum(energy[:, :1] + energy[:, : longest + 1] - 2 * products, 0.0)
    running = np.cumsum(difference[:, 1:], axis=1) / np.arange(1, longest + 1)
    dips = np.ones_like(difference)
    np.divide(difference[:, 1:], running, out=dips[:, 1:], where=running > 1e-12)
    return dips
