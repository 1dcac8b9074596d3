"""The roles: what a step may ask of an engine, and nothing about which engine answers.

Arrays in, arrays or documents out. Every engine names its licence, its languages and the revision of its weights,
so that a result can be traced and a content key changes with the weights. An engine is named in the settings by
import path ("package.module:Class"); `EngineRoom` loads it once per process, which keeps the model warm between
steps and lets a test hand the command an engine of its own.

Mono sound is float32 of shape (frames,), more channels (frames, channels), full scale 1.0.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Self

import dagster as dg
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from octavia_dag.dubbing.speakers import overlaps
from octavia_dag.schema import Span, Turn, Voice, VoiceClass, Word

Samples = NDArray[np.float32]
# How licences that forbid commercial use are called: CC-BY-NC-4.0, "non-commercial", "research only", XTTS's.
_NOT_FOR_SALE = re.compile(r"\bNC\b|non[- ]?commercial|research[- ]only|CPML", re.IGNORECASE)


class EngineInfo(BaseModel):
    """Who made a result: shown in metadata, part of the content key (`name` and `revision`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    revision: str
    licence: str
    languages: tuple[str, ...] = ()


class Licence(BaseModel):
    """Under what a part of an engine may be used; `instead` names what may be used where this may not be sold.

    `weights` is the reference of weights whose licence only an operator can know, who names it in the settings.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: str
    name: str
    commercial: bool = True
    instead: str = ""
    weights: str = ""

    @property
    def known(self) -> bool:
        """Whether anybody has said which licence it is."""
        return bool(self.name.strip()) and not self.weights

    @property
    def saleable(self) -> bool:
        """Whether it is known to permit commercial use; one that is called non-commercial never does."""
        return self.commercial and self.known and not _NOT_FOR_SALE.search(self.name)


class Engine(dg.ConfigurableResource, ABC):
    """Base of every role. Nothing is loaded before the first call that needs it. `device` is where a model computes:
    "cuda", "cuda:1", "cpu", or empty for the best there is; engines that know only the CPU do not look at it.
    """

    models_dir: str = ""
    threads: int = 0
    device: str = ""

    @abstractmethod
    def info(self) -> EngineInfo:
        """Name, revision of the weights, licence, languages; loads nothing."""

    def licences(self, language: str | None = None) -> tuple[Licence, ...]:
        """Of every part that work in `language` uses; without one, of those that any work uses."""
        told = self.info()
        return (Licence(part=told.name, name=told.licence),)

    def missing(self) -> tuple[str, ...]:
        """A sentence for each thing that it cannot work without and that is not there; loads nothing."""
        return ()


class Separator(Engine):
    """Splits a programme into voice and everything else."""

    @abstractmethod
    def background(self, blocks: Iterable[Samples], rate: int) -> Iterator[Samples]:
        """Background of a sound that is given and returned in blocks of shape (frames, channels).

        The blocks returned have any length, but together exactly as many frames as were given, in time with them;
        memory does not grow with the length. Silence stays silence.
        """


class Diarizer(Engine):
    """Tells who speaks when."""

    @property
    def alongside(self) -> bool:
        """Whether it gains by working while another engine does, as on a card that neither fills."""
        return False

    @abstractmethod
    def diarize(self, sound: Samples, regions: Sequence[Span], *, minimum: int, maximum: int) -> list[Turn]:
        """Turns inside `regions` of a mono 16 kHz sound, sorted by start, labelled A, B, ... by first appearance.

        The number of speakers is estimated between `minimum` and `maximum`, fixed when they are equal.
        """

    def diarize_with_overlaps(
        self, sound: Samples, regions: Sequence[Span], *, minimum: int, maximum: int
    ) -> tuple[list[Turn], list[Span]]:
        """The turns of `diarize`, and the stretches inside `regions` where two or more speak at once.

        An engine whose turns give every moment to one person, though it hears two, tells here where it did.
        """
        turns = self.diarize(sound, regions, minimum=minimum, maximum=maximum)
        return turns, overlaps(turns)


class HeardSegment(BaseModel):
    """A stretch as the transcriber heard it, with what the hallucination gates need."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: float
    end: float
    text: str
    words: tuple[Word, ...]
    mean_logprob: float
    no_speech: float
    compression: float


class Transcriber(Engine):
    """Hears words."""

    @abstractmethod
    def detect_language(self, sound: Samples) -> tuple[str, float]:
        """Language code (ISO 639-1) and its probability, of a mono 16 kHz sound."""

    @abstractmethod
    def transcribe(self, sound: Samples, regions: Sequence[Span], language: str) -> list[HeardSegment]:
        """What is said inside `regions` of a mono 16 kHz sound; times are those of `sound`; empty sound, empty list."""

    def hot_words(self, terms: Sequence[str]) -> tuple[str, ...]:
        """The first of `terms`, as many as it can be told to expect; none where it takes none."""
        return ()

    def expecting(self, words: Sequence[str]) -> Self:
        """The same transcriber, which expects these `hot_words` too."""
        return self


class Segmenter(Engine):
    """Finds sentences in words that came without punctuation, in the languages that its `info` names."""

    @abstractmethod
    def sentence_ends(self, words: Sequence[str], language: str) -> dict[int, str]:
        """The index of every word that ends a sentence, with the mark to write behind it.

        An unsupported language is a SettingsError that names the supported ones.
        """


class Translator(Engine):
    """Turns text into another language."""

    @abstractmethod
    def pairs(self) -> frozenset[tuple[str, str]]:
        """The (source, target) language tags it can serve now, with what is installed."""

    def quality(self, source: str, target: str) -> str | None:
        """How a pair is translated, in a word for people ("neural", "rule-based"); None where it is not served."""
        return "unrated" if (source, target) in self.pairs() else None

    @abstractmethod
    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """One translation per text, in order. An unsupported pair is a PairError that names the supported ones."""

    def candidates(self, texts: Sequence[str], source: str, target: str) -> list[list[str]]:
        """Translations of each text, the best first and one at least, for a caller who has too little room for it."""
        return [[text] for text in self.translate(texts, source, target)]


class Condenser(Engine):
    """Says the same in fewer words."""

    @abstractmethod
    def condense(self, text: str, original: str, language: str, ratio: float) -> str | None:
        """A text of at most `ratio` times the length of `text` (in spoken time), numbers and names unchanged.

        None when no such text was found; it is then flagged, never cut.
        """


class Profile(BaseModel):
    """A speaker's private profile: lives in memory and, encrypted, in the store.

    `clone` is the voice in the form that a cloning engine speaks from; empty where the cloner has none, and the
    reference sound must do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    speaker: str
    segments: tuple[Span, ...]
    embedding: tuple[float, ...]
    pitch_hz: float
    voice_class: VoiceClass
    reference_wav: bytes
    clone: bytes = b""


class VoiceCloner(Engine):
    """Knows people by their voice, and gives a synthesizer what it needs to sound like them.

    `choice`: out of how many times as much clean speech as is kept of a speaker the clearest is chosen for it.
    `same_voice`: the cosine from which two of its embeddings, of two recordings, are one person's.
    """

    choice: ClassVar[float] = 1.0
    same_voice: ClassVar[float] = 0.75

    @abstractmethod
    def embed(self, sound: Samples) -> Samples:
        """Unit-length embedding of a mono 16 kHz sound of at least 0.4 s."""

    @abstractmethod
    def profile(self, speaker: str, sound: Samples, segments: Sequence[Span]) -> Profile:
        """Profile from the `segments` (cleanest speech of one person) of a mono 16 kHz sound."""


class Utterance(BaseModel):
    """What a synthesizer is to say, and how: `speed` 1.0 is natural.

    `profile` is whose voice it is, for an engine that clones. Of an engine that samples another `take` is another sound
    of the same text, and the same take the same sound.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    voice: Voice
    language: str
    speed: float = 1.0
    profile: Profile | None = None
    take: int = 0


class Synthesizer(Engine):
    """Speaks.

    `clones`: in the voices of profiles, not in voices of its own. `samples`: it draws, so a take may go wrong and the
    next one right. `batch`: so many utterances are best given to it at once; 1 where lines may as well be spoken side
    by side. `stretch`: within these speeds an utterance just spoken is had at another speed, to within 2 %, without
    being spoken anew; None where it is not.
    """

    clones: ClassVar[bool] = False
    samples: ClassVar[bool] = False
    batch: ClassVar[int] = 1
    stretch: ClassVar[tuple[float, float] | None] = None

    @property
    @abstractmethod
    def rate_hz(self) -> int:
        """Sampling rate of what `speak` returns."""

    @abstractmethod
    def voices(self, language: str) -> tuple[Voice, ...]:
        """Its own voices that speak `language`, pure ones first, mixtures after; empty where it has none."""

    def speaks(self, language: str) -> bool:
        """Whether it can speak `language`."""
        return bool(self.voices(language))

    @abstractmethod
    def likeness(self, voice: Voice, language: str) -> tuple[Samples, float]:
        """Unit-length embedding (the VoiceCloner's) and pitch in Hz of a voice as it speaks `language`."""

    @abstractmethod
    def speak(self, text: str, voice: Voice, language: str, speed: float) -> Samples:
        """Mono sound of `text`, not silent; empty text is an EngineError. `speed` 1.0 is natural."""

    def speak_all(self, utterances: Sequence[Utterance]) -> list[Samples]:
        """The sound of each utterance, in order, as `speak` gives it; alone or among others, each sounds the same."""
        return [self.speak(one.text, one.voice, one.language, one.speed) for one in utterances]
