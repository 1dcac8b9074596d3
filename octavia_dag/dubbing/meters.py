"""The meters of the report: pure measures over arrays and spans, each with its definition. What they mean is judged in
quality.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octavia_dag.dubbing.figures import Gaps, Makeup
from octavia_dag.schema import Span

Samples = NDArray[np.float32]
_STEP_S = 0.01
_SILENT = 1e-8  # power, -80 dBFS
_NOTHING = 1e-10
_NARROW = 1e-4  # what sets the channels apart, over all that sounds: below it a bed counts as mono
# A line is looked for this far around its place: a container's clock may be off by a millisecond.
_LAG_S = 0.005
_WINDOW_S = 0.04
_SOUNDING_DB = 25.0
_END, _ENDING_S = 6, 0.5  # windows that sound; they lie within this
# What a window holds of the line, of what it should: a limiter, or lines that were lowered together, leave this much.
_LEFT_OF_IT = 0.3


def intersection_over_union(one: Iterable[Span], other: Iterable[Span], seconds: float) -> float | None:
    """Shared time over joint time of two sets of spans, on a 10 ms grid; None where both are empty."""
    first, second = _grid(one, seconds), _grid(other, seconds)
    joint = int(np.count_nonzero(first | second))
    return None if not joint else int(np.count_nonzero(first & second)) / joint


def quiet_mask(speech: Iterable[Span], seconds: float, *, before_s: float, after_s: float) -> NDArray[np.bool_]:
    """True on a 10 ms grid where nobody speaks, `before_s` before and `after_s` after speech excluded."""
    widened = [Span(start=max(0.0, s.start - before_s), end=s.end + after_s) for s in speech]
    return ~_grid(widened, seconds)


def middle(sound: NDArray[Any]) -> NDArray[Any]:
    """The mean of all channels, (frames,): by a product, since numpy's own mean over so few takes ten times as long."""
    return sound @ np.full(sound.shape[1], 1.0 / sound.shape[1], sound.dtype)


@dataclass
class GapMeter:
    """Compares two sounds where `quiet` (a 10 ms grid) is True, block by block."""

    quiet: NDArray[np.bool_]
    rate_hz: int
    position: int = 0
    frames: int = 0
    _sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(5))

    def add(self, source: Samples, dub: Samples) -> None:
        """The next block of both, same shape (frames, channels)."""
        index = (np.arange(self.position, self.position + len(source)) / (self.rate_hz * _STEP_S)).astype(np.int64)
        keep = self.quiet[np.minimum(index, len(self.quiet) - 1)] if len(self.quiet) else np.zeros(len(index), bool)
        self.position += len(source)
        self.frames += int(np.count_nonzero(keep))
        if not keep.any():
            return
        first, second = source[keep], dub[keep]
        sides = [one - middle(one)[:, None] for one in (first, second)]
        pairs = ((first, first), (second, second), (first, second), *((side, side) for side in sides))
        self._sums += [float(np.vdot(one, other)) for one, other in pairs]

    def figures(self) -> Gaps:
        """Levels of the second sound against the first, and how much they resemble each other at lag 0.

        Below -80 dBFS the first counts as silent: there is no bed to keep.
        """
        one, other, both, side, side_too = (float(value) / max(self.frames, 1) for value in self._sums)
        silent, narrow = one < _SILENT, side < _NARROW * one
        return Gaps(
            seconds=self.frames / self.rate_hz,
            silent=silent,
            level_change_db=None if silent or other <= 0.0 else 10 * float(np.log10(other / one)),
            level_dbfs=10 * float(np.log10(max(other, 1e-12))),
            correlation=None if silent or other <= 0.0 else both / float(np.sqrt(one * other)),
            width_change_db=None
            if silent or narrow or other <= 0.0
            else 10 * float(np.log10(max(side_too / other, 1e-12) / (side / one))),
            narrow=narrow,
        )


def recovered_share(reference: Sequence[str], heard: Sequence[str]) -> float:
    """Share of the reference's words that appear, in order, among the heard ones (alignment hits over words)."""
    if not reference:
        return 0.0
    if not heard:
        return 0.0
    import jiwer

    return jiwer.process_words(" ".join(reference), " ".join(heard)).hits / len(reference)


def cosine(one: Samples, other: Samples) -> float:
    """Cosine of two embeddings."""
    return float(np.dot(one, other) / (np.linalg.norm(one) * np.linalg.norm(other)))


def nearest_pair(means: Mapping[str, Samples]) -> tuple[float | None, str]:
    """The largest cosine between two speakers' voices, and whose; None where there are no two."""
    names = sorted(means)
    pairs = [(cosine(means[a], means[b]), f"{a} and {b}") for i, a in enumerate(names) for b in names[i + 1 :]]
    return max(pairs, default=(None, ""))


def strays(means: Mapping[str, Samples], lines: Sequence[tuple[str, str, Samples]]) -> tuple[int, tuple[str, ...]]:
    """How many lines (id, speaker, embedding) could be judged, and which are nearer to another speaker's mean."""
    known = [(line, speaker, vector) for line, speaker, vector in lines if speaker in means]
    if len(means) < 2:
        return 0, ()
    found = [line for line, own, v in known if max(means, key=lambda name: cosine(means[name], v)) != own]
    return len(known), tuple(found)


@dataclass
class MakeupMeter:
    """How much of the dub's speech, of its bed and of the original voice is in a sound: the sum that comes nearest.

    A least squares fit over all frames and channels, so that what is in none of the three counts for none of them.
    """

    frames: int = 0
    _gram: NDArray[np.float64] = field(default_factory=lambda: np.zeros((3, 3)))
    _found: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))

    def add(self, sound: Samples, speech: Samples, bed: Samples, voice: Samples) -> None:
        """The next block of all four, same shape."""
        known = np.stack([one.reshape(-1) for one in (speech, bed, voice)])
        self._gram += known @ known.T
        self._found += known @ sound.reshape(-1)
        self.frames += sound.size

    def figures(self) -> Makeup:
        """The three gains; a sound below -100 dBFS in the mean has none."""
        there = np.flatnonzero(np.diag(self._gram) > _NOTHING * max(self.frames, 1))
        gains: list[float | None] = [None, None, None]
        if len(there):
            solved = np.linalg.lstsq(self._gram[np.ix_(there, there)], self._found[there], rcond=None)[0]
            for place, gain in zip(there.tolist(), solved.tolist(), strict=True):
                gains[place] = round(float(gain), 4)
        return Makeup(speech=gains[0], bed=gains[1], voice=gains[2])


def shares_found(
    sound: Samples, own: Samples, at: int, rate_hz: int, gain: float
) -> tuple[float, float] | tuple[None, None]:
    """Share of the sounding windows of `own` that are found in `sound` from frame `at` on, where it lies at `gain`, of
    all and of the last ones.

    What else sounds there does not count for it nor against it, as long as it is another sound; None where `own` is
    silent.
    """
    lag = round(_LAG_S * rate_hz)
    wide = np.zeros(len(own) + 2 * lag, np.float32)
    first, last = max(0, at - lag), max(0, min(len(sound), at + len(own) + lag))
    wide[first - at + lag : first - at + lag + max(0, last - first)] = sound[first : max(first, last)]
    here = max(range(2 * lag + 1), key=lambda shift: float(np.dot(wide[shift : shift + len(own)], own)))
    frame = round(_WINDOW_S * rate_hz)
    count = len(own) // frame
    parts = own[: count * frame].reshape(count, frame)
    heard = wide[here : here + count * frame].reshape(count, frame)
    powers = np.einsum("ij,ij->i", parts, parts)
    sounding = powers > max(float(powers.max(initial=0.0)) * 10 ** (-_SOUNDING_DB / 10), _SILENT * frame)
    if not sounding.any():
        return None, None
    held = np.einsum("ij,ij->i", heard, parts)[sounding] / (powers[sounding] * gain)
    there = held >= _LEFT_OF_IT
    return float(np.mean(there)), float(np.mean(there[-_END:]))


def ends_alone(line: Span, lines: Iterable[Span]) -> bool:
    """Whether nobody else speaks while `line` ends, when it is the softest: it could not be told apart from them."""
    end = Span(start=max(line.start, line.end - _ENDING_S), end=line.end)
    return not any(one != line and one.start < end.end and one.end > end.start for one in lines)


def _grid(spans: Iterable[Span], seconds: float) -> NDArray[np.bool_]:
    grid = np.zeros(max(1, round(seconds / _STEP_S)), dtype=np.bool_)
    for span in spans:
        grid[max(0, round(span.start / _STEP_S)) : max(0, round(span.end / _STEP_S))] = True
    return grid
