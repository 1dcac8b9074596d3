"""How far a step is, told to whoever listens in this process: the command's progress line, and the run's log in the UI.

A step reports fractions of its own work; without a listener that costs one comparison. The listener belongs to the
process because a run in this process has no other channel to the command that started it. A log keeps every line for
ever, so what goes there is told only every ten seconds, and nothing of a step that is done before.
"""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

Listener = Callable[[str, float], None]
_listeners: list[Listener] = []
_also: list[Listener] = []
_EVERY_S = 10.0


def listen(listener: Listener | None) -> None:
    """Makes `listener(asset, fraction)` the one that hears; None: nobody."""
    _listeners[:] = [listener] if listener else []


@contextmanager
def also(listener: Listener) -> Generator[None]:
    """Lets another one hear for a while."""
    _also.append(listener)
    try:
        yield
    finally:
        _also.remove(listener)


def report(asset: str, fraction: float) -> None:
    """`fraction` (0 to 1) of `asset` is done."""
    for listener in (*_listeners, *_also):
        listener(asset, min(1.0, max(0.0, fraction)))


def throttled(
    tell: Callable[[str], None], every_s: float = _EVERY_S, now: Callable[[], float] = time.monotonic
) -> Listener:
    """A listener that tells a sentence at most every `every_s` seconds, the first one after that time."""
    begun = told = now()

    def hear(asset: str, fraction: float) -> None:
        nonlocal told
        if now() - told < every_s or not 0.0 < fraction < 1.0:
            return
        told = now()
        spent = told - begun
        tell(f"{asset}: {fraction:.0%} after {spent:.0f} s, about {spent / fraction - spent:.0f} s left")

    return hear
