"""Whether a sound came through something as narrow as a telephone, where voices are too alike to be told apart.

A telephone lets nothing above 3.4 kHz pass, and what is heard of a voice above it is what tells it from its like. Above
4 kHz the recordings of telephones have -59 dB of their energy at the most, all others, an old wireless among them, -44
dB at the least.
"""

import numpy as np

from octavia_dag.dubbing.clustering import Vectors

_CUT_HZ = 4000
_LEAST_DB = -50.0
_FRAME_S = 0.032
_STEP = 1 / 32768  # of 16 bits, whose rounding is noise at all frequencies, and tells in a quiet sound


def narrow(sound: Vectors, rate_hz: int) -> bool:
    """Whether hardly anything of a mono sound lies above 4 kHz; of silence, which tells nothing, it is True."""
    size = round(_FRAME_S * rate_hz)
    whole = len(sound) // size * size
    frames = np.asarray(sound[:whole], np.float64).reshape(-1, size) * np.hanning(size)
    power = np.abs(np.fft.rfft(frames)) ** 2
    energy = power.sum(axis=1)
    loud = power[energy >= np.median(energy)] if len(power) else power  # in pauses only the noise is heard
    high = loud[:, np.fft.rfftfreq(size, 1 / rate_hz) >= _CUT_HZ]
    written = 2 * high.size * _STEP**2 / 12 * float((np.hanning(size) ** 2).sum())
    return float(high.sum()) <= float(loud.sum()) * 10 ** (_LEAST_DB / 10) + written
