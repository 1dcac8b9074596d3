"""How far a step is, told to whoever listens in this process (the command's progress line).

A step reports fractions of its own work; without a listener that costs one comparison. The listener belongs to the
process because a run in this process has no other channel to the command that started it.
"""

from collections.abc import Callable

Listener = Callable[[str, float], None]
_listeners: list[Listener] = []


def listen(listener: Listener | None) -> None:
    """Makes `listener(asset, fraction)` the one that hears; None: nobody."""
    _listeners[:] = [listener] if listener else []


def report(asset: str, fraction: float) -> None:
    """`fraction` (0 to 1) of `asset` is done."""
    for listener in _listeners:
        listener(asset, min(1.0, max(0.0, fraction)))
