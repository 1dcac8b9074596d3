"""The background is what an over-subtracting mask leaves, never source minus voice.

A voice estimate is always a little wrong, and a transcriber (or an ear) reads the words from what a plain
subtraction leaves. So the gain takes nearly twice the voice's power away; where that leaves a hole, the hole is
refilled to the level the background has in that bin a little before and after. What is computed is the sound to
*remove*, as a signal: where there is no voice it is exactly zero, so the source passes untouched whatever its rate.

Everything here is 48 kHz float32. Blocks are cut out of the stream with the context they need, so a result depends on
no earlier one and on no block's size.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Spectra = NDArray[np.complex64]

RATE_HZ = 48_000
WINDOW = 2880  # 60 ms: of 40 to 80 ms the longer gave a truer bed of tones, but a longer one smears drums
HOP = WINDOW // 4

# Measured on a dialogue over music, a speech in a noisy hall, four people in a quiet room: of 67, 22 and 173 words
# 0, 0 and 4 are left.
OVERSUBTRACTION = 1.8  # 2.0 lowers the bed by 0.1 dB more, 1.6 left 7 words of the quiet room
FLOOR = 1e-3  # voice 30 dB below the sound in a bin is masked there: the bin is left alone
SCALE_LIMIT = 2.0  # the estimate is up to 6 dB too quiet where the room is noisy; more is no estimate
SCALE_FRAMES, SCALE_BINS = 133, 97  # 2 s by 1.6 kHz; 0.5 s by 150 Hz costs 0.7 dB of SI-SDR
REFILL_BELOW = 0.5  # gain under which the level of the neighbouring frames is the better guess
REFILL_STEP = 3  # every third frame ...
REFILL_REACH = 5  # ... five of them on either side: 225 ms
REFILL_RANK = 7  # the 8th of 11 in ascending order: the median would leave the bed 0.3 dB lower

CONTEXT = (REFILL_STEP * REFILL_REACH + 3) * HOP  # what a sample's frames and their neighbours reach, on either side
BLOCK = 268 * HOP  # 4.02 s

LEAK = 10 ** (-26 / 10)  # voice outside the middle, in power over the voice: measured -34 or less on a centred voice
COHERENCE = 0.15  # and its share of what is outside the middle: measured 0.05 or less by chance
_BAND = slice(int(200 * WINDOW / RATE_HZ), int(4000 * WINDOW / RATE_HZ))
_HEARD = 1e-6  # mean power, -60 dBFS: less voice than this proves nothing
_SHORTEST = RATE_HZ


@dataclass(frozen=True)
class Layout:
    """What each channel of a programme may hold: indices in WAV order.

    `pair` is the front left and right, whose voice is mostly in the middle; `own` channels are asked for a voice
    each; `followers` (the surrounds) are left alone until the voice of the others is found in them. A channel in none
    of them (the LFE) never speaks.
    """

    pair: tuple[int, int] | None = None
    own: tuple[int, ...] = ()
    followers: tuple[int, ...] = ()


def layout(channels: int) -> Layout:
    """The layout that a channel count stands for (FL FR FC LFE BL BR SL SR); an unknown count asks every channel."""
    known = {
        2: Layout(pair=(0, 1)),
        3: Layout(pair=(0, 1), own=(2,)),
        4: Layout(pair=(0, 1), own=(2, 3)),
        5: Layout(pair=(0, 1), own=(2,), followers=(3, 4)),
        6: Layout(pair=(0, 1), own=(2,), followers=(4, 5)),
        7: Layout(pair=(0, 1), own=(2,), followers=(4, 5, 6)),
        8: Layout(pair=(0, 1), own=(2,), followers=(4, 5, 6, 7)),
    }
    return known.get(channels, Layout(own=tuple(range(channels))))


def carries_voice(sound: Samples, voice: Samples) -> bool:
    """Whether `sound`, shape (frames,), holds a filtered or shifted copy of `voice`, same shape.

    The test is coherence per bin over the whole block, so a copy that is panned, delayed or coloured counts; LEAK and
    COHERENCE were measured on a centred voice (negative) and on voices panned 0.1 to 1 or delayed 0.4 ms (positive).
    """
    if len(voice) < _SHORTEST or float(np.mean(voice * voice)) < _HEARD or not sound.any():
        return False
    of_sound, of_voice = spectra(sound)[:, _BAND], spectra(voice)[:, _BAND]
    voice_power = power(of_voice).sum(axis=0)
    common = np.abs((of_sound * of_voice.conj()).sum(axis=0)) ** 2
    explained = float((common / np.maximum(voice_power, 1e-20)).sum())
    return explained > LEAK * float(voice_power.sum()) and explained > COHERENCE * float(power(of_sound).sum())


def beside_the_middle(side: Samples, middle: Samples, voice: Samples) -> bool:
    """Whether a pair's voice is not only in its middle, given half the channels' difference and the middle's voice.

    Where the middle has less than half the side's power (one channel is inverted) it tells nothing of the voice, so
    the side counts.
    """
    inverted = float(np.mean(side * side)) > max(_HEARD, 2 * float(np.mean(middle * middle))) if len(side) else False
    return inverted or carries_voice(side, voice)


def removal(sound: Samples, voice: Samples) -> Samples:
    """What to subtract from `sound` so that `voice` is no longer understood in it.

    Both have the shape (CONTEXT + frames + CONTEXT,), frames a multiple of HOP; the answer has (frames,). Without any
    voice it is exactly zero.
    """
    frames = len(sound) - 2 * CONTEXT
    if not voice.any():
        return np.zeros(frames, np.float32)
    of_sound = spectra(sound)
    taken = of_sound - background_spectra(of_sound, full_scale(of_sound, spectra(voice)))
    return overlap_add(taken)[CONTEXT : CONTEXT + frames]


def full_scale(sound: Spectra, voice: Spectra) -> Spectra:
    """The voice at the level it has in the sound; both of shape (frames, bins).

    An enhancer that is unsure turns the voice down (by 3 dB in a noisy hall), and the missing part stays in the
    background, to be understood. What else sounds has nothing to do with the voice, so the regression of the sound on
    the estimate, Re <X, V> / <V, V> over a wide neighbourhood, tells the factor. It only ever raises.
    """
    from scipy.ndimage import uniform_filter

    size = (SCALE_FRAMES, SCALE_BINS)
    common = uniform_filter(sound.real * voice.real + sound.imag * voice.imag, size)
    factor = common / np.maximum(uniform_filter(power(voice), size), 1e-20)
    return voice * np.clip(factor, 1.0, SCALE_LIMIT)


def background_spectra(sound: Spectra, voice: Spectra) -> Spectra:
    """Background of the frames `sound` given their `voice`; both of shape (frames, bins).

    Gain sqrt(1 - a |V|^2 / |X|^2), clipped at 0: power subtraction with an over-subtraction factor a (Berouti,
    Schwartz and Makhoul, 1979). Refilled bins take the phase of X - V and are never louder than X.
    """
    level = np.abs(sound)
    excess = np.maximum(power(voice) / np.maximum(level * level, 1e-20) - FLOOR, 0.0)
    gain = np.sqrt(np.clip(1.0 - OVERSUBTRACTION * excess, 0.0, 1.0))
    hole = np.nonzero(gain < REFILL_BELOW)
    rest = gain * level
    wanted = np.maximum(rest[hole], np.minimum(_usual(rest, *hole), level[hole]))
    left = sound[hole] - voice[hole]
    background = gain * sound
    background[hole] = wanted * left / np.maximum(np.abs(left), 1e-12)
    return background


def _usual(level: Samples, frame: NDArray[np.intp], column: NDArray[np.intp]) -> Samples:
    """The usual level of some bins in the frames around theirs, in portions that fit a processor's cache."""
    found = np.empty(len(frame), np.float32)
    reach = np.arange(-REFILL_REACH, REFILL_REACH + 1) * REFILL_STEP
    for start in range(0, len(frame), 1 << 15):
        part = slice(start, start + (1 << 15))
        near = np.clip(frame[part, None] + reach, 0, len(level) - 1)
        found[part] = np.partition(level[near, column[part, None]], REFILL_RANK, axis=1)[:, REFILL_RANK]
    return found


def power(frames: Spectra) -> Samples:
    """Squared magnitude."""
    return frames.real**2 + frames.imag**2


def spectra(sound: Samples) -> Spectra:
    """Short-time spectra, shape (frames, WINDOW // 2 + 1), of whole windows only."""
    import scipy.fft

    windows = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
    return scipy.fft.rfft(windows * _window(), axis=1).astype(np.complex64, copy=False)


def overlap_add(frames: Spectra) -> Samples:
    """The sound of `spectra`, exact where four windows overlap (the square root of Hann adds to 2)."""
    import scipy.fft

    windows: Samples = scipy.fft.irfft(frames, WINDOW, axis=1) * _window()
    overlap = WINDOW // HOP
    hops = np.zeros((len(windows) + overlap - 1, HOP), np.float32)
    for part in range(overlap):
        hops[part : part + len(windows)] += windows[:, part * HOP : (part + 1) * HOP]
    return hops.ravel() * np.float32(2 / overlap)


def _window() -> Samples:
    return np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
