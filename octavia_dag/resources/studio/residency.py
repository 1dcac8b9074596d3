"""Models that stay in the card's memory, and batches that fit into it.

An engine says what its model needs; a model is loaded when it is first asked for, and stays. Where the next one would
not fit, the least recently used that nobody works with goes first; where those at work leave no room, it waits for
them. Who waits holds no model, so nobody waits for a waiter: one who holds a model and asks for another is refused.

When memory gives out all the same, idle models go and a model is loaded again, and a batch is halved and tried again; a
single piece is tried once more without idle models, then it fails, or goes to the CPU where the engine was told it may.
The libraries say in many ways that memory gave out: here it becomes a MemoryError, whoever says it.
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


class NoRoomError(EngineError):
    """A model itself does not fit, so no smaller batch helps."""


@dataclass
class _Held:
    """`users` are the threads that work with it."""

    model: Any
    needs: int
    users: list[int] = field(default_factory=list[int])
    used: int = 0


@dataclass
class Residents:
    """The models of one device. `capacity` in bytes; None: no limit (host memory is the system's to manage)."""

    capacity: int | None
    _held: dict[str, _Held] = field(default_factory=dict[str, _Held])
    _clock: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def using(self, name: str, needs: int, load: Callable[[], T]) -> Generator[T]:
        """The model called `name`, which needs `needs` bytes, loaded by `load` where it is not there.

        A NoRoomError where it cannot fit; a MemoryError where memory gives out on the work that is done with it.
        """
        user = threading.get_ident()
        held = self._take(name, needs, load, user)
        try:
            with memory_told():
                yield held.model
        finally:
            with self._changed:
                held.users.remove(user)
                self._changed.notify_all()

    def names(self) -> tuple[str, ...]:
        """What is there, the least recently used first."""
        with self._changed:
            return tuple(sorted(self._held, key=lambda name: self._held[name].used))

    def drop_idle(self) -> int:
        """Lets go of every model that nobody works with; how many bytes that frees."""
        with self._changed:
            idle = [name for name, held in self._held.items() if not held.users]
            freed = sum(self._held.pop(name).needs for name in idle)
        free_cache()
        return freed

    def _take(self, name: str, needs: int, load: Callable[[], T], user: int) -> _Held:
        with self._changed:
            self._clock += 1
            self._make_room(name, needs, user)
            held = self._held.get(name)
            if held is None:
                held = self._held[name] = _Held(self._loaded(name, load), needs)
            held.needs = max(held.needs, needs)
            held.users.append(user)
            held.used = self._clock
            return held

    def _loaded(self, name: str, load: Callable[[], T]) -> T:
        """The model; where memory gives out on it, once more without what is idle."""
        try:
            with busy("load", name), memory_told():
                return load()
        except MemoryError:
            self.drop_idle()
        try:
            with busy("load", name), memory_told():
                return load()
        except MemoryError as error:
            raise NoRoomError(f"Loading {name}: memory of the device gave out; {_REMEDY}.") from error

    def _make_room(self, name: str, needs: int, user: int) -> None:
        """Waits until `name` fits beside what is at work, and lets go of what is idle in its way."""
        if self.capacity is None:
            return
        if needs > self.capacity:
            raise NoRoomError(
                f"Loading {name} needs {needs / GIB:.1f} GiB, and the card has {self.capacity / GIB:.1f} GiB; "
                f"{_REMEDY}."
            )
        while not self._fits(name, needs):
            others = {other: held for other, held in self._held.items() if other != name}
            idle = [other for other in self.names() if other in others and not others[other].users]
            if idle:
                del self._held[idle[0]]
                free_cache()
            elif any(user in held.users for held in self._held.values()):
                raise NoRoomError(
                    f"Loading {name} needs {needs / GIB:.1f} GiB, which the card of {self.capacity / GIB:.1f} GiB does "
                    f"not have beside {', '.join(others)}; {_REMEDY}."
                )
            else:
                self._changed.wait()

    def _fits(self, name: str, needs: int) -> bool:
        """Whether `name` with `needs` fits beside all others that are there, or is there with so much already."""
        there = self._held.get(name)
        others = sum(held.needs for other, held in self._held.items() if other != name)
        return (there is not None and there.needs >= needs) or others + needs <= (self.capacity or 0)


_REMEDY = "use a smaller model or a larger card, set a smaller batch (the engine's option batch), or OCTAVIA_DEVICE=cpu"
_ALL: dict[str, Residents] = {}
_ALL_LOCK = threading.Lock()


def residents(device: str) -> Residents:
    """The models of `device`, one set per process."""
    with _ALL_LOCK:
        if device not in _ALL:
            _ALL[device] = Residents(_capacity(device))
        return _ALL[device]


def in_batches(
    pieces: Sequence[T],
    run: Callable[[Sequence[T]], Sequence[R]],
    *,
    size: int,
    what: str,
    instead: Callable[[Sequence[T]], Sequence[R]] | None = None,
) -> list[R]:
    """`run` over `pieces`, `size` at a time, results in order; where memory gives out, half as many at a time.

    A piece that does not fit even alone is run by `instead`; without it an EngineError names `what` does not fit.
    """
    done: list[R] = []
    dropped = False
    while len(done) < len(pieces):
        batch = pieces[len(done) : len(done) + size]
        try:
            with memory_told():
                done += run(batch)
        except NoRoomError:
            if instead is None:
                raise
            return done + in_batches(pieces[len(done) :], instead, size=size, what=what)
        except MemoryError as error:
            free_cache()
            size = max(1, len(batch) // 2)
            if len(batch) > 1:
                continue
            if not dropped:
                dropped = True
                drop_idle()
            elif instead is not None:
                done += in_batches(batch, instead, size=1, what=what)
            else:
                raise EngineError(
                    f"{what}: memory of the device gave out on a single piece; use a larger card, or shorter pieces."
                ) from error
    return done


def drop_idle() -> None:
    """Lets go of every model that nobody works with, on every device."""
    with _ALL_LOCK:
        every = tuple(_ALL.values())
    for one in every:
        one.drop_idle()


@contextmanager
def memory_told() -> Generator[None]:
    """What says in its own way that memory gave out becomes a MemoryError."""
    try:
        yield
    except RuntimeError as error:
        import torch

        if not isinstance(error, torch.OutOfMemoryError) and not any(mark in str(error) for mark in _FULL):
            raise
        raise MemoryError(str(error)) from error


# PyTorch's allocator, CUDA, CTranslate2; cuBLAS and cuDNN.
_FULL = ("out of memory", "ALLOC_FAILED")


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
