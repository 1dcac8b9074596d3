"""Models that stay in the card's memory, and batches that fit into it.

An engine says what its model needs; a model is loaded when it is first asked for, and stays. Where the next one would
not fit, the least recently used that nobody works with goes first. When memory gives out all the same, the batch is
halved and tried again; a single piece that does not fit fails, or goes to the CPU where the engine was told it may.
"""

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from octavia_dag.errors import EngineError
from octavia_dag.resources.stopwatch import busy

T = TypeVar("T")
R = TypeVar("R")
GIB = 1 << 30
# What CUDA itself and its allocator keep back of a card.
_SPARE_BYTES = GIB


@dataclass
class _Held:
    model: Any
    needs: int
    users: int = 0
    used: int = 0


@dataclass
class Residents:
    """The models of one device. `capacity` in bytes; None: no limit (host memory is the system's to manage)."""

    capacity: int | None
    _held: dict[str, _Held] = field(default_factory=dict[str, _Held])
    _clock: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @contextmanager
    def using(self, name: str, needs: int, load: Callable[[], T]) -> Generator[T]:
        """The model called `name`, which needs `needs` bytes, loaded by `load` where it is not there."""
        held = self._take(name, needs, load)
        try:
            yield held.model
        finally:
            with self._lock:
                held.users -= 1

    def names(self) -> tuple[str, ...]:
        """What is there, the least recently used first."""
        with self._lock:
            return tuple(sorted(self._held, key=lambda name: self._held[name].used))

    def drop_idle(self) -> int:
        """Lets go of every model that nobody works with; how many bytes that frees."""
        with self._lock:
            idle = [name for name, held in self._held.items() if not held.users]
            freed = sum(self._held.pop(name).needs for name in idle)
        free_cache()
        return freed

    def _take(self, name: str, needs: int, load: Callable[[], T]) -> _Held:
        with self._lock:
            self._clock += 1
            held = self._held.get(name)
            if held is None:
                self._make_room(name, needs)
                with busy("load", name):
                    held = _Held(load(), needs)
                self._held[name] = held
            held.users += 1
            held.used = self._clock
            return held

    def _make_room(self, name: str, needs: int) -> None:
        if self.capacity is None:
            return
        if needs > self.capacity:
            raise EngineError(
                f"Loading {name} needs {needs / GIB:.1f} GiB, and the card has {self.capacity / GIB:.1f} GiB; "
                "use a smaller model or a larger card, or set OCTAVIA_DEVICE=cpu."
            )
        for other in self.names():
            if sum(held.needs for held in self._held.values()) + needs <= self.capacity:
                return
            if not self._held[other].users:
                del self._held[other]
                free_cache()


_ALL: dict[str, Residents] = {}
_ALL_LOCK = threading.Lock()


def residents(device: str) -> Residents:
    """The models of `device`, one set per process."""
    with _ALL_LOCK:
        if device not in _ALL:
            _ALL[device] = Residents(_capacity(device))
        return _ALL[device]


def in_batches(pieces: Sequence[T], run: Callable[[Sequence[T]], Sequence[R]], *, size: int, what: str) -> list[R]:
    """`run` over `pieces`, `size` at a time, results in order; where memory gives out, half as many at a time.

    An EngineError names `what` does not fit even alone.
    """
    done: list[R] = []
    while len(done) < len(pieces):
        batch = pieces[len(done) : len(done) + size]
        try:
            done += run(batch)
        except memory_errors() as error:
            free_cache()
            if len(batch) == 1:
                raise EngineError(
                    f"{what}: memory of the device gave out on a single piece; use a larger card, or shorter pieces."
                ) from error
            size = len(batch) // 2
    return done


def memory_errors() -> tuple[type[BaseException], ...]:
    """What says that memory gave out."""
    import torch

    return (torch.OutOfMemoryError, MemoryError)


def free_cache() -> None:
    """Gives the card's memory that nothing uses any more back to it."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _capacity(device: str) -> int | None:
    import torch

    if not device.startswith("cuda"):
        return None
    return int(torch.cuda.get_device_properties(device).total_memory) - _SPARE_BYTES
