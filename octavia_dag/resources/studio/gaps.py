"""A separated programme with its gaps made whole: the bed waits on disk until it is known where anybody speaks.

Two are asked where that is, the programme and what was taken out of it, and either is believed: a voice under loud
music is heard only in what was taken out, and a voice that was left in the bed only in the programme. Channels that the
network hears together are heard together here too, so that a voice in one channel of six is not lost among the others.
Only the probabilities are kept of the whole programme, half a megabyte an hour.

What was taken out is then taken from the programme at its own rate, which is never resampled itself: where that is
nothing, not a sample differs.
"""

from collections.abc import Generator, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from octavia_dag.dubbing.gaps import bed_share, spoken_stretches
from octavia_dag.dubbing.overlapping import Samples
from octavia_dag.resources.resampling import resampled
from octavia_dag.resources.spool import Spool
from octavia_dag.resources.stopwatch import busy
from octavia_dag.resources.studio.htdemucs import RATE_HZ
from octavia_dag.resources.studio.programme import Programme
from octavia_dag.resources.vad import RATE_HZ as HEARING_HZ
from octavia_dag.resources.vad import WINDOW_FRAMES, WINDOW_S, speech_probabilities

METHOD = "gaps-1"  # another number where equal probabilities would leave other gaps
# In windows of voice activity: five of them are a whole number of frames at the network's rate.
_PIECE = 960  # 30.72 s are judged at once
_CONTEXT = 40  # 1.28 s on both sides: the detector remembers what it just heard
_BLOCK = 160  # 5.12 s
_WORKER = "separator"

Probabilities = NDArray[np.float32]


def with_whole_gaps(heard: Programme, source: Spool, beds: Iterable[Samples], rate: int) -> Generator[Samples]:
    """The bed where anybody speaks, and the programme itself where nobody does, at the programme's own rate.

    `source` holds it so; `beds` are of the same length as what the network heard.
    """
    with Spool(heard.spool.channels, np.float32) as separated:
        for bed in beds:
            separated.append(bed)
        position = 0
        for removed in resampled(_removals(heard, separated), RATE_HZ, rate, _WORKER):
            block = source.read(position, position + len(removed))
            position += len(block)
            if len(block):
                yield block - removed[: len(block)]
    if position < source.frames:  # resampling forth and back may end a few samples early
        yield source.read(position, source.frames)


def _removals(heard: Programme, separated: Spool) -> Iterator[Samples]:
    """What to take from the programme, at the network's rate: nothing where nobody speaks."""
    pieces = list(_judged(heard, separated))
    stretches = spoken_stretches(np.concatenate(pieces, axis=1) if pieces else (), WINDOW_S)
    for start in range(0, heard.spool.frames, _frames(_BLOCK)):
        programme, bed = (one.read(start, start + _frames(_BLOCK)) for one in (heard.spool, separated))
        share = bed_share(stretches, start, len(programme), RATE_HZ)
        yield share[:, np.newaxis] * (programme - bed)


def _judged(heard: Programme, separated: Spool) -> Iterator[Probabilities]:
    """The probability that anybody speaks, piece by piece: a row of windows for each that is asked."""
    for start in range(0, heard.spool.frames, _frames(_PIECE)):
        before = _CONTEXT if start else 0
        around = start - _frames(before), start + _frames(_PIECE + _CONTEXT)
        programme, bed = (one.read(*around) for one in (heard.spool, separated))
        asked = [sound[:, group.channels] for group in heard.groups for sound in (programme, programme - bed)]
        yield np.stack([_speech(one) for one in asked])[:, before : before + _PIECE]


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
