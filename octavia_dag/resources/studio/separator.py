"""Speech taken out by Demucs (htdemucs_6s): the bed is the sum of the other five stems, not the source less the vocals.

What a voice estimate misses stays in such a difference, and a transcriber reads the words from it (dubbing/separation);
the sum holds only what the network gave to an instrument, and what it gave to none goes with the voice.

The network hears the whole programme at one loudness, so the sound is spooled to disk while that is measured
(programme.py), then separated window by window on the network's own grid (dubbing/overlapping.py): an hour needs no
more memory than a minute. In float32 and without random shifts, so that equal sounds have equal beds. A window in which
nothing sounds costs nothing and stays silent.

Where nobody speaks the background is not the network's but the programme (gaps.py), whatever the weights make of it.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import islice

import numpy as np
from pydantic import Field

from octavia_dag.dubbing.overlapping import Grid, Samples, Window
from octavia_dag.resources.engines import EngineInfo, Licence, Separator
from octavia_dag.resources.resampling import resampled
from octavia_dag.resources.stopwatch import busy
from octavia_dag.resources.studio import gaps, htdemucs
from octavia_dag.resources.studio.device import CPU
from octavia_dag.resources.studio.engine import StudioEngine
from octavia_dag.resources.studio.htdemucs import RATE_HZ, Network
from octavia_dag.resources.studio.programme import Programme
from octavia_dag.resources.studio.residency import GIB, NoRoomError, memory_told, residents
from octavia_dag.resources.vad import revision as vad_revision

_METHOD = "stems-1"  # another number where equal weights would leave another background
_WORKER = "separator"
_GPU_BATCH = 8


class DemucsSeparator(StudioEngine, Separator):
    """htdemucs_6s. `batch` windows are heard at once; 0 is as many as pay: 8 on a GPU, 1 on a CPU, which gains nothing
    by more. `overlap` is the share of a window that the next one repeats: 0.25 as in the library; 0.1 is a sixth
    faster. Without `gaps` the background is the network's everywhere, also where nobody speaks.
    """

    weights: str = "adefossez/HTDemucs-6s@main"
    batch: int = Field(default=0, ge=0, le=64)
    overlap: float = Field(default=0.25, ge=0.0, le=0.9)
    gaps: bool = True

    def info(self) -> EngineInfo:
        """htdemucs_6s; of every language, since it knows voices and not words."""
        revision = f"{self.weights_revision()} {_METHOD} overlap={self.overlap:g}"
        if self.gaps:
            revision = f"{revision} {gaps.METHOD} vad={vad_revision()}"
        return EngineInfo(name=htdemucs.NAME, revision=revision, licence="MIT")

    def licences(self, language: str | None = None) -> tuple[Licence, ...]:
        """The same for every language."""
        return (
            Licence(part="demucs", name="MIT"),
            # Published so by their author in 2026, who had called the weights "for research" before.
            self.of_weights(Licence(part="the weights of htdemucs_6s", name="MIT, as published on the hub")),
            Licence(part="silero VAD", name="MIT"),
        )

    def background(self, blocks: Iterable[Samples], rate: int) -> Iterator[Samples]:
        """Background of a sound of any rate and channel count; see `Separator.background`.

        None of it comes before all of the sound has been heard, and with `gaps` before all of it is separated.
        """
        heard = Programme.spooled(blocks, rate, RATE_HZ, _WORKER, keep=self.gaps)
        if heard is None:
            return
        with closing(heard), closing(self._backgrounds(heard, rate)) as backgrounds:
            yield from backgrounds

    def _backgrounds(self, heard: Programme, rate: int) -> Generator[Samples]:
        """The background at the programme's rate."""
        beds = self._beds(heard)
        if heard.source is not None:
            yield from gaps.with_whole_gaps(heard, heard.source, beds, rate)
            return
        left = heard.frames
        for block in resampled(beds, RATE_HZ, rate, _WORKER):
            kept = block[:left]  # resampling forth and back may end a few samples late, or early
            left -= len(kept)
            if len(kept):
                yield kept
        if left:
            yield np.zeros((left, heard.spool.channels), np.float32)

    def _beds(self, heard: Programme) -> Iterator[Samples]:
        """The background at the network's rate."""
        if not heard.spool.frames:
            return
        with ExitStack() as stack:
            network, size = self._network(stack)
            grid = Grid(network.length, int((1 - self.overlap) * network.length), heard.spool.frames)
            yield from grid.joined(self._answers(heard, grid.windows(), network, size))

    def _network(self, stack: ExitStack) -> tuple[Network, int]:
        """The network, in use until `stack` ends, and how many windows fit beside it; the CPU's where it may help."""
        size, capacity = self.batch or (1 if self.home == CPU else _GPU_BATCH), residents(self.home).capacity
        while size > 1 and capacity is not None and _needs_gib(size) * GIB > capacity:
            size //= 2
        try:
            return stack.enter_context(self.resident(htdemucs.NAME, _needs_gib(size), self._load)), size
        except NoRoomError:
            if self.home == CPU or not self.cpu_fallback:
                raise
        return stack.enter_context(self.resident(htdemucs.NAME, _needs_gib(1), self._load, CPU)), 1

    def _load(self, device: str) -> Network:
        return htdemucs.load(self.folder(), device)

    def _answers(self, heard: Programme, windows: Iterator[Window], network: Network, size: int) -> Iterator[Samples]:
        """The background of each window, `size` windows at once."""
        while several := list(islice(windows, size)):
            sounds = [heard.spool.read(one.start, one.stop) for one in several]
            asked = [(n, group) for n, sound in enumerate(sounds) for group in heard.groups if group.sounds_in(sound)]
            pieces = [several[n].filled(group.heard(sounds[n])) for n, group in asked]
            made, size = self._separated(pieces, network, size)
            answers = [one.own(sound).copy() for one, sound in zip(several, sounds, strict=True)]
            for (n, group), bed in zip(asked, made, strict=True):
                answers[n][:, group.channels] = group.restored(several[n].answered(bed))
            yield from answers

    def _separated(self, pieces: Sequence[Samples], network: Network, size: int) -> tuple[list[Samples], int]:
        """The bed of every piece, and how many at once the device can hold: it is not asked for more again."""
        fits = size

        def run(batch: Sequence[Samples], device: str) -> Sequence[Samples]:
            nonlocal fits
            if device == self.home:
                try:
                    with busy("engine", _WORKER), memory_told():
                        return network.beds(batch)
                except MemoryError:
                    fits = max(1, len(batch) // 2)
                    raise
            with self.resident(htdemucs.NAME, _needs_gib(1), self._load, device) as other, busy("engine", _WORKER):
                return other.beds(batch)

        return self.fitting(pieces, run, size, "Separating"), fits


def _needs_gib(windows: int) -> float:
    return htdemucs.WEIGHTS_GIB + windows * htdemucs.WINDOW_GIB
