"""One line in front of the microphone: spoken once, at the rate that its predicted length asks for.

Up to a modest rate the engine itself speaks faster or slower; what is missing, or was predicted wrongly by more than
5 %, is done by the engine once more where that costs it nothing (it stretches what it spoke), and else by a tempo
filter on the finished sound. Rate is engine speed times tempo, and stays under the cap. Only a
line that does not fit at the cap is condensed, and then spoken again; what still does not fit is flagged, never cut.
Any number of threads may speak lines in one booth.
"""

import math
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import ffmpeg
import numpy as np

from octavia_dag.dubbing.lengths import predicted_seconds
from octavia_dag.dubbing.pausing import follow_pauses
from octavia_dag.dubbing.timing import Fit, SyncLimits, fit, voiced_seconds
from octavia_dag.dubbing.trimming import trimmed
from octavia_dag.errors import EngineError
from octavia_dag.resources.engines import Condenser, Profile, Samples, Synthesizer, Transcriber, Utterance
from octavia_dag.resources.line_store import LineStore, line_key
from octavia_dag.resources.localize import Condensed, condense_text
from octavia_dag.resources.media import Media, url
from octavia_dag.resources.takes import Takes
from octavia_dag.schema import Line, TranslatedLine, Voice

# Beyond these an engine's own speed gets uneven (Kokoro rounds every sound to 25 ms); a tempo filter does the rest.
ENGINE_SPEEDS = (0.85, 1.15)
# A length within this of what was wanted is left alone: it cannot be heard, and a filter costs a little quality.
TOLERANCE = 0.05
# The guard before the next line is 0.05 s: running over by less than half of it is nothing that is heard.
_TOLD_S = 0.025
# Predicted lengths are off by 4 % in the mean: only a line predicted this far over the cap is condensed unspoken.
_SURELY_OVER = 1.08
# A condenser measures by its own estimate, which is off by as much: it is asked for a little
# less than would fit.
_ASKED = 0.96
# The filter's window: what it would lose at the end is silence.
_PAD_S = 0.1
_INNER_MARK = re.compile(r"[,;:.!?\u2026\u2014]\s+\S")


@dataclass(frozen=True)
class Job:
    """One line, what the original was, who speaks, and the seconds there are; `profile` where the engine clones."""

    line: TranslatedLine
    original: Line
    voice: Voice
    room_s: float
    profile: Profile | None = None


@dataclass(frozen=True)
class Take:
    """One line as spoken: mono `sound`; `natural_s` is its length at rate 1; `made` is False where it was there.

    `raw_key` is the key of the sound as it came from the engine, under which the line store keeps it.
    """

    job: Job
    text: str
    sound: Samples
    key: str
    raw_key: str
    natural_s: float
    rate: float
    made: bool
    flags: tuple[str, ...]


@dataclass(frozen=True)
class _Raw:
    """What came from the engine for `text` at `speed`, trimmed, not yet fitted."""

    text: str
    key: str
    sound: Samples
    speed: float
    natural_s: float
    made: bool


@dataclass
class Booth:
    """The engines and limits that all lines of a dub share. `reuse` False speaks every line anew, `share` False
    every line apart, also where two are alike.

    The wordings of `glossary` survive condensing; `folder` takes what is there for a moment only; `version` is that of
    the code, which is part of every line's key. `ear` hears the takes of an engine that samples.
    """

    synthesizer: Synthesizer
    condenser: Condenser
    media: Media
    store: LineStore
    sync: SyncLimits
    language: str
    folder: Path
    version: str
    glossary: Mapping[str, str]
    reuse: bool
    share: bool = True
    ear: Transcriber | None = None
    _begun: dict[str, tuple[str, Condensed | None]] = field(default_factory=dict[str, tuple[str, Condensed | None]])
    _takes: Takes = field(init=False)

    def __post_init__(self) -> None:
        self._takes = Takes(self.synthesizer, self.store, self.version, self.reuse, self.ear)

    def ahead(self, jobs: Sequence[Job]) -> None:
        """Speaks at once what `take` will ask the engine for first."""
        asked: list[tuple[Utterance, str]] = []
        for job in jobs:
            self._begun[job.line.id] = text, _ = self._beginning(job)
            asked.append(self._asked(job, text, self._predicted_speed(job, text)))
        self._takes.ahead(asked)

    def take(self, job: Job) -> Take:
        """The line, fitted to its room as far as it goes. An EngineError names the line that could not be spoken."""
        try:
            return self._fitted(job)
        except EngineError as error:
            raise EngineError(f"Line {job.line.id}: {error}") from error

    def _fitted(self, job: Job) -> Take:
        text, shorter = self._begun.get(job.line.id) or self._beginning(job)
        raw = self._spoken(job, text)
        if shorter is None and not self._fit(job, raw.text, raw.natural_s).fits:
            shorter = self._condensed(job, raw.natural_s)
            if shorter is not None:
                again = self._spoken(job, shorter.text)
                raw = replace(again, made=raw.made or again.made)
        told = [] if shorter is None else ["condensed to fit its time", *([shorter.note] if shorter.note else [])]
        return self._finished(job, self._stretched(job, raw), told)

    def _beginning(self, job: Job) -> tuple[str, Condensed | None]:
        """The text that is spoken first: a shorter one, where the line is surely too long as it stands."""
        predicted_s = self._predicted_s(job.line.text)
        over = predicted_s > job.room_s * self.sync.max_rate * _SURELY_OVER
        shorter = self._condensed(job, predicted_s) if over else None
        return (shorter.text if shorter else job.line.text), shorter

    def _spoken(self, job: Job, text: str, speed: float | None = None) -> _Raw:
        """The sound of `text`, at the speed that its predicted length asks for where none is given."""
        asked, own = self._asked(job, text, speed or self._predicted_speed(job, text))
        key, sound, made = self._takes.get(asked, own)
        return _Raw(text, key, sound, asked.speed, len(sound) / self.synthesizer.rate_hz * asked.speed, made)

    def _stretched(self, job: Job, raw: _Raw) -> _Raw:
        """The same at the speed that its true length asks for, where the engine has that at no cost."""
        tempo = self._tempo(job, raw) if self.synthesizer.stretch else 1.0
        speed = self._bounded(math.ceil(raw.speed * tempo * 1000 - 1e-6) / 1000)
        if tempo == 1.0 or speed == raw.speed:
            return raw
        return replace(self._spoken(job, raw.text, speed), made=raw.made)

    def _asked(self, job: Job, text: str, speed: float) -> tuple[Utterance, str]:
        asked = Utterance(text=text, voice=job.voice, language=self.language, speed=speed, profile=job.profile)
        return asked, "" if self.share else job.line.id

    def _predicted_speed(self, job: Job, text: str) -> float:
        # Whole hundredths, so that a start moved by milliseconds does not speak the line anew.
        return round(self._bounded(self._fit(job, text, self._predicted_s(text)).rate), 2)

    def _bounded(self, speed: float) -> float:
        slowest, fastest = self.synthesizer.stretch or ENGINE_SPEEDS
        return min(max(speed, slowest), fastest, self.sync.max_rate)

    def _finished(self, job: Job, raw: _Raw, flags: list[str]) -> Take:
        rate_hz = self.synthesizer.rate_hz
        tempo = self._tempo(job, raw)
        fitted = self._at_tempo(raw, tempo)
        rate = min(round(raw.speed * tempo, 4), self.sync.max_rate)
        sound = follow_pauses(fitted, rate_hz, job.original, job.room_s)
        if rate > self.sync.free_rate:
            flags.append(f"spoken at {rate:.2f} times natural")
        over_s = len(sound) / rate_hz - job.room_s
        if over_s > _TOLD_S:
            flags.append(f"{over_s:.2f} s longer than its room")
        return Take(
            job=job,
            text=raw.text,
            sound=sound,
            key=line_key(raw.key, tempo, len(sound)),
            raw_key=raw.key,
            natural_s=len(fitted) / rate_hz * rate,
            rate=rate,
            made=raw.made,
            flags=tuple(flags),
        )

    def _tempo(self, job: Job, raw: _Raw) -> float:
        """What the tempo filter must do, in steps of 0.001: 1.0 where the line is near enough and fits."""
        seconds = raw.natural_s / raw.speed
        wanted = self._fit(job, raw.text, raw.natural_s).rate / raw.speed
        if abs(wanted - 1.0) <= TOLERANCE and seconds <= job.room_s:
            return 1.0
        return min(math.ceil(wanted * 1000), math.floor(self.sync.max_rate / raw.speed * 1000 + 1e-6)) / 1000

    def _at_tempo(self, raw: _Raw, tempo: float) -> Samples:
        """The sound played `tempo` times as fast at its own pitch, by ffmpeg's atempo (WSOLA), trimmed."""
        if tempo == 1.0:
            return raw.sound
        rate_hz = self.synthesizer.rate_hz
        padded = np.concatenate([raw.sound, np.zeros(round(_PAD_S * rate_hz), np.float32)])
        return trimmed(at_tempo(self.media, padded, rate_hz, tempo, self.folder), rate_hz)

    def _fit(self, job: Job, text: str, natural_s: float) -> Fit:
        """Only a text with a pause of its own can leave the original's pauses open."""
        original_s = voiced_seconds(job.original) if _INNER_MARK.search(text) else job.original.seconds
        return fit(natural_s, original_s, job.room_s, self.sync)

    def _predicted_s(self, text: str) -> float:
        return predicted_seconds(text, self.language, self.synthesizer.info().name)

    def _condensed(self, job: Job, natural_s: float) -> Condensed | None:
        """A shorter text, asked for short enough to fit at the cap, or as near as the rules get; None where none is.

        A person's own wording is never shortened: where it does not fit, its flag says so.
        """
        ratio = job.room_s * self.sync.max_rate * _ASKED / natural_s
        if job.line.verbatim or not 0 < ratio < 1:
            return None
        text, wordings = job.line.text, tuple(self.glossary.values())
        shorter = condense_text(text, job.original.text, self.language, ratio, self.condenser, protected=wordings)
        return shorter if shorter.text != text and any(letter.isalnum() for letter in shorter.text) else None


def at_tempo(media: Media, sound: Samples, rate_hz: int, tempo: float, folder: Path) -> Samples:
    """A mono sound played `tempo` times as fast (0.5 to 2) with its pitch kept; in `folder` nothing is left."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".tempo-") as scratch:
        path = Path(scratch) / "in.f32"
        path.write_bytes(sound.astype("<f4").tobytes())
        graph = (
            ffmpeg.input(url(path), format="f32le", ar=rate_hz, ac=1)
            .filter("atempo", tempo)
            .output("pipe:", format="f32le", ar=rate_hz, ac=1)
        )
        data = b"".join(media.read(graph, f"Changing the tempo of a line by {tempo}"))
    return np.frombuffer(data, "<f4").astype(np.float32)
