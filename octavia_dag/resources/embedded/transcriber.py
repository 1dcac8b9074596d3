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
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import PrivateAttr

from octavia_dag.dubbing.hearing import MAX_COMPRESSION, compression_ratio
from octavia_dag.dubbing.windows import WINDOW_S, Window, halves, pack_windows, split_long, unheard
from octavia_dag.dubbing.word_times import ends_sentence, join_words, settle, spaced
from octavia_dag.errors import EngineError, SettingsError
from octavia_dag.resources.engines import EngineInfo, HeardSegment, Samples, Transcriber
from octavia_dag.resources.models import model, model_dir
from octavia_dag.resources.stopwatch import busy
from octavia_dag.schema import Span, Word

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.transcribe import Word as RawWord

RATE_HZ = 16000
MODEL = "whisper-base"
_METHOD = "int8-windows-1"  # how the weights are run; another number where equal weights would hear other words
BEAM = 5
# The spoken language is judged over this many windows of 30 s.
LANGUAGE_WINDOWS = 4
_LANGUAGE_WINDOW_S = 30
# A recording of accented English was 0.23 English and 0.18 Greek; clear ones are 0.94 to 0.99 of their language.
_SURE_LANGUAGE = 0.8
_CANDIDATES = 3
# A word's probability is not taken for less: the logarithm of 0 has no mean.
_FLOOR = 1e-3
# Where it gets stuck, it fills all of its memory: nobody speaks so fast, in any script.
_TOKENS_PER_S = 20
_MOST_TOKENS = 440
_TIMES_AGAIN = 2
_CODES = (
    "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id "
    "is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd "
    "si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo zh"
)
LANGUAGES = tuple(_CODES.split())


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
        likely = self._language_probabilities(sound)
        best = max(likely, key=lambda code: likely[code])
        if likely[best] >= _SURE_LANGUAGE:
            return best, likely[best]
        window = Window.over(0.0, min(len(sound) / RATE_HZ, WINDOW_S))
        believed: dict[str, float] = {}
        for code in sorted(likely, key=lambda code: -likely[code])[:_CANDIDATES]:
            words, _ = self._decode(window, sound, code)
            believed[code] = likely[code] * (math.exp(_mean_logprob(words)) if words else _FLOOR)
        best = max(believed, key=lambda code: believed[code])
        return best, believed[best] / sum(believed.values())

    def _language_probabilities(self, sound: Samples) -> dict[str, float]:
        """Mean probability of each language over the windows."""
        from faster_whisper.audio import pad_or_trim

        model = self._model()
        step = _LANGUAGE_WINDOW_S * RATE_HZ
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
        code = _code(language)
        inside = [region for region in regions if region.start * RATE_HZ < len(sound)]
        if not inside:
            return []
        parts = split_long(inside, sound, RATE_HZ)
        found: list[HeardSegment] = []
        for window in pack_windows(parts, len(sound) / RATE_HZ):
            found += self._hear(sound, window, code, again=_TIMES_AGAIN)
        return sorted(found, key=lambda segment: segment.start)

    def _hear(self, sound: Samples, window: Window, language: str, *, again: int) -> list[HeardSegment]:
        """One window, and up to `again` times once more what was passed over in it."""
        words, no_speech = self._decode(window, sound, language)
        compression = compression_ratio(join_words(words))
        if compression > MAX_COMPRESSION and len(window.regions) > 1:
            return [one for half in halves(window) for one in self._hear(sound, half, language, again=again)]
        placed = settle(words, window.regions)
        segments = list(_segments(placed, no_speech, compression))
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
        words = _words([word for segment in segments for word in segment.words or ()], window)
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


def _code(language: str) -> str:
    """Whisper's code of a language tag: "pt" of "pt-BR"."""
    code = language.replace("_", "-").split("-")[0].lower()
    if code not in LANGUAGES:
        raise SettingsError(f"Hearing '{language}' is not possible; the transcriber knows {', '.join(LANGUAGES)}.")
    return code


def _words(raw: "Sequence[RawWord]", window: Window) -> list[Word]:
    """The words at the sound's own times; a token that the transcriber wrote without a space joins the word before."""
    words: list[Word] = []
    for one in raw:
        text = one.word.strip()
        start, end = window.source_time(one.start), window.source_time(one.end)
        joins = words and not one.word.startswith(" ") and spaced(text) and spaced(words[-1].text)
        if joins:
            before = words[-1]
            both = {"text": before.text + text, "confidence": min(before.confidence, one.probability)}
            words[-1] = before.model_copy(update={**both, "end": round(max(before.end, end), 3)})
        elif text:
            words.append(Word(start=start, end=end, text=text, confidence=one.probability))
    return words


def _mean_logprob(words: Sequence[Word]) -> float:
    return sum(math.log(max(word.confidence, _FLOOR)) for word in words) / len(words)


def _segments(placed: Sequence[tuple[int, Word]], no_speech: float, compression: float) -> Iterator[HeardSegment]:
    """The words of one region up to a sentence end, each with its own mean log probability."""
    group: list[Word] = []
    for position, (place, word) in enumerate(placed):
        group.append(word)
        last = position + 1 == len(placed) or placed[position + 1][0] != place
        if last or ends_sentence(word.text):
            yield HeardSegment(
                start=group[0].start,
                end=group[-1].end,
                text=join_words(group),
                words=tuple(group),
                mean_logprob=_mean_logprob(group),
                no_speech=no_speech,
                compression=compression,
            )
            group = []
