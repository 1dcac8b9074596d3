"""Where somebody speaks: stretches cut from the probabilities of a voice activity detector.

The detector's own hysteresis is kept (a stretch begins at the threshold, and ends once the probability stays 0.15
below it for the minimum silence), because one threshold alone chops words at soft consonants. These edges are what
the dub's timing is judged by: on hand-timed recordings they are right within 0.1 s, where a transcriber's own starts
are 0.3 to 0.5 s early.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from octavia_dag.schema import Span

# silero-vad's own defaults: neg_threshold = threshold - 0.15, min_speech_duration_ms = 250, speech_pad_ms = 30.
HYSTERESIS = 0.15
MIN_SPEECH_S = 0.25
PAD_S = 0.03


def speech_regions(
    probabilities: NDArray[np.float32],
    *,
    window_s: float,
    threshold: float,
    min_silence_s: float,
    min_speech_s: float = MIN_SPEECH_S,
    pad_s: float = PAD_S,
    duration_s: float | None = None,
) -> list[Span]:
    """Stretches of speech in seconds, sorted, apart from each other by `min_silence_s` less the padding.

    `probabilities` has one value per window of `window_s`. Stretches under `min_speech_s` are dropped, the others
    grow by `pad_s` at both ends, but never beyond 0 and `duration_s` (default: the end of the last window).
    """
    end_s = len(probabilities) * window_s if duration_s is None else duration_s
    raw = _stretches(probabilities, threshold, max(1, round(min_silence_s / window_s)))
    pad_s = min(pad_s, min_silence_s / 2)
    long = ((start * window_s, end * window_s) for start, end in raw if (end - start) * window_s >= min_speech_s)
    return [Span(start=max(0.0, start - pad_s), end=min(end_s, end + pad_s)) for start, end in long]


def first_speech(regions: Iterable[Span], seconds: float = 120.0) -> list[Span]:
    """The first regions that together hold `seconds` of speech; the last one is cut to fit."""
    chosen: list[Span] = []
    left = seconds
    for region in regions:
        if left <= 0.001:
            break
        chosen.append(Span(start=region.start, end=min(region.end, region.start + left)))
        left -= region.seconds
    return chosen


def overlap_s(one: Span, other: Span) -> float:
    """Seconds that two spans share, 0 when they are apart."""
    return max(0.0, min(one.end, other.end) - max(one.start, other.start))


def distance_s(moment: float, span: Span) -> float:
    """Seconds from a moment to a span, 0 inside it."""
    return max(span.start - moment, moment - span.end, 0.0)


def nearest(moment: float, spans: Sequence[Span]) -> int:
    """Index of the span that is nearest to a moment, the first of equals; `spans` must not be empty."""
    return min(range(len(spans)), key=lambda index: distance_s(moment, spans[index]))


def _stretches(probabilities: NDArray[np.float32], threshold: float, min_silence: int) -> list[tuple[int, int]]:
    """Windows [first, last) of each stretch, `min_silence` in windows."""
    found: list[tuple[int, int]] = []
    start: int | None = None
    silent_from: int | None = None
    for index, probability in enumerate(probabilities.tolist()):
        if probability >= threshold:
            start = index if start is None else start
            silent_from = None
        elif start is not None and probability < threshold - HYSTERESIS:
            silent_from = index if silent_from is None else silent_from
            if index + 1 - silent_from >= min_silence:
                found.append((start, silent_from))
                start = silent_from = None
    if start is not None:
        found.append((start, len(probabilities) if silent_from is None else silent_from))
    return found
