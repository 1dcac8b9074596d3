"""Where a sound begins and ends, and where it pauses: a line is placed by what is heard, not by its file.

A synthesizer leaves silence at both ends (Kokoro leads with 0.2 s), which would make every line late. What counts
as sounding is one definition for trimming, placing and measuring: a 10 ms frame whose peak is above -40 dB of the
whole sound's peak. Ends are faded over 5 ms so that no cut clicks.
"""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

FRAME_S = 0.01
FLOOR_DB = -40.0


def sounding(sound: Samples, rate_hz: int, *, floor_db: float = FLOOR_DB) -> NDArray[np.bool_]:
    """For each 10 ms frame of a mono sound whether it is heard: its peak above `floor_db` of the sound's own peak.

    The last frame may be shorter. All False where the sound is silent.
    """
    frame = max(1, round(FRAME_S * rate_hz))
    peaks = np.maximum.reduceat(np.abs(sound), np.arange(0, len(sound), frame)) if len(sound) else np.zeros(0)
    top = float(peaks.max(initial=0.0))
    return peaks > top * 10 ** (floor_db / 20) if top > 0.0 else np.zeros(len(peaks), np.bool_)


def onset_s(sound: Samples, rate_hz: int) -> float | None:
    """Start in seconds of the first frame that is heard; None where nothing is."""
    heard = np.flatnonzero(sounding(sound, rate_hz))
    return float(heard[0]) * FRAME_S if len(heard) else None


def trimmed(sound: Samples, rate_hz: int, *, margin_s: float = 0.01, fade_s: float = 0.005) -> Samples:
    """The sound from its first heard frame to its last, `margin_s` more at both ends, faded; empty where silent."""
    start, end = heard_samples(sound, rate_hz, margin_s=margin_s)
    return faded(sound[start:end], rate_hz, fade_s=fade_s)


def heard_samples(sound: Samples, rate_hz: int, *, margin_s: float = 0.01) -> tuple[int, int]:
    """Where the first heard frame begins and the last one ends, `margin_s` more at both ends; 0, 0 in silence."""
    heard = np.flatnonzero(sounding(sound, rate_hz))
    if not len(heard):
        return 0, 0
    frame, margin = max(1, round(FRAME_S * rate_hz)), round(margin_s * rate_hz)
    return max(0, int(heard[0]) * frame - margin), min(len(sound), (int(heard[-1]) + 1) * frame + margin)


def faded(sound: Samples, rate_hz: int, *, fade_s: float = 0.005) -> Samples:
    """The sound with straight fades of `fade_s` at both ends (of half its length where it is shorter than two)."""
    size = min(round(fade_s * rate_hz), len(sound) // 2)
    out = sound.astype(np.float32, copy=True)
    if size:
        ramp = np.linspace(0.0, 1.0, size, endpoint=False, dtype=np.float32)
        out[:size] *= ramp
        out[len(out) - size :] *= ramp[::-1]
    return out


def pauses(sound: Samples, rate_hz: int, *, shortest_s: float) -> list[tuple[float, float]]:
    """The silences of at least `shortest_s` between heard frames, as (start, end) in seconds of the sound."""
    heard = np.flatnonzero(sounding(sound, rate_hz))
    gaps = np.flatnonzero(np.diff(heard) > 1)
    found = [(float(heard[gap] + 1) * FRAME_S, float(heard[gap + 1]) * FRAME_S) for gap in gaps]
    return [(start, end) for start, end in found if end - start >= shortest_s - 1e-9]
