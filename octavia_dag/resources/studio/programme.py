"""A programme as a network of two channels hears it: which channels together, how loud, and where it waits on disk.

The front pair and each pair of surrounds are heard together, every other channel as both sides of a pair. An LFE never
speaks and belongs to no group. A group is brought to one loudness: less the mean of the whole, over its deviation.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from octavia_dag.dubbing.overlapping import Samples
from octavia_dag.dubbing.separation import layout
from octavia_dag.errors import EngineError
from octavia_dag.resources.resampling import resampled
from octavia_dag.resources.spool import Spool

_LEAST = 1e-8  # what Demucs' own library adds to a deviation, so that silence can be divided by it


@dataclass
class Group:
    """Channels that are heard together, two or one, and what was measured of them so far."""

    channels: list[int]
    _count: int = 0
    _sum: float = 0.0
    _squares: float = 0.0

    def measure(self, block: Samples) -> None:
        """Takes the next frames into mean and deviation, which are those of both channels' middle."""
        middle = block[:, self.channels].mean(axis=1, dtype=np.float64)
        self._count += len(middle)
        self._sum += float(middle.sum())
        self._squares += float(middle @ middle)

    @property
    def mean(self) -> float:
        """Mean of all frames."""
        return self._sum / self._count

    @property
    def scale(self) -> float:
        """Deviation of all frames, and a little more."""
        spread = max(0.0, self._squares - self._count * self.mean**2)
        return float(np.sqrt(spread / max(1, self._count - 1))) + _LEAST

    def sounds_in(self, frames: Samples) -> bool:
        """Whether anything but silence is in these frames."""
        return bool(frames[:, self.channels].any())

    def heard(self, frames: Samples) -> Samples:
        """The group's channels as the network hears them, shape (frames, 2)."""
        even = (frames[:, self.channels] - np.float32(self.mean)) / np.float32(self.scale)
        return np.broadcast_to(even, (len(even), 2))

    def restored(self, made: Samples) -> Samples:
        """What the network made, shape (frames, 2), at the programme's own loudness and channels."""
        loud = made * np.float32(self.scale) + np.float32(self.mean)
        return loud if len(self.channels) == 2 else loud.mean(axis=1, keepdims=True)


@dataclass
class Programme:
    """A sound that was heard to its end: `frames` at its own rate, and all of it on disk at the network's.

    As it was given it is on disk too where `source` was asked for.
    """

    spool: Spool
    groups: tuple[Group, ...]
    source: Spool | None = None
    frames: int = field(default=0)

    @classmethod
    def spooled(
        cls, blocks: Iterable[Samples], rate: int, wanted: int, worker: str, *, keep: bool = False
    ) -> Self | None:
        """The programme given in blocks, to be closed; None where there is not a single block. `keep` keeps it at its
        own rate too.
        """
        arriving = iter(blocks)
        first = next(arriving, None)
        if first is None:
            return None
        made = cls(Spool(first.shape[1], np.float32), groups_of(first.shape[1]))
        try:
            made.source = Spool(first.shape[1], np.float32) if keep else None
            for block in resampled(made._counted(first, arriving), rate, wanted, worker):
                made.spool.append(block)
                for group in made.groups:
                    group.measure(block)
        except BaseException:
            made.close()
            raise
        return made

    def close(self) -> None:
        """Gives the disk back."""
        self.spool.close()
        if self.source is not None:
            self.source.close()

    def _counted(self, first: Samples, blocks: Iterator[Samples]) -> Iterator[Samples]:
        block: Samples | None = first
        while block is not None:
            if not np.isfinite(block).all():
                raise EngineError(
                    f"Separating: after frame {self.frames} the sound holds values that are no numbers or infinite; "
                    "mend the audio of the source."
                )
            self.frames += len(block)
            if self.source is not None:
                self.source.append(block)
            yield block
            block = next(blocks, None)


def groups_of(channels: int) -> tuple[Group, ...]:
    """Which of so many channels are heard together."""
    known = layout(channels)
    surrounds = list(known.followers)
    alone = [*known.own, *surrounds[: len(surrounds) % 2]]
    paired = surrounds[len(surrounds) % 2 :]
    pairs = [list(known.pair)] if known.pair else []
    pairs += [paired[index : index + 2] for index in range(0, len(paired), 2)]
    return tuple(Group(one) for one in [*pairs, *([one] for one in alone)])
