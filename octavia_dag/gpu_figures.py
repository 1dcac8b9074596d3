"""How long an hour of video takes on a GPU, by published figures: each stage with its rate, its card and its source.

None of it was measured here, for want of a GPU. A figure counts as it was published; where that was on another card
than the one asked for, it is scaled by the ratio of the two cards' memory bandwidth, which bounds small
batches and generation token by token, and the row says so. What nobody publishes is an estimate, and is marked as one.
"""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["video second", "speech second", "line", "speaker"]

# Memory bandwidth in GB/s, as NVIDIA's data sheets state it (A100 and H100 with 80 GB, SXM).
CARDS = {"h100": 3350.0, "a100": 2039.0, "l40s": 864.0, "a10g": 600.0, "3090": 936.0, "3070ti": 608.0, "t4": 320.0}
# Of an hour of conversation about 40 minutes are speech, in about 700 lines (a line is at most 12 s, 3.4 s on average).
SPEECH_SHARE = 2 / 3
LINES_PER_HOUR = 700
# The product's own table promises 28 to 35 minutes for an hour with four speakers on this card.
PROMISED_MINUTES = (28, 35)
OURS_MINUTES = 8


@dataclass(frozen=True)
class Figure:
    """A stage: `rate` seconds of work per unit on `card`. `card` empty: the processor's work, the same everywhere.

    `published` False marks an estimate. Stages with the same `lane` run one after another; the second lane runs beside
    the first ("diarization beside transcription").
    """

    stage: str
    rate: float
    unit: Unit
    card: str
    source: str
    published: bool = True
    beside: str = ""


FIGURES = (
    Figure("probe and pre-analysis", 15 / 3600, "video second", "", "one ffmpeg pass; estimate", published=False),
    Figure("separation", 5 / 180, "video second", "3090",
           "htdemucs_6s with TensorRT: a 3 minute track in about 5 s (NVIDIA/TensorRT-RTX, issue 29)"),
    Figure("diarization", 31 / 3600, "video second", "h100",
           "community-1: 31 s per hour of AMI on an H100 80 GB (pyannote/pyannote-audio, README)",
           beside="transcription"),
    Figure("transcription", 17 / 780, "speech second", "3070ti",
           "faster-whisper large-v2, batch 8: 13 minutes in 17 s on a 3070 Ti (SYSTRAN/faster-whisper, README)"),
    Figure("alignment", 20 / 2400, "speech second", "a100", "wav2vec2 batched by length; estimate", published=False),
    Figure("voice profiles", 1.0, "speaker", "a100", "latents of 30 s of speech; estimate", published=False),
    Figure("translation", 3 * 0.78 / 60, "line", "t4",
           "NLLB-600M in CTranslate2, batch 64: 60 segments in 0.78 s on a T4, times 3 for SeamlessM4T's size; "
           "the factor is an estimate", published=False),
    Figure("speech, line by line", 0.728 / 4, "speech second", "a10g",
           "XTTS v2 with DeepSpeed: a sentence of 4 s in 0.728 s on an A10G (a vendor's figure)"),
    Figure("mix, mux and report", 40 / 3600, "video second", "", "ffmpeg on the host; estimate", published=False),
)  # fmt: skip
# Batches of equal length in place of single lines; what batching of this GPT brings is published by one maker alone.
BATCHED_SPEECH = Figure(
    "speech, in batches", 600 / 36_000, "speech second", "3090",
    "a batched port of XTTS v2: a book of some 10 hours in 10 minutes (astramind-ai/Auralis: its own claim)",
)  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """A stage of one video: seconds on the card that was asked for, and what the figure rests on."""

    name: str
    seconds: float
    source: str
    published: bool
    scaled_from: str
    beside: str


def stages(card: str, video_s: float, speakers: int, *, batched: bool = True) -> tuple[Stage, ...]:
    """Every stage of a video of `video_s` seconds on `card`; a KeyError for a card that is not in CARDS."""
    amounts = {
        "video second": video_s,
        "speech second": video_s * SPEECH_SHARE,
        "line": video_s / 3600 * LINES_PER_HOUR,
        "speaker": float(speakers),
    }
    figures = [BATCHED_SPEECH if batched and one.stage.startswith("speech") else one for one in FIGURES]
    found: list[Stage] = []
    for one in figures:
        scale = CARDS[one.card] / CARDS[card] if one.card else 1.0
        seconds = one.rate * amounts[one.unit] * scale
        moved = one.card if one.card and one.card != card else ""
        found.append(Stage(one.stage, seconds, one.source, one.published, moved, one.beside))
    return tuple(found)


def wall_seconds(found: tuple[Stage, ...]) -> float:
    """One after another, but for what runs beside another stage: of those two the longer one counts."""
    by_name = {one.name: one.seconds for one in found}
    hidden = sum(min(one.seconds, by_name[one.beside]) for one in found if one.beside)
    return sum(by_name.values()) - hidden
