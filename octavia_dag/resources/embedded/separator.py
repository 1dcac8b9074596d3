"""Speech taken out by DeepFilterNet at 48 kHz, in blocks of 4 s: an hour needs no more memory than a minute.

A chain of generators: source blocks, the same at 48 kHz, each with its voice (channel_voices.py), what to remove
(dubbing/separation.py), that at the source's rate, the source less that. So another rate costs the source nothing: it
is never resampled itself. Blocks lie on a grid of our own, so the result does not depend on how the sound arrives.
"""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from octavia_dag.dubbing import separation as craft
from octavia_dag.dubbing.separation import Samples
from octavia_dag.dubbing.streaming import Queue, equal_blocks, with_context
from octavia_dag.resources.embedded.channel_voices import ChannelVoices
from octavia_dag.resources.engines import EngineInfo, Separator
from octavia_dag.resources.models import model, model_dir
from octavia_dag.resources.resampling import resampled
from octavia_dag.resources.stopwatch import busy

MODEL = "deepfilternet3"
_METHOD = "mask-1"  # another number where equal weights would leave another background
_SOURCE_BLOCK_S = 2
_WORKER = "separator"


class DeepFilterSeparator(Separator):
    """DeepFilterNet 3 and an over-subtracting mask."""

    def info(self) -> EngineInfo:
        """DeepFilterNet 3; of every language, since it knows voices and not words."""
        revision = f"{model(MODEL).revision} {_METHOD}"
        return EngineInfo(name="deepfilternet", revision=revision, licence="MIT OR Apache-2.0")

    def background(self, blocks: Iterable[Samples], rate: int) -> Iterator[Samples]:
        """Background of a sound of any rate and channel count; see `Separator.background`."""
        waiting = Queue()
        workers = self.threads or os.cpu_count() or 1
        with ThreadPoolExecutor(workers) as pool, ChannelVoices(model_dir(self.models_dir, MODEL), pool) as voices:
            arriving = _kept(equal_blocks(blocks, _SOURCE_BLOCK_S * rate), waiting)
            pairs = voices.beside(resampled(arriving, rate, craft.RATE_HZ, _WORKER))
            for removed in resampled(_removals(pairs, pool), craft.RATE_HZ, rate, _WORKER):
                # Above 48 kHz, resampling forth and back may end a few samples late, or early.
                frames = min(len(removed), len(waiting))
                if frames:
                    yield waiting.pop(frames) - removed[:frames]
            if len(waiting):
                yield waiting.pop(len(waiting))


def _kept(blocks: Iterable[Samples], waiting: Queue) -> Iterator[Samples]:
    for block in blocks:
        waiting.push(block)
        yield block


def _removals(pairs: Iterable[tuple[Samples, Samples]], pool: ThreadPoolExecutor) -> Iterator[Samples]:
    """What to remove from each channel of a 48 kHz sound, given with its voice beside it."""

    def compute(both: Samples) -> Samples:
        channels = both.shape[1] // 2
        with busy("engine", _WORKER):
            return np.stack(list(pool.map(craft.removal, both.T[:channels], both.T[channels:])), axis=1)

    joined = (np.concatenate(pair, axis=1) for pair in pairs)
    return with_context(joined, compute, frames=craft.BLOCK, context=craft.CONTEXT, multiple=craft.HOP)
