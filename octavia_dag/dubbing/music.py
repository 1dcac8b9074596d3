"""How much of a programme is music: 0 for speech, in a hissing hall too, 1 for music.

A second counts where what is not speech comes within 25 dB of the whole. That alone would take noise, and what a
separator leaves of a voice, for music: it must also hold tones. Over a whole second an instrument's partials stand
still as narrow peaks, while noise is flat and a voice, which glides, is smeared. Drums alone are not recognised.
"""

import numpy as np
from numpy.typing import NDArray

WINDOW_S = 1.0
SOUNDING_DBFS = -50.0
WITHIN_DB = 25.0
# Share of the background's power in peaks. Measured per second: beds of music, under speech too, 0.55 to 0.97 (median
# 0.9); a hall's hiss and rests of voices 0.00 to 0.56 (median 0.1); white noise 0.01.
TONAL_SHARE = 0.6
# A peak: 10 times the median power within 50 Hz. A bin of white noise gets there once in 1024 (its power is
# exponential: 2 to the minus 10).
_PEAK_OVER_MEDIAN = 10.0
_NEIGHBOURHOOD_HZ = 101
_BAND_HZ = (60.0, 6000.0)


def music_score(mix: NDArray[np.float32], background: NDArray[np.float32], rate: int) -> float:
    """Share of the sounding 1 s windows of `mix` (above -50 dBFS) whose `background` is music; 0.0 where none sounds.

    Music: within 25 dB of the window, and tonal. Both are mono, of shape (frames,), and in time; `background` is what
    a separator leaves when it takes speech out of `mix`. A rest shorter than a window is left out, unless it is all.
    """
    if mix.shape != background.shape:
        raise ValueError(f"mix and background must have one shape, got {mix.shape} and {background.shape}")
    window = max(1, min(round(WINDOW_S * rate), len(mix)))
    whole, beside = _windows(mix, window), _windows(background, window)
    levels_db = _levels_db(whole)
    sounding = levels_db > SOUNDING_DBFS
    if not np.any(sounding):
        return 0.0
    near = sounding & (_levels_db(beside) >= levels_db - WITHIN_DB)
    tonal = [tonal_share(part, rate) >= TONAL_SHARE for part in beside[near]]
    return float(np.sum(tonal) / np.sum(sounding))


def tonal_share(sound: NDArray[np.float32], rate: int) -> float:
    """Share of the power between 60 Hz and 6 kHz that lies in peaks of the spectrum; 0.0 for silence."""
    from scipy.ndimage import median_filter

    power = np.square(np.abs(np.fft.rfft(sound * np.hanning(len(sound)))))
    at_hz = np.fft.rfftfreq(len(sound), 1.0 / rate)
    power = power[(at_hz >= _BAND_HZ[0]) & (at_hz <= min(_BAND_HZ[1], 0.475 * rate))]
    total = float(np.sum(power))
    if total == 0.0:
        return 0.0
    usual = median_filter(power, max(1, round(_NEIGHBOURHOOD_HZ * len(sound) / rate)), mode="nearest")
    return float(np.sum(power[power > _PEAK_OVER_MEDIAN * usual])) / total


def _windows(sound: NDArray[np.float32], window: int) -> NDArray[np.float32]:
    count = len(sound) // window
    return sound[: count * window].reshape(count, window)


def _levels_db(windows: NDArray[np.float32]) -> NDArray[np.float64]:
    """RMS of each window, in dBFS."""
    power = np.mean(np.square(windows, dtype=np.float64), axis=1)
    return 10.0 * np.log10(np.maximum(power, 1e-20))
