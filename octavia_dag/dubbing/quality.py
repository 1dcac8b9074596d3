"""The promises as numbers: what was measured, judged against a limit.

A measure that could not be computed is broken, never passed over; one that does not apply (no gaps, one speaker, a
switch that is off) says so and holds. The limits are settings (thresholds.py) and come in as numbers.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from octavia_dag.dubbing.figures import Gaps, LinePresence, Makeup, VoiceFigures
from octavia_dag.schema import Measure

PICTURE, LENGTH, DEFAULT = (
    "picture packets identical",
    "length against the source",
    "dub is the default track and tagged",
)
TRACKS, CHANNELS, PEAK, LOUDER = "audio tracks", "channels of the dub", "true peak", "programme loudness change"
LANGUAGE, IN_FILE = "language of the dub", "least of a line in the dub"
VOICE_LEFT, WORDS_LEFT = "original voice in the dub", "original words left in the bed"
GAP_LEVEL, GAP_LIKENESS, GAP_WIDTH = "bed level in gaps", "bed correlation in gaps", "bed width in gaps"
GAP_SOUND, DEPTH = "sound in gaps", "bed reduction under speech"
OVERLAP, AS_LOUD = "speech IoU", "dubbed speech against the original"
FAR_OFF = "dubbed speech far from the original"
ONSET_MEDIAN, ONSET_LARGEST = "onset error, median", "onset error, largest"
UNHURRIED, FASTEST, ROUND_TRIP = "lines at or under the free rate", "fastest line", "round trip WER"
EMPTY, LINE_WORDS = "lines without a word", "least of a line's words heard"
OWN_VOICES, APART, OWN_LINES = "voices for speakers", "voices apart", "lines in their own voice"
CLASSES, LIKENESS = "speakers heard as another voice class", "likeness to the original speakers (SECS)"
COUNT = "speakers against the hint"
DOES_NOT_APPLY = "does not apply"
MUSIC_OFF = "the background music is switched off"
MUSIC_ON = "the background music is kept"
ONE_VOICE = "voices of their own are switched off, one voice speaks for everybody"
_LEAST_GAPS_S = 0.2
_JUDGED_WORDS = 4  # of fewer words one that is misheard is too large a share


class BedLimits(Protocol):
    """What the bed's promises are judged by; the `checks` slice of the settings has these fields."""

    @property
    def bed_level_db(self) -> float: ...  # noqa: D102
    @property
    def bed_correlation(self) -> float: ...  # noqa: D102
    @property
    def bed_width_db(self) -> float: ...  # noqa: D102
    @property
    def silence_dbfs(self) -> float: ...  # noqa: D102


class VoiceLimits(Protocol):
    """What the voices' promises are judged by; the `checks` slice of the settings has these fields."""

    @property
    def voice_cosine(self) -> float: ...  # noqa: D102
    @property
    def own_voice_share(self) -> float: ...  # noqa: D102
    @property
    def other_class(self) -> int: ...  # noqa: D102


def measure(name: str, value: float | None, unit: str, limit: str, ok: bool, note: str = "") -> Measure:
    """A measure; one without a value is broken, whatever `ok` says."""
    rounded = None if value is None else round(float(value), 4)
    return Measure(name=name, value=rounded, unit=unit, limit=limit, ok=ok and value is not None, note=note)


def in_words(found: Measure) -> str:
    """A promise and what became of it, as a sentence."""
    about = f" ({found.note})" if found.note else ""
    if found.limit == DOES_NOT_APPLY:
        return f"{found.name}: {DOES_NOT_APPLY}{about}"
    value = "not known" if found.value is None else f"{found.value:g} {found.unit}".strip()
    return f"{found.name}{about}: {value}, promised is {found.limit}"


def not_applicable(name: str, unit: str, note: str) -> Measure:
    """A promise that this video cannot break; `note` says why."""
    return Measure(name=name, value=None, unit=unit, limit=DOES_NOT_APPLY, ok=True, note=note)


def at_most(name: str, value: float | None, most: float, unit: str, note: str = "") -> Measure:
    """A measure that holds up to `most`."""
    return measure(name, value, unit, f"at most {most:g}", value is not None and value <= most, note)


def exactly(name: str, value: int, wanted: int) -> Measure:
    """A measure that holds where it is what is wanted."""
    return measure(name, float(value), "", f"{wanted}", value == wanted)


def at_least(name: str, value: float | None, least: float, unit: str, note: str = "") -> Measure:
    """A measure that holds from `least` on."""
    return measure(name, value, unit, f"at least {least:g}", value is not None and value >= least, note)


def within(name: str, value: float | None, target: float, tolerance: float, unit: str, note: str = "") -> Measure:
    """A measure that holds within `tolerance` of `target`."""
    ok = value is not None and abs(value - target) <= tolerance
    return measure(name, value, unit, f"{target:g} within {tolerance:g}", ok, note)


def gaps(found: Gaps, bed: float | None, limits: BedLimits) -> list[Measure]:
    """The bed where nobody speaks: level, likeness, width. `bed` is its gain in the dub, which tells where there are no
    such places.
    """
    silence = not_applicable(GAP_SOUND, "dBFS", MUSIC_ON)
    if found.seconds < _LEAST_GAPS_S:
        why = "somebody speaks all the time"
        under = decibels(bed)
        level = (
            not_applicable(GAP_LEVEL, "dB", why)
            if bed is None
            else within(GAP_LEVEL, under, 0.0, limits.bed_level_db, "dB", f"under speech, since {why}")
        )
        return [level, not_applicable(GAP_LIKENESS, "", why), not_applicable(GAP_WIDTH, "dB", why), silence]
    if found.silent:
        why = "there is no bed where nobody speaks"
        bed_gone = (not_applicable(name, "", why) for name in (GAP_LEVEL, GAP_LIKENESS, GAP_WIDTH))
        return [*bed_gone, at_most(GAP_SOUND, found.level_dbfs, limits.silence_dbfs, "dBFS", why)]
    return [
        within(GAP_LEVEL, found.level_change_db, 0.0, limits.bed_level_db, "dB"),
        at_least(GAP_LIKENESS, found.correlation, limits.bed_correlation, ""),
        not_applicable(GAP_WIDTH, "dB", "the bed is the same in all channels")
        if found.narrow
        else within(GAP_WIDTH, found.width_change_db, 0.0, limits.bed_width_db, "dB"),
        silence,
    ]


def gaps_without_music(found: Gaps, most_dbfs: float) -> list[Measure]:
    """Where nobody speaks and no music is wanted: the bed's promises do not apply, silence is promised instead."""
    silence = (
        at_most(GAP_SOUND, found.level_dbfs, most_dbfs, "dBFS")
        if found.seconds >= _LEAST_GAPS_S
        else not_applicable(GAP_SOUND, "dBFS", "somebody speaks all the time")
    )
    return [
        not_applicable(GAP_LEVEL, "dB", MUSIC_OFF),
        not_applicable(GAP_LIKENESS, "", MUSIC_OFF),
        not_applicable(GAP_WIDTH, "dB", MUSIC_OFF),
        silence,
    ]


def no_bed() -> list[Measure]:
    """The bed's other promises where no music is wanted."""
    return [not_applicable(DEPTH, "dB", MUSIC_OFF), not_applicable(WORDS_LEFT, "", MUSIC_OFF)]


def decibels(gain: float | None) -> float | None:
    """A gain in dB; None where there is none, or where a sound is there turned over."""
    return None if gain is None or gain <= 0.0 else 20 * float(np.log10(gain))


def tracks(found: int, wanted: int, same_originals: bool) -> Measure:
    """How many there are; the original ones must be the source's own packets."""
    note = "" if same_originals else "an original track is not the source's"
    return measure(TRACKS, float(found), "", f"{wanted}", found == wanted and same_originals, note)


def voice_left(found: Makeup, most_db: float) -> Measure:
    """How loud the original voice is in the dub, against how loud it was, at its own time or at another one; what is
    softer than -80 dB counts as that.
    """
    if found.voice is None:
        return not_applicable(VOICE_LEFT, "dB", "the original voice is silent")
    own, other = abs(found.voice), found.echo or 0.0
    note = "at another time than its own" if other > own else ""
    return at_most(VOICE_LEFT, max(-80.0, 20 * float(np.log10(max(own, other, 1e-9)))), most_db, "dB", note)


def lines_in_file(lines: Sequence[LinePresence], least: float, least_end: float) -> Measure:
    """The line of which the least is found in the dub, or whose end is not; a silent line cannot be found."""
    unknown = [one.id for one in lines if one.share is None]
    known = [(one.share, one.id) for one in lines if one.share is not None]
    if unknown or not known:
        return measure(IN_FILE, None, "", f"at least {least:g}", ok=False, note=f"silent: {', '.join(unknown)}")
    share, worst = min(known)
    cut = min(((one.end, one.id) for one in lines if one.end is not None and one.end < least_end), default=None)
    if cut is not None and share >= least:
        return at_least(IN_FILE, cut[0], max(least, least_end), "", f"the end of {cut[1]}")
    return at_least(IN_FILE, share, least, "", worst)


def language(heard: tuple[str, float] | None, wanted: str) -> Measure:
    """1 where the language heard (its code, and how sure that is) is that of the tag `wanted`, else 0."""
    if heard is None:
        return measure(LANGUAGE, None, "", wanted, ok=False, note="there is nothing to hear")
    right = heard[0] == wanted.partition("-")[0]
    return measure(LANGUAGE, float(right), "", "1", right, f"{heard[0]} is heard, {heard[1]:.2f} sure")


def own_voices(spoken: Sequence[tuple[str, str]], people: int, shared: int) -> Measure:
    """How many voices speak for `people`, of (speaker, voice) of every line; nobody may have two."""
    voices_of = {who: {voice for one, voice in spoken if one == who} for who, _ in spoken}
    found = len({voice for _, voice in spoken})
    torn = sorted(who for who, theirs in voices_of.items() if len(theirs) > 1)
    limit = f"{people - shared} to {people}" if shared else f"{people}"
    note = f"more than one voice: {', '.join(torn)}" if torn else ""
    return measure(OWN_VOICES, float(found), "", limit, people - shared <= found <= people and not torn, note)


def words_heard(lines: Sequence[tuple[str, int, int]], most_empty: int, least: float) -> list[Measure]:
    """Lines without a word, and the least share of a line's words that is heard, of lines (id, said, heard)."""
    empty = [name for name, said, heard in lines if said and not heard]
    shares = [(min(1.0, heard / said), name) for name, said, heard in lines if said >= _JUDGED_WORDS]
    share, worst = min(shares, default=(None, ""))
    return [
        at_most(EMPTY, float(len(empty)), most_empty, "", ", ".join(empty)),
        at_least(LINE_WORDS, share, least, "", worst)
        if shares
        else not_applicable(LINE_WORDS, "", f"no line has {_JUDGED_WORDS} words"),
    ]


def rates(values: Sequence[float], free_rate: float, max_rate: float, hurried: float) -> list[Measure]:
    """Share of lines at or under the free rate (all but one, or but a share of `hurried`), and the fastest line."""
    share = sum(value <= free_rate + 1e-3 for value in values) / len(values)
    least = 1 - max(1.0, hurried * len(values)) / len(values)
    return [
        at_least(UNHURRIED, share, int(least * 1e4) / 1e4, "", f"{free_rate:g} times natural"),
        at_most(FASTEST, max(values), max_rate + 0.005, "x"),
    ]


def voices(found: VoiceFigures, limits: VoiceLimits) -> list[Measure]:
    """How far apart people's voices are, whether everybody keeps theirs, and sounds like who they are."""
    least, strays = limits.own_voice_share, ", ".join(found.strays)
    return [
        not_applicable(APART, "cosine", "one speaker, or too little speech to compare")
        if found.nearest is None
        else at_most(APART, found.nearest, limits.voice_cosine, "cosine", found.pair),
        at_least(
            OWN_LINES, 1 - len(found.strays) / found.compared, least, "", strays and f"nearer to another: {strays}"
        )
        if found.compared
        else not_applicable(OWN_LINES, "", "one speaker, or no line of 1.5 s or more"),
        at_most(CLASSES, float(len(found.other_class)), limits.other_class, "", ", ".join(found.other_class))
        if found.judged
        else not_applicable(CLASSES, "", "too little speech to judge"),
    ]


def likeness(value: float | None) -> Measure:
    """How much people sound like themselves: reported, since the voices are matched."""
    if value is None:
        return not_applicable(LIKENESS, "cosine", "too little speech, or a personal voice only")
    return measure(LIKENESS, value, "cosine", "reported", True)


def one_voice() -> list[Measure]:
    """The promises of voices of one's own where one voice speaks for everybody."""
    return [not_applicable(name, unit, ONE_VOICE) for name, unit in ((APART, "cosine"), (OWN_LINES, ""), (CLASSES, ""))]
