"""The promises as numbers: pure measures over arrays and spans, each with its definition, and the limits they meet.

A measure that could not be computed is broken, never passed over; one that does not apply (no gaps, one speaker, a
switch that is off) says so and holds. Limits are those of the project's promises; they are not settings here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from octavia_dag.schema import Measure, Span

Samples = NDArray[np.float32]
LENGTH_LIMIT_S = 0.022
ONSET_MEDIAN_S, ONSET_MAX_S = 0.1, 0.4
IOU_LEAST = 0.70  # human dubs: about 0.70 (Brannon et al. 2023, after the IWSLT dubbing track)
RESIDUE_MOST = 0.05
ROUND_TRIP_MOST = 0.20
GAP_LEVEL_DB, GAP_CORRELATION = 0.5, 0.98
SILENCE_DBFS = -70.0
MUSIC_OFF = "the background music is switched off"
ONE_VOICE = "voices of their own are switched off, one voice speaks for everybody"
LOUDNESS_LU = 1.0
DEPTH_DB = 1.0
PEAK_DBTP = -1.0
COSINE_MOST = 0.75
_STEP_S = 0.01


def intersection_over_union(one: Iterable[Span], other: Iterable[Span], seconds: float) -> float | None:
    """Shared time over joint time of two sets of spans, on a 10 ms grid; None where both are empty."""
    first, second = _grid(one, seconds), _grid(other, seconds)
    joint = int(np.count_nonzero(first | second))
    return None if not joint else int(np.count_nonzero(first & second)) / joint


def quiet_mask(speech: Iterable[Span], seconds: float, *, before_s: float, after_s: float) -> NDArray[np.bool_]:
    """True on a 10 ms grid where nobody speaks, `before_s` before and `after_s` after speech excluded."""
    widened = [Span(start=max(0.0, s.start - before_s), end=s.end + after_s) for s in speech]
    return ~_grid(widened, seconds)


@dataclass
class GapMeter:
    """Compares two sounds where `quiet` (a 10 ms grid) is True, block by block: level change in dB, correlation."""

    quiet: NDArray[np.bool_]
    rate_hz: int
    position: int = 0
    frames: int = 0
    _sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))

    def add(self, source: Samples, dub: Samples) -> None:
        """The next block of both, same shape (frames, channels)."""
        index = (np.arange(self.position, self.position + len(source)) / (self.rate_hz * _STEP_S)).astype(np.int64)
        keep = self.quiet[np.minimum(index, len(self.quiet) - 1)] if len(self.quiet) else np.zeros(len(index), bool)
        first, second = source[keep].astype(np.float64), dub[keep].astype(np.float64)
        self._sums += (np.sum(first * first), np.sum(second * second), np.sum(first * second))
        self.position += len(source)
        self.frames += int(np.count_nonzero(keep))

    @property
    def seconds(self) -> float:
        """How much was compared."""
        return self.frames / self.rate_hz

    @property
    def silent(self) -> bool:
        """True where the source is digital silence (below -80 dBFS) in all gaps: there is no bed to keep."""
        return self.frames == 0 or self._sums[0] / self.frames < 1e-8

    @property
    def level_change_db(self) -> float:
        """Level of the second sound against the first, in dB."""
        return 10 * float(np.log10(self._sums[1] / self._sums[0]))

    @property
    def dub_level_dbfs(self) -> float:
        """Level of the second sound, -120 where it is digital silence."""
        return 10 * float(np.log10(max(self._sums[1] / max(self.frames, 1), 1e-12)))

    @property
    def correlation(self) -> float:
        """Normalised correlation at lag 0, 1 for sounds that differ in level only."""
        return float(self._sums[2] / np.sqrt(self._sums[0] * self._sums[1]))


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


def measure(name: str, value: float | None, unit: str, limit: str, ok: bool, note: str = "") -> Measure:
    """A measure; one without a value is broken, whatever `ok` says."""
    rounded = None if value is None else round(float(value), 4)
    return Measure(name=name, value=rounded, unit=unit, limit=limit, ok=ok and value is not None, note=note)


def in_words(broken: Measure) -> str:
    """A promise that is not kept, as a sentence."""
    value = "not known" if broken.value is None else f"{broken.value:g} {broken.unit}".strip()
    about = f" ({broken.note})" if broken.note else ""
    return f"{broken.name}{about}: {value}, promised is {broken.limit}"


def not_applicable(name: str, unit: str, note: str) -> Measure:
    """A promise that this video cannot break; `note` says why."""
    return Measure(name=name, value=None, unit=unit, limit="does not apply", ok=True, note=note)


def at_most(name: str, value: float | None, most: float, unit: str, note: str = "") -> Measure:
    """A measure that holds up to `most`."""
    return measure(name, value, unit, f"at most {most:g}", value is not None and value <= most, note)


def at_least(name: str, value: float | None, least: float, unit: str, note: str = "") -> Measure:
    """A measure that holds from `least` on."""
    return measure(name, value, unit, f"at least {least:g}", value is not None and value >= least, note)


def within(name: str, value: float | None, target: float, tolerance: float, unit: str, note: str = "") -> Measure:
    """A measure that holds within `tolerance` of `target`."""
    ok = value is not None and abs(value - target) <= tolerance
    return measure(name, value, unit, f"{target:g} within {tolerance:g}", ok, note)


def gaps(meter: GapMeter) -> list[Measure]:
    """The bed where nobody speaks: level and correlation."""
    if meter.seconds < 0.2 or meter.silent:
        why = "there is no bed where nobody speaks" if meter.silent else "somebody speaks all the time"
        return [not_applicable("bed level in gaps", "dB", why), not_applicable("bed correlation in gaps", "", why)]
    return [
        within("bed level in gaps", meter.level_change_db, 0.0, GAP_LEVEL_DB, "dB"),
        at_least("bed correlation in gaps", meter.correlation, GAP_CORRELATION, ""),
    ]


def gaps_without_music(meter: GapMeter) -> list[Measure]:
    """Where nobody speaks and no music is wanted: the bed's promises do not apply, silence is promised instead."""
    silence = (
        at_most("sound in gaps", meter.dub_level_dbfs, SILENCE_DBFS, "dBFS")
        if meter.seconds >= 0.2
        else not_applicable("sound in gaps", "dBFS", "somebody speaks all the time")
    )
    return [
        not_applicable("bed level in gaps", "dB", MUSIC_OFF),
        not_applicable("bed correlation in gaps", "", MUSIC_OFF),
        silence,
    ]


def no_bed() -> list[Measure]:
    """The bed's other promises where no music is wanted."""
    return [
        not_applicable("bed reduction under speech", "dB", MUSIC_OFF),
        not_applicable("original words left in the bed", "", MUSIC_OFF),
    ]


def rates(values: Sequence[float], free_rate: float, max_rate: float) -> list[Measure]:
    """Share of lines at or under the free rate, and the fastest line."""
    share = sum(value <= free_rate + 1e-3 for value in values) / len(values)
    least = 1 - max(1.0, 0.1 * len(values)) / len(values)
    return [
        at_least(f"lines spoken at or under {free_rate:g} times natural", share, int(least * 1e4) / 1e4, ""),
        at_most("fastest line", max(values), max_rate + 0.005, "x"),
    ]


def voices_apart(means: Mapping[str, Samples]) -> Measure:
    """The largest cosine between two speakers' voices in the dub."""
    names = sorted(means)
    pairs = [(cosine(means[a], means[b]), f"{a} and {b}") for i, a in enumerate(names) for b in names[i + 1 :]]
    if not pairs:
        return not_applicable("voices apart", "cosine", "one speaker, or too little speech to compare")
    value, who = max(pairs)
    return at_most("voices apart", value, COSINE_MOST, "cosine", who)


def lines_own(means: Mapping[str, Samples], lines: Sequence[tuple[str, str, Samples]]) -> Measure:
    """Share of the lines (id, speaker, embedding) that are nearest to their own speaker's mean."""
    known = [(line, speaker, vector) for line, speaker, vector in lines if speaker in means]
    if len(means) < 2 or not known:
        return not_applicable("lines in their own voice", "", "one speaker, or no line of 1.5 s or more")
    strays = [line for line, own, v in known if max(means, key=lambda name: cosine(means[name], v)) != own]
    note = f"nearer to another speaker: {', '.join(strays)}" if strays else ""
    return at_least("lines in their own voice", 1 - len(strays) / len(known), 1.0, "", note)


def one_voice(classes: str) -> list[Measure]:
    """The promises of voices of one's own where one voice speaks for everybody; `classes` names the last of them."""
    names = (("voices apart", "cosine"), ("lines in their own voice", ""), (classes, ""))
    return [not_applicable(name, unit, ONE_VOICE) for name, unit in names]


def _grid(spans: Iterable[Span], seconds: float) -> NDArray[np.bool_]:
    grid = np.zeros(max(1, round(seconds / _STEP_S)), dtype=np.bool_)
    for span in spans:
        grid[max(0, round(span.start / _STEP_S)) : max(0, round(span.end / _STEP_S))] = True
    return grid
