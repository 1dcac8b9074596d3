"""Loudness and true peak as ffmpeg's ebur128 hears them, and the limiter that keeps a true peak.

ebur128 runs in a stream: an hour costs seconds and no memory, and it weighs the channels of the real layout. Its
values are read per 0.1 s block, because a summary can not be gated over speech and rounds a peak to 0.1 dB. The
limiter works at 192 kHz, where a sample's value is its true peak (ITU-R BS.1770-4, annex 2); its look-ahead is
cut off by hand, since only newer ffmpegs can compensate it themselves.
"""

import math
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np

from octavia_dag.dubbing.mixing import Levels, gated_lufs
from octavia_dag.resources.media import Media, url
from octavia_dag.resources.sound import QUIETEST_LUFS
from octavia_dag.schema import Span

CEILING_DBTP = -1.0
OVERSAMPLED_HZ = 192_000
LOOKAHEAD_MS = 5
_RELEASE_MS = 50
_LOWEST_LIMIT_DB = -24.0
_EBUR128_HZ = 48_000
_MOMENTARY = b"lavfi.r128.M="
_INTEGRATED = b"lavfi.r128.I="
_PEAK = b"lavfi.r128.true_peaks_ch"


@dataclass(frozen=True)
class Heard:
    """`momentary_lufs` has shape (blocks,), one value per 0.1 s; `true_peak_dbtp` is -inf where nothing sounds.

    `integrated_lufs` is that of the whole sound, None where it is silent.
    """

    momentary_lufs: Levels
    true_peak_dbtp: float
    integrated_lufs: float | None


def hear(media: Media, sound: Any, doing: str, *, peak: bool = False) -> Heard:
    """Measures an audio stream of an ffmpeg graph; its true peak too where `peak` is set (it costs the most)."""
    return _figures(media.read(_metered(sound, peak, "-").output("pipe:", format="null"), doing))


def speech_lufs(media: Media, path: Path, spans: Sequence[Span], whose: str) -> float | None:
    """Gated loudness of a sound file over `spans`, in LUFS; None where it is too soft there."""
    heard = hear(media, ffmpeg.input(url(path)).audio, f"Measuring the loudness of the {whose} speech")
    return gated_lufs(heard.momentary_lufs, spans)


def hear_while_made(
    media: Media, made: Any, doing: str, beside: Callable[[Any], Sequence[Any]] = lambda _: ()
) -> Heard:
    """Measures a sound, its true peak too, while it is made: one core hears what another one writes.

    `made` is a graph that writes the sound to 'pipe:' as NUT; `beside` gives further outputs of it.
    """
    with tempfile.NamedTemporaryFile(prefix="levels-") as told:
        heard = ffmpeg.input("pipe:", format="nut").audio.asplit()
        meter = _metered(heard[0], True, told.name).output("pipe:", format="null")
        media.join(made, ffmpeg.merge_outputs(*beside(heard[1]), meter), doing)
        return _figures(told)


def as_nut(sound: Any) -> Any:
    """Output of a sound for `hear_while_made`: float samples, which may go beyond full scale."""
    return ffmpeg.output(sound, "pipe:", format="nut", acodec="pcm_f32le")


def _metered(sound: Any, peak: bool, file: str) -> Any:
    options = {"peak": "true"} if peak else {}
    measured = sound if peak else sound.filter("aresample", _EBUR128_HZ)
    return measured.filter("ebur128", metadata=1, **options).filter("ametadata", mode="print", file=file)


def _figures(blocks: Iterable[bytes]) -> Heard:
    """What the meter printed, in blocks of any length."""
    momentary: list[float] = []
    loudest, integrated, rest = 0.0, -math.inf, b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            if line.startswith(_MOMENTARY):
                momentary.append(float(line[len(_MOMENTARY) :]))
            elif line.startswith(_INTEGRATED):
                integrated = float(line[len(_INTEGRATED) :])
            elif line.startswith(_PEAK):
                loudest = max(loudest, float(line.partition(b"=")[2]))
    levels = np.nan_to_num(np.array(momentary, dtype=np.float64), nan=-120.0, neginf=-120.0)
    peak = 20.0 * math.log10(loudest) if loudest > 0.0 else -math.inf
    return Heard(levels, peak, integrated if integrated > QUIETEST_LUFS else None)


def limited(sound: Any, rate: int, limit_db: float) -> Any:
    """`sound` with its true peak held at about `limit_db` (-24 to 0), as long as before and in time with it."""
    delay = OVERSAMPLED_HZ * LOOKAHEAD_MS // 1000 - 1  # alimiter's buffer holds one sample less than its look-ahead
    over = sound.filter("aresample", OVERSAMPLED_HZ).filter("apad", pad_len=delay)
    limit = 10.0 ** (min(max(limit_db, _LOWEST_LIMIT_DB), 0.0) / 20.0)
    held = over.filter("alimiter", limit=limit, attack=LOOKAHEAD_MS, release=_RELEASE_MS, level="false")
    return held.filter("atrim", start_sample=delay).filter("asetpts", "N/SR/TB").filter("aresample", rate)


def flac(sound: Any, path: Path) -> Any:
    """Output of a sound as a 16-bit FLAC file, the form in which every step hands sound on."""
    return ffmpeg.output(sound, url(path), format="flac", acodec="flac", sample_fmt="s16", compression_level=2)
