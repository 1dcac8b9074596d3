"""Whisper base (CTranslate2, int8) hears words, a window of speech at a time.

Each window is decoded once, greedily safe: beam 5, temperature 0 only, no memory of the window before, no timestamps
asked of the decoder. Sampling at higher temperatures would make a second run differ, and a memory carries one
mistake on; word times come from the attention instead. Two faults are mended by hearing again: a window that got
stuck on a phrase is heard in halves, and speech that a window passed over (whisper stops early after a phrase that
sounds like an end) is heard alone.
"""

import math
import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import PrivateAttr

from octavia_dag.dubbing.hearing import MAX_COMPRESSION, compression_ratio
from octavia_dag.dubbing.windows import WINDOW_S, Window, halves, pack_windows, split_long, unheard
from octavia_dag.dubbing.word_times import join_words, settle
from octavia_dag.errors import EngineError
from octavia_dag.resources.engines import EngineInfo, HeardSegment, Samples, Transcriber
from octavia_dag.resources.models import model, model_dir
from octavia_dag.resources.stopwatch import busy
from octavia_dag.resources.whisper import (
    LANGUAGE_WINDOW_S,
    LANGUAGE_WINDOWS,
    LANGUAGES,
    RATE_HZ,
    TIMES_AGAIN,
    code_of,
    likeliest,
    segments_of,
    words_of,
)
from octavia_dag.schema import Span, Word

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

MODEL = "whisper-base"
_METHOD = "int8-windows-1"  # how the weights are run; another number where equal weights would hear other words
BEAM = 5
# Where it gets stuck, it fills all of its memory: nobody speaks so fast, in any script.
_TOKENS_PER_S = 20
_MOST_TOKENS = 440


class WhisperTranscriber(Transcriber):
    """Hears 98 languages, best those that are spoken by many. `threads` 0 takes one per core."""

    _lock: threading.RLock = PrivateAttr(default_factory=threading.RLock)
    _loaded: "WhisperModel | None" = PrivateAttr(default=None)

    def info(self) -> EngineInfo:
        """Whisper base, MIT."""
        return EngineInfo(name=MODEL, revision=f"{model(MODEL).revision} {_METHOD}", licence="MIT", languages=LANGUAGES)

    def detect_language(self, sound: Samples) -> tuple[str, float]:
        """Language code (ISO 639-1) and its probability, from the first 2 minutes in windows of 30 s.

        Where the sound alone leaves it open (an accent, a few words), the likeliest languages are heard, and what is
        heard is believed: of text in a wrong language the transcriber is less sure.
        """
        if not len(sound):
            raise EngineError("Telling the language of an empty sound is not possible; give it one that holds speech.")
        window = Window.over(0.0, min(len(sound) / RATE_HZ, WINDOW_S))
        return likeliest(self._language_probabilities(sound), lambda code: self._decode(window, sound, code)[0])

    def _language_probabilities(self, sound: Samples) -> dict[str, float]:
        """Mean probability of each language over the windows."""
        from faster_whisper.audio import pad_or_trim

        model = self._model()
        step = LANGUAGE_WINDOW_S * RATE_HZ
        starts = range(0, min(len(sound), LANGUAGE_WINDOWS * step), step)
        mean: dict[str, float] = dict.fromkeys(LANGUAGES, 0.0)
        with self._lock, busy("engine", "whisper"):
            for start in starts:
                features = pad_or_trim(model.feature_extractor(sound[start : start + step])[..., :-1])
                for token, probability in model.model.detect_language(model.encode(features))[0]:
                    mean[token.strip("<|>")] += probability / len(starts)
        return mean

    def transcribe(self, sound: Samples, regions: Sequence[Span], language: str) -> list[HeardSegment]:
        """What is said inside `regions` of a mono 16 kHz sound; times are those of `sound`; empty sound, empty list.

        A segment is a sentence, or the part of one inside one region. A SettingsError names the languages where
        `language` is none of them.
        """
        code = code_of(language)
        inside = [region for region in regions if region.start * RATE_HZ < len(sound)]
        if not inside:
            return []
        parts = split_long(inside, sound, RATE_HZ)
        found: list[HeardSegment] = []
        for window in pack_windows(parts, len(sound) / RATE_HZ):
            found += self._hear(sound, window, code, again=TIMES_AGAIN)
        return sorted(found, key=lambda segment: segment.start)

    def _hear(self, sound: Samples, window: Window, language: str, *, again: int) -> list[HeardSegment]:
        """One window, and up to `again` times once more what was passed over in it."""
        words, no_speech = self._decode(window, sound, language)
        compression = compression_ratio(join_words(words))
        if compression > MAX_COMPRESSION and len(window.regions) > 1:
            return [one for half in halves(window) for one in self._hear(sound, half, language, again=again)]
        placed = settle(words, window.regions)
        segments = list(segments_of(placed, no_speech, compression))
        if again:
            for missed in unheard(placed, window):
                segments += self._hear(sound, missed, language, again=again - 1)
        return segments

    def _decode(self, window: Window, sound: Samples, language: str) -> tuple[list[Word], float]:
        """Words at the sound's own times, and the probability that nobody speaks."""
        from faster_whisper import BatchedInferencePipeline

        part = window.cut(sound, RATE_HZ)
        model = self._model()
        with self._lock, busy("engine", "whisper"):
            found, _ = BatchedInferencePipeline(model).transcribe(
                part,
                language=language,
                beam_size=BEAM,
                temperature=0.0,
                word_timestamps=True,
                without_timestamps=True,
                vad_filter=False,
                clip_timestamps=[{"start": 0.0, "end": len(part) / RATE_HZ}],
                batch_size=1,
                max_new_tokens=min(_MOST_TOKENS, 24 + math.ceil(_TOKENS_PER_S * len(part) / RATE_HZ)),
            )
            segments = list(found)
        words = words_of([word for segment in segments for word in segment.words or ()], window)
        return words, segments[0].no_speech_prob if segments else 1.0

    def _model(self) -> "WhisperModel":
        """The model, loaded at the first call."""
        with self._lock:
            if self._loaded is None:
                folder = model_dir(self.models_dir, MODEL)
                with busy("load", "whisper"):
                    from faster_whisper import WhisperModel

                    threads = self.threads or os.cpu_count() or 1
                    self._loaded = WhisperModel(
                        str(folder), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
                    )
            return self._loaded
