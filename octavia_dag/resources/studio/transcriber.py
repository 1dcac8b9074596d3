"""Whisper large v3 turbo through whisperx hears words, many windows of speech at a time.

Windows are the embedded transcriber's, and so are the two faults that are mended by hearing again: a window that got
stuck on a phrase is heard in halves, and speech that a window passed over is heard alone; here all that must be heard
again makes the next batch. What was passed over is judged by whisper's own word times; in the end the language's
aligner, where it has one, times the words of all windows anew.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, ClassVar, Self, TypeVar

from pydantic import PositiveInt

from octavia_dag.dubbing.hearing import MAX_COMPRESSION, compression_ratio
from octavia_dag.dubbing.windows import WINDOW_S, Window, halves, pack_windows, unheard
from octavia_dag.dubbing.word_times import join_words, settle
from octavia_dag.errors import EngineError
from octavia_dag.resources.engines import EngineInfo, HeardSegment, Licence, Samples, Transcriber
from octavia_dag.resources.stopwatch import busy
from octavia_dag.resources.studio import silero
from octavia_dag.resources.studio.aligners import Aligners, Choice, choices, licences_of
from octavia_dag.resources.studio.alignment import Aligner, align_words, alignable, load_aligner, read_letters
from octavia_dag.resources.studio.decoding import Decoded, SaidWord, decode, language_probabilities, load_whisper
from octavia_dag.resources.studio.engine import StudioEngine
from octavia_dag.resources.weights import revision, weights_dir
from octavia_dag.resources.whisper import LANGUAGES, RATE_HZ, TIMES_AGAIN, code_of, likeliest, segments_of, words_of
from octavia_dag.schema import Span, Word

R = TypeVar("R")
ABSENT = "absent"
_METHOD = "windows-1"  # how the weights are run; another number where equal weights would hear other words
# With a batch of 16: the weights, and what is remembered of each window.
_WHISPER_GIB = 5.0
_ALIGNER_GIB = 3.0
# Half of what whisper remembers is for hot words: 223 tokens.
_HOT_BYTES = 220


@dataclass(frozen=True)
class _Heard:
    """What was heard in one window, at the window's own times."""

    window: Window
    sound: Samples
    words: Sequence[SaidWord]
    no_speech: float

    def placed(self) -> list[tuple[int, Word]]:
        """The words in their regions."""
        return settle(words_of(self.words, self.window), self.window.regions)

    def compression(self) -> float:
        """How far the text repeats itself."""
        return compression_ratio(join_words(words_of(self.words, self.window)))


class WhisperXTranscriber(StudioEngine, Transcriber):
    """Hears 98 languages.

    `batch` windows are heard at once. `compute_type` is CTranslate2's, by default float16 on a card and int8 on a CPU.
    `hotwords` are names and terms to expect, parted by commas. `aligners` "permitted" leaves out those that may not be
    sold; `aligner_weights` names others by language: "en=owner/name@revision, de=/folder".
    """

    needs: ClassVar[str] = "whisperx"

    weights: str = "mobiuslabsgmbh/faster-whisper-large-v3-turbo@main"
    batch: PositiveInt = 16
    beam: PositiveInt = 5
    compute_type: str = ""
    hotwords: str = ""
    aligners: Aligners = "all"
    aligner_weights: str = ""

    def info(self) -> EngineInfo:
        """Whisper's weights, the aligners that are there, and every option that changes what is heard."""
        told = [self.weights_revision(), _METHOD, f"silero {silero.revision()}", f"beam {self.beam}"]
        told += [self.compute_type or "default precision", self._word_times()]
        told += [f"hot words {self._hot_words()}"] if self._hot_words() else []
        return EngineInfo(name="whisperx", revision="; ".join(told), licence="MIT", languages=LANGUAGES)

    def licences(self, language: str | None = None) -> tuple[Licence, ...]:
        """Whisper's, whisperx's, silero's, and that of the aligner that the settings choose for `language`."""
        parts = (
            self.of_weights(Licence(part=f"whisper ({self.weights})", name="MIT")),
            Licence(part="whisperx", name="BSD-2-Clause"),
            Licence(part="silero-vad", name="MIT"),
        )
        return parts + (licences_of(language.partition("-")[0].lower(), self._choices()) if language else ())

    def references(self) -> tuple[str, ...]:
        """Whisper's weights, and the aligners that the settings name; the default ones may be absent."""
        return (self.weights, *(one.reference for one in self._choices().values() if one.named))

    def hot_words(self, terms: Sequence[str]) -> tuple[str, ...]:
        """The first of `terms`, as many as whisper surely holds beside its own: a token is a byte at least."""
        room = _HOT_BYTES - len(self.hotwords.encode())
        ends = accumulate(len(f", {term}".encode()) for term in terms)
        return tuple(term for term, end in zip(terms, ends, strict=True) if end <= room)

    def expecting(self, words: Sequence[str]) -> Self:
        """The same transcriber, which expects these `hot_words` too."""
        fields: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        fields["hotwords"] = ", ".join(filter(None, (self.hotwords, *words)))
        return type(self)(**fields)

    def detect_language(self, sound: Samples) -> tuple[str, float]:
        """Language code (ISO 639-1) and its probability, from the first 2 minutes in windows of 30 s."""
        if not len(sound):
            raise EngineError("Telling the language of an empty sound is not possible; give it one that holds speech.")
        window = Window.over(0.0, min(len(sound) / RATE_HZ, WINDOW_S))

        def told(pieces: Sequence[Samples], device: str) -> Sequence[dict[str, float]]:
            with self._whisper(device) as pipeline, busy("engine", "whisper"):
                return [language_probabilities(pipeline, piece) for piece in pieces]

        likely = self.fitting([sound], told, 1, "Telling the spoken language")[0]
        return likeliest(
            likely, lambda code: words_of(self._decoded([window.cut(sound, RATE_HZ)], code)[0].words, window)
        )

    def transcribe(self, sound: Samples, regions: Sequence[Span], language: str) -> list[HeardSegment]:
        """What is said inside `regions` of a mono 16 kHz sound; times are those of `sound`; empty sound, empty list.

        A segment is a sentence, or the part of one inside one region. A SettingsError names the languages where
        `language` is none of them.
        """
        code = code_of(language)
        inside = [region for region in regions if region.start * RATE_HZ < len(sound)]
        if not inside:
            return []
        parts = silero.part_at_pauses(inside, sound, self._vad)
        heard = self._heard(sound, pack_windows(parts, len(sound) / RATE_HZ), code)
        aligned = self._aligned([one.sound for one in heard], [one.words for one in heard], code)
        segments: list[HeardSegment] = []
        for one, words in zip(heard, aligned, strict=True):
            segments += segments_of(replace(one, words=words).placed(), one.no_speech, one.compression())
        return sorted(segments, key=lambda segment: segment.start)

    def _heard(self, sound: Samples, windows: Sequence[Window], code: str) -> list[_Heard]:
        """What is said in the windows, and in those that had to be heard again."""
        heard: list[_Heard] = []
        waiting = [(window, TIMES_AGAIN) for window in windows]
        while waiting:
            sounds = [window.cut(sound, RATE_HZ) for window, _ in waiting]
            again: list[tuple[Window, int]] = []
            for (window, times), part, found in zip(waiting, sounds, self._decoded(sounds, code), strict=True):
                one = _Heard(window, part, found.words, found.no_speech)
                if one.compression() > MAX_COMPRESSION and len(window.regions) > 1:
                    again += [(half, times) for half in halves(window)]
                    continue
                heard.append(one)
                again += [(missed, times - 1) for missed in unheard(one.placed(), window)] if times else []
            waiting = again
        return heard

    def _decoded(self, sounds: Sequence[Samples], code: str) -> list[Decoded]:
        def run(batch: Sequence[Samples], device: str) -> Sequence[Decoded]:
            with self._whisper(device) as pipeline, busy("engine", "whisper"):
                return decode(pipeline, batch, code, beam=self.beam, hotwords=self._hot_words())

        return self.fitting(sounds, run, self.batch, "Hearing a window of 30 s")

    def _aligned(
        self, sounds: Sequence[Samples], said: Sequence[Sequence[SaidWord]], code: str
    ) -> list[Sequence[SaidWord]]:
        """The words of each window at better times, where the language has an aligner."""
        reference = self._aligner_of(code)
        timed = list(said)
        # Windows of like length make a batch, so that little of it is padding.
        order = [place for place in range(len(sounds)) if said[place] and alignable(sounds[place])]
        order.sort(key=lambda place: len(sounds[place]))
        if reference is None or not order:
            return timed

        def run(batch: Sequence[int], device: str) -> Sequence[Sequence[SaidWord]]:
            with self._aligner(reference, code, device) as aligner, busy("engine", "aligner"):
                read = read_letters(aligner, [sounds[place] for place in batch])
                return [
                    align_words(aligner, said[place], letters, len(sounds[place]) / RATE_HZ)
                    for place, letters in zip(batch, read, strict=True)
                ]

        with self._aligner(reference, code, self.home) as aligner:
            size = self.batch if aligner.together else 1
        for place, words in zip(order, self.fitting(order, run, size, "Aligning the words of 30 s"), strict=True):
            timed[place] = words
        return timed

    def _whisper(self, device: str) -> Any:
        threads = self.threads or os.cpu_count() or 1
        return self.resident(
            f"whisper {self.compute_type}",
            _WHISPER_GIB,
            lambda where: load_whisper(
                self.folder(), where, compute_type=self.compute_type, threads=threads, vad=silero.packaged_silero()
            ),
            device,
        )

    def _aligner(self, reference: str, code: str, device: str) -> Any:
        def load(where: str) -> Aligner:
            return load_aligner(weights_dir(self.models_dir, reference), code, where)

        return self.resident(f"aligner {reference} {revision(self.models_dir, reference)}", _ALIGNER_GIB, load, device)

    def _vad(self) -> Any:
        with self._whisper(self.home) as pipeline:
            return pipeline.vad_model

    def _choices(self) -> dict[str, Choice]:
        return choices(self.aligners, self.aligner_weights)

    def _aligner_of(self, code: str) -> str | None:
        choice = self._choices().get(code)
        if choice is None or not (choice.named or revision(self.models_dir, choice.reference) != ABSENT):
            return None
        return choice.reference

    def _word_times(self) -> str:
        """Which languages have an aligner that is there; the others have whisper's own times."""
        there = {code: revision(self.models_dir, one.reference) for code, one in sorted(self._choices().items())}
        aligned = [f"{code} {told}" for code, told in there.items() if told != ABSENT]
        elsewhere = "words timed by whisper"
        return f"aligned {', '.join(aligned)}, else {elsewhere}" if aligned else elsewhere

    def _hot_words(self) -> str:
        return ", ".join(word for word in (one.strip() for one in self.hotwords.split(",")) if word)
