"""The dub's own audio track: encoded until what is decoded from it peaks no higher than it may.

An encoder adds up to 3 dB to a peak, so the limit cannot be set beforehand: encode, decode, measure, lower the
limiter by the excess, encode again. The limiter runs only where a peak asks for it. A long programme is prepared in
pieces side by side and joined by the concat demuxer in front of ONE encoder: pieces encoded apart would each begin
with a run-in of their own, and the joins would be heard. Matroska and transport streams cannot tell a player to skip
AAC's run-in, so there the packet that holds it is left out, and the length is a whole number of packets.
"""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg
import soundfile

from octavia_dag.resources.levels import CEILING_DBTP, Heard, flac, hear_while_made, limited
from octavia_dag.resources.media import Media, SideBySide, url

SEGMENT_S = 600
ROUNDS = 4
_OVERLAP_S = 1
_MARGIN_DB = 0.1  # two meters of true peak, each within BS.1770-4's bounds, differ by about this
_AAC_FRAME = 1024
_MOST_KBPS = 768
# Below these AAC cannot hold 128 kbit/s in one channel, above them it cannot be coded.
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000)
# An encoder's own order of 5 and 6 channels has them behind, not beside; the other one needs a special header.
_ENCODER_LAYOUTS = {5: "5.0", 6: "5.1"}
_AAC_LAYOUTS = _ENCODER_LAYOUTS | {7: "7.1"}  # it has no 6.1: the one behind goes to both behind
_PADLESS = {"mkv", "ts"}
_DRAWN_HZ = 32000


@dataclass(frozen=True)
class Encoded:
    """The track as a file of its own, true peak and loudness as decoded, and the limit that it needed (None: none)."""

    path: Path
    true_peak_dbtp: float
    lufs: float | None
    limit_dbtp: float | None


@dataclass(frozen=True)
class Track:
    """What is encoded: `audio` (FLAC) cut or padded to `seconds`, for `container` (mp4, mov, mkv, webm or ts).

    `tag` is the language as the container wants it.
    """

    audio: Path
    seconds: float
    container: str
    kbps: int
    tag: str


def encode(
    media: Media, track: Track, source_peak: Callable[[], float], folder: Path, heard: Path | None = None
) -> Encoded:
    """Encodes `track` into `folder`; its decoded true peak is at most -1 dBTP or the source's own, if that is higher.

    `source_peak` (dBTP) is asked for only where -1 is exceeded. After four rounds the last one is taken as it is. Into
    `heard` goes what a player decodes, as mono.
    """
    limit: float | None = None
    allowed: float | None = None
    encoded = Encoded(folder / "unmade", math.inf, None, None)
    for _ in range(ROUNDS):
        path, sounds = _encoded(media, track, limit, folder, heard)
        peak = sounds.true_peak_dbtp
        encoded = Encoded(path, peak, sounds.integrated_lufs, limit)
        if peak <= CEILING_DBTP - _MARGIN_DB:
            break
        allowed = max(CEILING_DBTP, source_peak()) - _MARGIN_DB if allowed is None else allowed
        if peak <= allowed:
            break
        limit = (min(allowed, 0.0) if limit is None else limit) - (peak - allowed) - _MARGIN_DB
    return encoded


def _encoded(
    media: Media, track: Track, limit_db: float | None, folder: Path, heard: Path | None
) -> tuple[Path, Heard]:
    """The file, and what it decodes to, which is heard while it is written."""
    opus = track.container == "webm"
    known = soundfile.info(str(track.audio))
    rate = 48000 if opus or known.samplerate not in _AAC_RATES else int(known.samplerate)
    channels = int(known.channels)
    frames = round(track.seconds * rate)
    if track.container in _PADLESS:
        frames = max(round(frames / _AAC_FRAME), 1) * _AAC_FRAME
    sound = _prepared(media, track, limit_db, folder).filter("aresample", rate)
    layouts = _ENCODER_LAYOUTS if opus else _AAC_LAYOUTS
    if channels in layouts:
        sound = sound.filter("aformat", channel_layouts=layouts[channels])
    sound = sound.filter("apad", whole_len=frames).filter("atrim", end_sample=frames)
    path = folder / ("dub.webm" if opus else "dub.m4a")
    kbps = min(track.kbps * max(channels, 2) // 2, _MOST_KBPS)
    coding: dict[str, Any] = {"acodec": "libopus", "audio_bitrate": f"{kbps}k"}
    if not opus:
        # Its other coder takes twice as long, and at 128 kbit/s and more is no nearer to the sound; neither is it with
        # noise in the place of noise, and with noise shaped in time (bench/README.md).
        coding |= {"acodec": "aac", "aac_coder": "fast", "aac_pns": 0, "aac_tns": 0}
    made = _twice(sound, path, coding | {"metadata:s:a:0": f"language={track.tag}"})
    decoded = hear_while_made(media, made, "Encoding the dub", lambda one: [] if heard is None else [_mono(one, heard)])
    return _without_run_in(media, path) if track.container in _PADLESS else path, decoded


def _twice(sound: Any, path: Path, coding: Mapping[str, Any]) -> Any:
    """Output of one encoding into `path` and, as NUT, into the pipe."""
    muxer = {".webm": "webm", ".m4a": "ipod"}[path.suffix]
    target = re.sub(r"([\\'|\[\] ])", r"\\\1", str(path))
    # A header of its own, as these containers want it: the tee does not ask them.
    return ffmpeg.output(
        sound, f"[f={muxer}]file:{target}|[f=nut]pipe:1", format="tee", flags="+global_header", **coding
    )


def _mono(sound: Any, path: Path) -> Any:
    return ffmpeg.output(sound, url(path), format="flac", ac=1, ar=_DRAWN_HZ, compression_level=0)


def _without_run_in(media: Media, path: Path) -> Path:
    """A copy without the packets whose time is before 0."""
    bare = path.with_name(f"bare-{path.name}")
    media.run(ffmpeg.output(ffmpeg.input(url(path)).audio, url(bare), c="copy", copypriorss=0), "Cutting the run-in")
    return bare


def _prepared(media: Media, track: Track, limit_db: float | None, folder: Path) -> Any:
    """The sound that the encoder is given: `audio` itself, limited, or joined from pieces where it is long."""
    known = soundfile.info(str(track.audio))
    seconds = known.frames / known.samplerate
    if seconds <= SEGMENT_S:
        sound = ffmpeg.input(url(track.audio)).audio
        return sound if limit_db is None else limited(sound, int(known.samplerate), limit_db)
    count = math.ceil(seconds / SEGMENT_S)
    with SideBySide(media.threads or os.cpu_count()) as pool:
        jobs = [pool.submit(_piece, media, track.audio, index, limit_db, folder) for index in range(count)]
        names = [job.result().name for job in jobs]
    listing = folder / "pieces.txt"
    listing.write_text("".join(f"file '{name}'\n" for name in names), encoding="ascii")
    return ffmpeg.input(url(listing), format="concat", safe=1).audio


def _piece(media: Media, audio: Path, index: int, limit_db: float | None, folder: Path) -> Path:
    """One piece of `SEGMENT_S`; the limiter hears a second more on both sides, so that it does not begin anew."""
    rate = int(soundfile.info(str(audio)).samplerate)
    lead_s = _OVERLAP_S if index else 0
    sound = ffmpeg.input(url(audio), ss=index * SEGMENT_S - lead_s, t=lead_s + SEGMENT_S + _OVERLAP_S).audio
    if limit_db is not None:
        sound = limited(sound, rate, limit_db)
    sound = sound.filter("atrim", start_sample=lead_s * rate, end_sample=(lead_s + SEGMENT_S) * rate)
    path = folder / f"piece-{index:04d}.flac"
    media.run(flac(sound.filter("asetpts", "N/SR/TB"), path), f"Preparing piece {index + 1} of the dub")
    return path
