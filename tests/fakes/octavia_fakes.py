"""Honest fakes of every role: they take real time, fail on demand, count their calls, and use every input.

A test hands them to the command by import path ("octavia_fakes:FakeSeparator"). Since the command runs in another
process, a fake is told what to do by a JSON file that FAKES_CONTROL names, per class: `seconds` (real time each call
takes), `fail_at` (number of the call that fails), `block_at` (number of the call that waits for a minute), `deaf` (a
transcriber that hears nothing). Every call is a line of the file beside it that ends in `.calls`.
"""

import hashlib
import io
import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from octavia_dag.dubbing.lengths import predicted_seconds
from octavia_dag.errors import EngineError, PairError
from octavia_dag.resources.engines import (
    Condenser,
    Diarizer,
    Engine,
    EngineInfo,
    HeardSegment,
    Profile,
    Samples,
    Segmenter,
    Separator,
    Synthesizer,
    Transcriber,
    Translator,
    VoiceCloner,
)
from octavia_dag.resources.stopwatch import busy
from octavia_dag.schema import Span, Turn, Voice, VoiceClass, Word

HEARING_HZ = 16000
DIMENSIONS = 256  # as the real cloner has them, so that the one can meet the other's voices
WORDS = "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa".split()  # noqa: SIM905
ENGINES = {
    "separation": {"engine": "octavia_fakes:FakeSeparator"},
    "diarization": {"engine": "octavia_fakes:FakeDiarizer"},
    "transcription": {"engine": "octavia_fakes:FakeTranscriber"},
    "voices": {"engine": "octavia_fakes:FakeCloner"},
    "translation": {"engine": "octavia_fakes:FakeTranslator", "condenser": "octavia_fakes:FakeCondenser"},
    "synthesis": {"engine": "octavia_fakes:FakeSynthesizer"},
}


# Each language has an overtone of its own in what the fake synthesizer speaks; real speech has none.
OVERTONES_HZ = {"pt": 5000.0, "es": 5600.0}
OVERTONE = 0.003
_RINGS_S = 30  # the spectrum of minutes takes more memory than all that the tests measure


def _rings(sound: Samples, hz: float) -> bool:
    """Whether a 16 kHz sound has a tone there: more in a narrow band than in the wider one around it."""
    if len(sound) < HEARING_HZ // 10:
        return False
    told = sound[: _RINGS_S * HEARING_HZ]
    spectrum = np.abs(np.fft.rfft(told)) ** 2
    at = np.fft.rfftfreq(len(told), 1 / HEARING_HZ)
    narrow, wide = (float(spectrum[np.abs(at - hz) < width].mean()) for width in (20.0, 200.0))
    return narrow > 3 * wide


def _called(engine: Engine, what: str) -> dict[str, Any]:
    """Counts a call, takes its time, does what the control file asks for, and returns all it asks of this fake."""
    control = os.environ.get("FAKES_CONTROL")
    name = type(engine).__name__
    with busy("engine", name):
        if control is None:
            return {}
        calls = Path(control + ".calls")
        with calls.open("a", encoding="utf-8") as file:
            file.write(f"{name} {what}\n")
        number = sum(line.startswith(f"{name} ") for line in calls.read_text(encoding="utf-8").splitlines())
        wishes: dict[str, Any] = json.loads(Path(control).read_text(encoding="utf-8")).get(name, {})
        time.sleep(float(wishes.get("seconds", 0.0)))
        if wishes.get("block_at") == number:
            time.sleep(60)
        if wishes.get("fail_at") == number:
            raise EngineError(f"{name} was told to fail at its call {number}; try again.")
        return wishes


def _info(engine: Engine) -> EngineInfo:
    return EngineInfo(name=type(engine).__name__, revision="fake-1", licence="none", languages=("en", "pt-BR", "es"))


class FakeSeparator(Separator):
    """A fifth of the sound is background."""

    def info(self) -> EngineInfo:
        return _info(self)

    def background(self, blocks: Iterable[Samples], rate: int) -> Iterator[Samples]:
        _called(self, f"background {rate}")
        for block in blocks:
            yield (block * np.float32(0.2)).astype(np.float32)


class FakeDiarizer(Diarizer):
    """Regions in turn, to as many people as the bounds allow, two at most."""

    def info(self) -> EngineInfo:
        return _info(self)

    def diarize(self, sound: Samples, regions: Sequence[Span], *, minimum: int, maximum: int) -> list[Turn]:
        _called(self, f"diarize {len(sound)} {len(regions)} {minimum} {maximum}")
        count = max(minimum, min(2, maximum, len(regions)))
        return [Turn(speaker="ABCDEFGH"[i % count], start=r.start, end=r.end) for i, r in enumerate(regions)]


class FakeTranscriber(Transcriber):
    """Two and a half words a second; which ones depends on the sound. A dub's language is its overtone."""

    def info(self) -> EngineInfo:
        return _info(self)

    def detect_language(self, sound: Samples) -> tuple[str, float]:
        _called(self, f"detect {len(sound)}")
        return next((code for code, hz in OVERTONES_HZ.items() if _rings(sound, hz)), "en"), 0.9

    def transcribe(self, sound: Samples, regions: Sequence[Span], language: str) -> list[HeardSegment]:
        wishes = _called(self, f"transcribe {len(sound)} {len(regions)} {language}")
        return [] if wishes.get("deaf") else [self._segment(sound, region) for region in regions]

    def _segment(self, sound: Samples, region: Span) -> HeardSegment:
        count = max(1, round(region.seconds * 2.5))
        step = region.seconds / count
        words: list[Word] = []
        for number in range(count):
            start = region.start + number * step
            piece = sound[int(start * HEARING_HZ) : int((start + step) * HEARING_HZ)]
            seed = int(hashlib.sha256(np.round(piece, 2).tobytes()).hexdigest(), 16)
            text = WORDS[seed % len(WORDS)] + ("." if number == count - 1 else "")
            words.append(Word(start=start, end=start + step, text=text, confidence=0.9))
        text = " ".join(word.text for word in words)
        return HeardSegment(
            start=region.start,
            end=region.end,
            text=text,
            words=tuple(words),
            mean_logprob=-0.2,
            no_speech=0.01,
            compression=1.2,
        )


class FakeSegmenter(Segmenter):
    """Every fifth word ends a sentence; it knows English."""

    def info(self) -> EngineInfo:
        return _info(self).model_copy(update={"languages": ("en",)})

    def sentence_ends(self, words: Sequence[str], language: str) -> dict[int, str]:
        _called(self, f"segment {len(words)} {language}")
        return dict.fromkeys(range(4, len(words), 5), ".")


class FakeTranslator(Translator):
    """Words in reverse, with the language's mark."""

    def info(self) -> EngineInfo:
        return _info(self)

    def pairs(self) -> frozenset[tuple[str, str]]:
        return frozenset({("en", "pt-BR"), ("en", "es"), ("pt-BR", "en")})

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        _called(self, f"translate {len(texts)} {source} {target}")
        if (source, target) not in self.pairs():
            raise PairError(f"Translating from {source} into {target}: pairs are {sorted(self.pairs())}.")
        mark = target[:2]
        return [" ".join(f"{word.strip('.')}{mark}" for word in reversed(text.split())) + "." for text in texts]


class FakeCondenser(Condenser):
    """Drops plain words from the end, never a name or a number, until it is short enough; else None."""

    def info(self) -> EngineInfo:
        return _info(self)

    def condense(self, text: str, original: str, language: str, ratio: float) -> str | None:
        _called(self, f"condense {len(text)} {len(original)} {language} {ratio}")
        words, allowed = text.split(), ratio * predicted_seconds(text, language)
        droppable = [i for i, word in enumerate(words) if word.strip(".,").isalpha() and word.islower()]
        while predicted_seconds(" ".join(words), language) > allowed and droppable:
            del words[droppable.pop()]
        short = " ".join(words)
        return short if words and predicted_seconds(short, language) <= allowed else None


def wav(speech: Samples) -> bytes:
    """A WAV file of 16 bits, as a cloner keeps a reference."""
    file = io.BytesIO()
    soundfile.write(file, speech, HEARING_HZ, format="WAV", subtype="PCM_16")
    return file.getvalue()


class FakeCloner(VoiceCloner):
    """The shape of the spectrum is the person; the zero crossings are the pitch."""

    def info(self) -> EngineInfo:
        return _info(self)

    def embed(self, sound: Samples) -> Samples:
        _called(self, f"embed {len(sound)}")
        bands = np.array_split(np.abs(np.fft.rfft(sound[:HEARING_HZ], HEARING_HZ)), DIMENSIONS)
        vector = np.array([band.mean() for band in bands]) + 1e-9
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    def profile(self, speaker: str, sound: Samples, segments: Sequence[Span]) -> Profile:
        parts = [sound[int(s.start * HEARING_HZ) : int(s.end * HEARING_HZ)] for s in segments]
        speech = np.concatenate(parts) if parts else np.zeros(HEARING_HZ, np.float32)
        crossings = float(np.count_nonzero(np.diff(np.signbit(speech)))) / max(1, len(speech)) * HEARING_HZ / 2
        kind: VoiceClass = "female" if crossings > 1000 else "male"
        return Profile(
            speaker=speaker,
            segments=tuple(segments),
            embedding=tuple(float(x) for x in self.embed(speech)),
            pitch_hz=crossings,
            voice_class=kind,
            reference_wav=wav(speech),
        )


class FakeSynthesizer(Synthesizer):
    """A hum per word, as long as its letters; each voice has its own pitch."""

    def info(self) -> EngineInfo:
        return _info(self)

    @property
    def rate_hz(self) -> int:
        return 24000

    def voices(self, language: str) -> tuple[Voice, ...]:
        if language not in self.info().languages:
            return ()
        kinds: tuple[VoiceClass, ...] = ("female", "male")
        return tuple(
            Voice(id=f"fake_{kind[0]}{n}", styles=((f"fake_{kind[0]}{n}", 1.0),), voice_class=kind)
            for kind in kinds
            for n in range(4)
        )

    def likeness(self, voice: Voice, language: str) -> tuple[Samples, float]:
        vector = np.full(DIMENSIONS, 0.02, np.float32)
        vector[self._place(voice)] = 1.0
        return (vector / np.linalg.norm(vector)).astype(np.float32), self._pitch(voice)

    def speak(self, text: str, voice: Voice, language: str, speed: float) -> Samples:
        _called(self, f"speak {len(text)} {voice.id} {language} {speed:.3f}")
        if not text.strip():
            raise EngineError("Speaking an empty text is not possible; give it words.")
        parts = [np.zeros(2400, np.float32)]
        for word in text.split():
            frames = int(24000 * 0.07 * len(word) / speed)
            t = np.arange(frames) / 24000
            overtone = OVERTONE * np.sin(2 * np.pi * OVERTONES_HZ.get(language[:2], 0.0) * t)
            hum = (0.3 * np.sin(2 * np.pi * self._pitch(voice) * t) + overtone) * np.hanning(frames)
            parts += [hum.astype(np.float32), np.zeros(480, np.float32)]
        return np.concatenate(parts)

    def _place(self, voice: Voice) -> int:
        return [v.id for v in self.voices("en")].index(voice.id)

    def _pitch(self, voice: Voice) -> float:
        return 100.0 + 25.0 * self._place(voice)
