"""What a transcriber gets to hear: windows of at most 28 s that hold speech and little else.

A transcriber that is shown long silence or music invents words, and one that is shown a second of speech alone lacks
context. So speech stretches are packed into windows, short pauses keep their true length, longer ones are shortened
to a second of what is really there, and every time is mapped back to the sound's own. Windows are parted at their
longest pause, since a sentence seldom runs across one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from octavia_dag.schema import Span, Word

WINDOW_S = 28.0
# A pause is heard for this long at most: half of it after the speech before, half of it before the speech behind.
PAUSE_S = 1.0
# Speech without a word for this long was passed over; a shorter stretch is a pause, a breath or a long vowel.
UNHEARD_S = 1.2


@dataclass(frozen=True)
class Window:
    """`pieces` of a sound, joined without gap; `regions` is the speech in them. Times are those of the sound."""

    pieces: tuple[Span, ...]
    regions: tuple[Span, ...]

    @classmethod
    def over(cls, start_s: float, end_s: float) -> "Window":
        """One stretch, all of it speech."""
        stretch = Span(start=start_s, end=end_s)
        return cls(pieces=(stretch,), regions=(stretch,))

    def cut(self, sound: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
        """The window's sound of shape (frames,)."""
        return np.concatenate(
            [sound[round(piece.start * rate_hz) : round(piece.end * rate_hz)] for piece in self.pieces]
        )

    def source_time(self, moment_s: float) -> float:
        """The time in the sound of a moment of the window; beyond its ends, its ends."""
        left = max(0.0, moment_s)
        for piece in self.pieces:
            if left <= piece.seconds:
                return piece.start + left
            left -= piece.seconds
        return self.pieces[-1].end


def pack_windows(regions: Sequence[Span], duration_s: float, *, max_s: float = WINDOW_S) -> list[Window]:
    """Windows over sorted `regions` of a sound of `duration_s`; no region may be longer than `max_s`."""
    windows: list[Window] = []
    rest = list(regions)
    while rest:
        count = _fitting(rest, max_s)
        if count < len(rest):
            count = _longest_pause(rest, count, max_s)
        lower = (windows[-1].regions[-1].end + rest[0].start) / 2 if windows else 0.0
        upper = (rest[count - 1].end + rest[count].start) / 2 if count < len(rest) else duration_s
        windows.append(_window(rest[:count], lower, upper))
        rest = rest[count:]
    return windows


def split_long(
    regions: Sequence[Span], sound: NDArray[np.float32], rate_hz: int, *, max_s: float = WINDOW_S - PAUSE_S
) -> list[Span]:
    """The regions, those over `max_s` parted at their quietest 0.1 s between half of `max_s` and `max_s`."""
    parted: list[Span] = []
    for region in regions:
        start = region.start
        while region.end - start > max_s:
            cut = _quietest(sound, rate_hz, start + max_s / 2, start + max_s)
            parted.append(Span(start=start, end=cut))
            start = cut
        parted.append(Span(start=start, end=region.end))
    return parted


def halves(window: Window) -> list[Window]:
    """The first and the second half of the regions of a window that has two or more."""
    middle = len(window.regions) // 2
    return [_part(window, 0, middle), _part(window, middle, len(window.regions))]


def unheard(placed: Sequence[tuple[int, Word]], window: Window) -> list[Window]:
    """Windows over the speech of `window` in which no word was heard.

    `placed` are words with the index of their region (word_times.settle). Neighbouring regions without any word make
    one window, a wordless stretch of `UNHEARD_S` inside a region makes a window of its own. When nothing at all was
    heard, each region is a window: together they would only be heard the same way again.
    """
    regions = window.regions
    silent = [index for index in range(len(regions)) if index not in {place for place, _ in placed}]
    if len(silent) == len(regions):
        return [_part(window, index, index + 1) for index in silent] if len(regions) > 1 else []
    windows = [_part(window, run[0], run[-1] + 1) for run in _runs(silent)]
    for index, region in enumerate(regions):
        words = [word for place, word in placed if place == index]
        edges = [region.start, *(edge for word in words for edge in (word.start, word.end)), region.end]
        pauses = zip(edges[::2], edges[1::2], strict=True) if words else ()
        windows += [Window.over(start, end) for start, end in pauses if end - start >= UNHEARD_S]
    return windows


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """The numbers, parted where one does not follow the other."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _part(window: Window, first: int, last: int) -> Window:
    """The regions [first, last) of a window, heard up to the middle of the pause before and behind them."""
    regions = window.regions
    lower = (regions[first - 1].end + regions[first].start) / 2 if first else window.pieces[0].start
    upper = (regions[last - 1].end + regions[last].start) / 2 if last < len(regions) else window.pieces[-1].end
    return _window(regions[first:last], lower, upper)


def _joined_s(regions: Sequence[Span]) -> float:
    """Length of a window over `regions`, its ends included."""
    pauses = sum(min(PAUSE_S, after.start - before.end) for before, after in pairwise(regions))
    return sum(region.seconds for region in regions) + pauses + PAUSE_S


def _fitting(regions: Sequence[Span], max_s: float) -> int:
    """How many of the first regions fit into a window, one at least."""
    count = 1
    while count < len(regions) and _joined_s(regions[: count + 1]) <= max_s:
        count += 1
    return count


def _longest_pause(regions: Sequence[Span], count: int, max_s: float) -> int:
    """How many of `count` fitting regions to take: up to the longest pause in the second half of the window."""
    cuts = [cut for cut in range(1, count + 1) if cut == count or _joined_s(regions[:cut]) >= max_s / 2]
    return max(cuts, key=lambda cut: (regions[cut].start - regions[cut - 1].end, cut))


def _window(regions: Sequence[Span], lower_s: float, upper_s: float) -> Window:
    """The window over `regions`; it keeps inside the bounds, since a word heard in two windows would be doubled."""
    pieces: list[Span] = []
    for region in regions:
        start = max(lower_s, region.start - PAUSE_S / 2)
        end = min(upper_s, region.end + PAUSE_S / 2)
        if pieces and start <= pieces[-1].end:
            pieces[-1] = Span(start=pieces[-1].start, end=end)
        else:
            pieces.append(Span(start=start, end=end))
    return Window(pieces=tuple(pieces), regions=tuple(regions))


def _quietest(sound: NDArray[np.float32], rate_hz: int, start_s: float, end_s: float) -> float:
    step = rate_hz // 10
    part = sound[round(start_s * rate_hz) : round(end_s * rate_hz)]
    count = len(part) // step
    energy = np.square(part[: count * step].reshape(count, step)).sum(axis=1)
    return start_s + (int(np.argmin(energy)) + 0.5) * step / rate_hz
