"""What may be believed of what a transcriber says it heard.

Whisper invents words in music and noise, and gets stuck on a phrase. Each refusal below is cautious (real speech
over music must pass), names its cause in words, and is reported: nothing disappears in silence. What is left is
judged once more as a whole, since a transcript of garbage is worse than none: everything after it would be wrong.
"""

import math
import re
import statistics
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from octavia_dag.dubbing.regions import overlap_s
from octavia_dag.dubbing.word_times import core_s, spaced
from octavia_dag.schema import Line, Span, Verdict, Word

# Whisper's own limits (openai/whisper, transcribe.py): compression_ratio_threshold, no_speech_threshold.
MAX_COMPRESSION = 2.4
MAX_NO_SPEECH = 0.6
MIN_LOGPROB = -1.0
# On music, a tone and noise whisper base gives log probabilities of -4.1 to -2.1 with no-speech 0.65 to 0.88; on real
# speech, mumbled words included, -1.4 and better with 0.01 to 0.3. So a low probability needs a second witness.
SURELY_WRONG = -0.75
DOUBTFUL_NO_SPEECH = 0.4
# One phrase is most of the text, and either hardly believed or of a clip that hardly holds speech.
REPEATED_SHARE = 0.7
REPEATED_LOGPROB = -1.5
SPARSE_SPEECH = 0.05
SPARSE_CLIP_S = 30.0
# The blocking check's own limits. Fast speech is 4 words a second, an auctioneer's 7; words of scripts without
# spaces are single signs.
MAX_WORDS_PER_S = 8.0
MAX_SIGNS_PER_S = 16.0
MIN_CONFIDENCE = 0.3
# So many lines that are nearly all the same are a transcriber that got stuck, however sure it is.
STUCK_LINES = 8
# This much speech without a word in it is no accident.
WORDLESS_SPEECH_S = 20.0


class Heard(Protocol):
    """A stretch as a transcriber heard it (resources/engines.py: HeardSegment)."""

    @property
    def start(self) -> float: ...  # noqa: D102
    @property
    def end(self) -> float: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def words(self) -> tuple[Word, ...]: ...  # noqa: D102
    @property
    def mean_logprob(self) -> float: ...  # noqa: D102
    @property
    def no_speech(self) -> float: ...  # noqa: D102
    @property
    def compression(self) -> float: ...  # noqa: D102


S = TypeVar("S", bound=Heard)


def accept(
    segments: Sequence[S], regions: Sequence[Span], *, min_logprob: float = MIN_LOGPROB, clip_s: float | None = None
) -> tuple[list[S], list[str]]:
    """The segments that may be believed, and one sentence for each that is refused.

    `regions` is the speech found by voice activity, `clip_s` the length of the whole sound where it is known.
    """
    kept: list[S] = []
    dropped: list[str] = []
    for segment in segments:
        reason = _refusal(segment, regions, min_logprob)
        if reason:
            dropped.append(f"{segment.start:.2f} to {segment.end:.2f} s, '{_short(segment.text)}': {reason}")
        else:
            kept.append(segment)
    phrase = _repeated([segment.text for segment in kept])
    if phrase and _doubtful([segment.mean_logprob for segment in kept], regions, clip_s):
        dropped.append(f"All {len(kept)} segments: '{_short(phrase)}' again and again, where hardly anything is said")
        return [], dropped
    return kept, dropped


def verdict(
    lines: Sequence[Line], regions: Sequence[Span], language: str | None, *, clip_s: float | None = None
) -> Verdict:
    """Whether the transcript can be dubbed from; reasons are sentences that say what to do.

    `regions` is the speech found by voice activity. No speech at all is ok: then there is nothing to dub.
    """
    speech_s = sum(region.seconds for region in regions)
    if not lines:
        if speech_s < WORDLESS_SPEECH_S:
            return Verdict(ok=True)
        named = language or "the language that was heard"
        remedy = f"check that {named} is spoken there and name the language if not, or choose another audio track"
        return Verdict(
            ok=False, reasons=(f"{speech_s:.0f} s sound like speech, but no word was understood: {remedy}.",)
        )
    reasons: list[str] = []
    if language is None:
        reasons.append("The spoken language could not be told: name it in the settings (transcription.language).")
    texts = [line.text for line in lines]
    believed = [math.log(max(line.confidence, 1e-3)) for line in lines]
    phrase = _repeated(texts)
    if phrase and (_doubtful(believed, regions, clip_s) or len(lines) >= STUCK_LINES):
        reasons.append(f"'{_short(phrase)}' is most of what was heard: listen to the sound, and name its language.")
    if statistics.median(line.confidence for line in lines) < MIN_CONFIDENCE:
        reasons.append(f"Most lines are guesses (confidence under {MIN_CONFIDENCE}): check the language and the sound.")
    pace = sum(len(line.words) for line in lines) / max(0.1, sum(line.seconds for line in lines))
    if pace > (MAX_WORDS_PER_S if spaced(" ".join(texts)) else MAX_SIGNS_PER_S):
        reasons.append(f"{pace:.1f} words a second cannot be spoken: check the language and the sound.")
    return Verdict(ok=not reasons, reasons=tuple(reasons))


def hear_text(segments: Iterable[Heard]) -> str:
    """The text of all segments."""
    return " ".join(segment.text.strip() for segment in segments).strip()


def compression_ratio(text: str) -> float:
    """Bytes of the text over bytes of the compressed text (whisper's measure of repetition); 0 for no text."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0


def normalize_words(text: str) -> list[str]:
    """The words in lower case without punctuation, hyphens part words, numbers stay as they are written."""
    plain = unicodedata.normalize("NFC", text).lower().replace("\u2019", "'")
    return re.findall(r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*", plain)


def word_error_rate(reference: str, hypothesis: str) -> float:
    """Word errors over words of the reference, after `normalize_words`; with an empty reference 0 or 1."""
    import jiwer

    expected, heard = normalize_words(reference), normalize_words(hypothesis)
    if not expected:
        return 1.0 if heard else 0.0
    return float(jiwer.wer(" ".join(expected), " ".join(heard)))


def _refusal(segment: Heard, regions: Sequence[Span], min_logprob: float) -> str | None:
    """Why a segment is not believed, None where it is."""
    logprob, no_speech = segment.mean_logprob, segment.no_speech
    doubts = (
        (not normalize_words(segment.text), "no word in it"),
        (segment.compression > MAX_COMPRESSION, "it is of a text that repeats itself"),
        (logprob < min_logprob + SURELY_WRONG, "hardly believed by the transcriber itself"),
        (logprob < min_logprob and no_speech > DOUBTFUL_NO_SPEECH, "hardly believed, and perhaps no speech"),
        (logprob < min_logprob / 2 and no_speech > MAX_NO_SPEECH, "taken for no speech"),
        (not any(_inside(word, regions) for word in segment.words), "outside all speech that voice activity found"),
    )
    figures = f"log probability {logprob:.2f}, no speech {no_speech:.2f}, compression {segment.compression:.1f}"
    return next((f"{words} ({figures})" for doubt, words in doubts if doubt), None)


def _inside(word: Word, regions: Sequence[Span]) -> bool:
    core = core_s(word)
    return any(region.start <= core <= region.end or overlap_s(word, region) > 0 for region in regions)


def _repeated(texts: Sequence[str]) -> str | None:
    """The phrase that fills `REPEATED_SHARE` of the characters of at least three texts."""
    phrases = Counter(" ".join(normalize_words(text)) for text in texts)
    if not phrases or len(texts) < 3:
        return None
    total = sum(len(phrase) * count for phrase, count in phrases.items())
    phrase, count = max(phrases.items(), key=lambda item: len(item[0]) * item[1])
    return phrase if count > 1 and len(phrase) * count >= REPEATED_SHARE * total else None


def _doubtful(logprobs: Sequence[float], regions: Sequence[Span], clip_s: float | None) -> bool:
    if statistics.median(logprobs) < REPEATED_LOGPROB:
        return True
    speech = sum(region.seconds for region in regions)
    return clip_s is not None and clip_s > SPARSE_CLIP_S and speech < SPARSE_SPEECH * clip_s


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= 60 else f"{text[:57]}..."
