"""From scores to turns: which speaker each window belongs to, and where exactly one hands over to the next.

A chain over all windows (Viterbi) with a price for every change keeps a speaker through a doubtful window, and gives
a short interjection to the voice it is nearest to, or to its neighbour where its own evidence is weak. The price is
lower across a pause, since that is where people take turns. Inside a region the change is then placed where the
windows on both sides, taken finely, fit best.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from octavia_dag.schema import Span, Turn

Scores = NDArray[np.float32]
Labels = NDArray[np.intp]

# Prices in seconds of a score difference of 1: with the usual difference of 0.5 between two people a change inside
# a region needs 0.6 s of evidence, one across a pause 0.2 s.
CHANGE_PRICE = 0.3
PAUSE_PRICE = 0.1
USUAL_APART = 0.6  # one less the cosine of two people's means
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Window:
    """What the embedder saw at once: index of its region, and its centre in seconds."""

    region: int
    centre_s: float


@dataclass(frozen=True)
class Change:
    """A change of speaker inside a region, between two neighbouring windows."""

    region: int
    before: int
    after: int
    earliest_s: float
    latest_s: float


def label_windows(scores: Scores, windows: Sequence[Window], *, hop_s: float) -> Labels:
    """The best speaker per window, shape (windows,), for `scores` (windows, speakers): cosine to each speaker."""
    count, people = scores.shape
    if count == 0 or people == 1:
        return np.zeros(count, np.intp)
    total, origin = scores[0] * hop_s, np.zeros((count, people), np.intp)
    for index in range(1, count):
        price = CHANGE_PRICE if windows[index].region == windows[index - 1].region else PAUSE_PRICE
        stays = total >= total.max() - price
        origin[index] = np.where(stays, np.arange(people), int(np.argmax(total)))
        total = np.maximum(total, total.max() - price) + scores[index] * hop_s
    labels = np.empty(count, np.intp)
    labels[-1] = int(np.argmax(total))
    for index in range(count - 1, 0, -1):
        labels[index - 1] = origin[index, labels[index]]
    return labels


def comparable(scores: Scores, means: NDArray[np.float32]) -> Scores:
    """`scores` stretched to the spread that the prices are made for, from the two most alike of `means`.

    Over a telephone all voices are alike, and so are the differences of their scores.
    """
    if len(means) < 2:
        return scores
    apart = 1.0 - float(np.max(means @ means.T - 2.0 * np.eye(len(means))))
    return scores * np.float32(max(1.0, USUAL_APART / max(apart, 0.01)))


def changes(labels: Labels, windows: Sequence[Window]) -> list[Change]:
    """Where the speaker changes inside a region."""
    pairs = zip(windows, windows[1:], labels.tolist(), labels[1:].tolist(), strict=False)
    return [
        Change(one.region, before, after, one.centre_s, other.centre_s)
        for one, other, before, after in pairs
        if one.region == other.region and before != after
    ]


def best_split(before: NDArray[np.float32], after: NDArray[np.float32]) -> int:
    """How many of the windows around a change are the first speaker's: the split that fits both scores best.

    `before` and `after` are the scores of the two speakers, shape (windows,), in order of time.
    """
    gain = np.concatenate([[0.0], np.cumsum(before - after)])
    return int(np.argmax(gain))


def to_turns(regions: Sequence[Span], labels: Labels, windows: Sequence[Window], edges: Iterable[float]) -> list[Turn]:
    """Turns that fill the regions: `edges` are the moments of `changes(labels, windows)`, in their order.

    Speakers are named A, B, ... by first appearance.
    """
    moments = iter(edges)
    names: dict[int, str] = {}
    turns: list[Turn] = []
    heard: list[list[int]] = [[] for _ in regions]
    for label, window in zip(labels.tolist(), windows, strict=True):
        heard[window.region].append(label)
    for region, mine in zip(regions, heard, strict=True):
        start = region.start
        for before, after in zip(mine, [*mine[1:], None], strict=True):
            if before == after:
                continue
            end = region.end if after is None else min(max(next(moments), start), region.end)
            if end - start >= 0.001:
                turns.append(Turn(start=start, end=end, speaker=names.setdefault(before, name_of(len(names)))))
            start = end
    return turns


def name_of(number: int) -> str:
    """A, B, ..., Z, A2, B2, ..."""
    round_, letter = divmod(number, len(LETTERS))
    return LETTERS[letter] + (str(round_ + 1) if round_ else "")
