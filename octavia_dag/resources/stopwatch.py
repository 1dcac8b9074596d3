"""Where the time goes: one process-wide record of when an engine, a model load or ffmpeg was at work.

The orchestration ratio is the run's wall time over the union of these intervals, so the record must overlap
freely (lines are spoken in parallel) and cost nothing. It is a list behind a lock, read by the command's summary
and by a step's metadata.
"""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

Kind = Literal["engine", "load", "ffmpeg"]


@dataclass(frozen=True)
class Interval:
    """`start` and `end` on the monotonic clock, in seconds."""

    kind: Kind
    name: str
    start: float
    end: float


_LOCK = threading.Lock()
_INTERVALS: list[Interval] = []


@contextmanager
def busy(kind: Kind, name: str) -> Generator[None]:
    """Records the time spent inside as work of `name`."""
    start = time.monotonic()
    try:
        yield
    finally:
        with _LOCK:
            _INTERVALS.append(Interval(kind, name, start, time.monotonic()))


def intervals(since: float = 0.0) -> list[Interval]:
    """The intervals that ended after `since` on the monotonic clock."""
    with _LOCK:
        return [interval for interval in _INTERVALS if interval.end > since]


def union_seconds(found: list[Interval]) -> float:
    """Length of the union of `found`: overlapping work counts once."""
    total, reached = 0.0, float("-inf")
    for interval in sorted(found, key=lambda one: one.start):
        total += max(0.0, interval.end - max(interval.start, reached))
        reached = max(reached, interval.end)
    return total
