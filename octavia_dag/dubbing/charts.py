"""Where things stand in a chart that has no fixed size: shares of its width and height, in per cent.

The charts of a report's page are drawn by its template: bars, points and one outline per sound, which need no library
beside them, take the page's colours in light and dark, and stretch with it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RATES_SHOWN = (0.7, 1.4)
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


def share(value: float, whole: float) -> float:
    """`value` in per cent of `whole`, between 0 and 100."""
    return round(min(max(100.0 * value / whole, 0.0), 100.0), 3) if whole > 0 else 0.0


def ticks(seconds: float, most: int) -> list[tuple[float, str]]:
    """Marks of a time axis, `most` at most: where they stand in per cent, and what is written there."""
    step = next((one for one in _STEPS_S if seconds / one <= most), _STEPS_S[-1])
    return [(share(at, seconds), clock(at)) for at in range(0, int(seconds) + 1, step)]


def clock(seconds: float) -> str:
    """1:02, or 1:02:03 from an hour on."""
    whole = int(seconds)
    minutes = f"{whole // 60 % 60:02d}" if whole >= 3600 else f"{whole // 60}"
    return f"{whole // 3600}:{minutes}:{whole % 60:02d}" if whole >= 3600 else f"{minutes}:{whole % 60:02d}"


def rate_height(rate: float) -> float:
    """How far under the top of a chart a rate stands."""
    low, high = RATES_SHOWN
    return round(100.0 - share(rate - low, high - low), 3)


def outline(low: NDArray[np.float32], high: NDArray[np.float32]) -> str:
    """A closed SVG path around a sound's extremes, 1 wide per column and 2 high; the loudest spot fills it."""
    loudest = max(float(np.abs(low).max(initial=0.0)), float(np.abs(high).max(initial=0.0)), 1e-3)
    tops = _points(range(len(high)), 1.0 - high / loudest)
    bottoms = _points(range(len(low) - 1, -1, -1), (1.0 - low / loudest)[::-1])
    return f"M{' '.join((*tops, *bottoms))}Z"


def _points(columns: Sequence[int], heights: NDArray[np.float32]) -> list[str]:
    return [f"{x} {y:.3g}" for x, y in zip(columns, heights.tolist(), strict=True)]
