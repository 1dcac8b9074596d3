"""A separated programme with its gaps made whole: the bed waits on disk until it is known where anybody speaks.

Two are asked where that is, the programme and what was taken out of it, and either is believed: a voice under loud
music is heard only in what was taken out, and a voice that was left in the bed only in the programme. Channels that the
network hears together are heard together here too, so that a voice in one channel of six is not lost among the others.
Only the probabilities are kept of the whole programme, half a megabyte an hour.
"""

from collections.abc import Generator, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from octavia_dag.dubbing.gaps import bed_share, spoken_stretches, whole_where_nobody_speaks
from octavia_dag.dubbing.overlapping import Samples
from octavia_dag.resources.spool import Spool
from octavia_dag.resources.stopwatch import busy
from octavia_dag.resources.studio.htdemucs import RATE_HZ
from octavia_dag.resources.studio.programme import Programme
from octavia_dag.resources.vad import RATE_HZ as HEARING_HZ
from octavia_dag.resources.vad import WINDOW_FRAMES, WINDOW_S, speech_probabilities

METHOD = "gaps-1"  # another number where equal probabilities would leave other gaps
# In windows of voice activity: five of them are a whole number of frames at the network's rate.
_PIECE = 960  # 30.72 s
_CONTEXT = 40  # 1.28 s on both sides: the detector remembers what it just heard
_WORKER = "separator"

Probabilities = NDArray[np.float32]


def with_whole_gaps(heard: Programme, beds: Iterable[Samples]) -> Generator[Samples]:
    """The bed of a programme, given in blocks and of the same length, and the programme itself where nobody speaks."""
    with Spool(heard.spool.channels, np.float32) as separated:
        for bed in beds:
            separated.append(bed)
        judged = [np.zeros(0, np.float32), *_judged(heard, separated)]
        stretches = spoken_stretches(np.concatenate(judged), WINDOW_S)
        piece = _frames(_PIECE)
        for start in range(0, heard.spool.frames, piece):
            programme, bed = (one.read(start, start + piece) for one in (heard.spool, separated))
            with busy("engine", _WORKER):
                share = bed_share(stretches, start, len(programme), RATE_HZ)
                joined = whole_where_nobody_speaks(programme, bed, share)
            yield joined


def _judged(heard: Programme, separated: Spool) -> Iterator[Probabilities]:
    """The probability that anybody speaks in each window, piece by piece."""
    for start in range(0, heard.spool.frames, _frames(_PIECE)):
        before = _CONTEXT if start else 0
        around = start - _frames(before), start + _frames(_PIECE + _CONTEXT)
        programme, bed = (one.read(*around) for one in (heard.spool, separated))
        asked = [sound[:, group.channels] for group in heard.groups for sound in (programme, programme - bed)]
        yield np.max([_speech(one) for one in asked], axis=0)[before : before + _PIECE]


def _speech(channels: Samples) -> Probabilities:
    """The probability of speech in each window of channels that are heard together."""
    import soxr

    with busy("engine", _WORKER):
        sound: Samples = soxr.resample(channels.mean(axis=1), RATE_HZ, HEARING_HZ)
    if not sound.any():
        return np.zeros(-(-len(sound) // WINDOW_FRAMES), np.float32)
    return speech_probabilities(sound)


def _frames(windows: int) -> int:
    """How many frames of the network's rate so many windows are."""
    return windows * WINDOW_FRAMES * RATE_HZ // HEARING_HZ
