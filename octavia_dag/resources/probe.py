"""What the file is, told before any work begins, and its sound on the programme's timeline.

The programme begins where the first picture or the first sound is presented, whichever is earlier; every time in
every document counts from there, and `SourceVideo.origin_s` is that moment on the file's own clock. A transport
stream cannot mark the encoder's run-in (priming), so there a sound that leads by no more than a run-in does not
move the beginning. What cannot be dubbed is refused here with one sentence, so that no later step has to.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import ffmpeg
import numpy as np

from octavia_dag.errors import InputError
from octavia_dag.resources.artifacts import guarded, write_atomically
from octavia_dag.resources.containers import container_of, describe, refuse_unreadable
from octavia_dag.resources.engines import Samples
from octavia_dag.resources.media import Media, url
from octavia_dag.resources.packets import Presented, frame_rate, on_clock_s, presented, run_in_s
from octavia_dag.schema import AudioTrack, SourceVideo, SubtitleTrack, VideoTrack

LYING_S = 0.1  # a header that is further from its streams than this is reported
_RUN_IN_FRAMES = 2112  # the longest run-in of an AAC encoder in use (Apple's); most take 1024
_TICK_S = 1e-3
_PAD_FRAMES = 1 << 16
_ROW = 3  # of the cache of hashes: size, time of change, sha256
_SPOKEN_OVER = ("comment", "visual_impaired", "descriptions")
_SPOKEN_OVER_TITLES = ("commentary", "description", "descriptive")


def probe_video(media: Media, path: Path, sha256: str, track: int | None) -> SourceVideo:
    """Everything that ffprobe and the packets tell of `path`; `track` is the operator's choice of sound, if any.

    `language`, `speakers_hint` and `music_score` are left for those who listen. An InputError says why a file
    cannot be dubbed.
    """
    refuse_unreadable(path)
    told = describe(media, path)
    streams: list[dict[str, Any]] = told["streams"]
    container = container_of(path, told["format"]["format_name"], streams)
    picture = _picture(path, streams)
    sounds = [stream for stream in streams if stream.get("codec_type") == "audio"]
    chosen, notes = _choose(path, sounds, track)
    times = presented(media, path, [picture, *sounds], container)
    seen = times.get(picture["index"])
    if seen is None:
        raise InputError(f"{path.name} holds no picture that can be shown; give a video that plays.")
    heard = None if chosen is None else times.get(sounds[chosen]["index"])
    origin = _origin(seen, heard, container, sounds[chosen] if chosen is not None else {})
    seconds = max(seen.end_s, heard.end_s if heard else seen.end_s) - origin
    header = float(told["format"].get("duration", seconds))
    return SourceVideo(
        sha256=sha256,
        name=path.name,
        container=container,
        size=path.stat().st_size,
        seconds=seconds,
        origin_s=origin,
        header_seconds=header,
        video=_video(picture, seen, origin),
        audio=tuple(_audio(stream, times.get(stream["index"]), origin) for stream in sounds),
        subtitles=tuple(_subtitle(stream) for stream in streams if stream.get("codec_type") == "subtitle"),
        chapters=len(told["chapters"]),
        track=chosen,
        language=None,
        notes=(*notes, *_header_note(header, seconds)),
    )


def source_blocks(
    media: Media, path: Path, source: SourceVideo, *, rate: int | None = None, channels: int | None = None
) -> Iterator[Samples]:
    """The chosen track as blocks of shape (frames, channels) that together last exactly `source.seconds`.

    Silence where the track starts late or has a hole, cut where it starts before the programme. `rate` and
    `channels` are the track's own unless given. Nothing at all where the video has no sound.
    """
    track = source.chosen
    if track is None:
        return
    rate = rate or track.rate
    zero = source.origin_s + _run_in_error_s(media, path, source)
    sound = ffmpeg.input(url(path), copyts=None)[f"a:{source.track}"].filter("asetpts", f"PTS-{zero:.6f}/TB")
    # async=1 only fills and trims, it never stretches; a downmix is kept within full scale.
    sound = sound.filter("aresample", rate, **{"async": 1, "first_pts": 0, "rematrix_maxval": 1.0})
    mixed = {} if channels is None else {"ac": channels}
    graph = ffmpeg.output(sound, "pipe:", format="f32le", acodec="pcm_f32le", ar=rate, **mixed)
    pieces = media.read(graph, f"Decoding the sound of {path.name}")
    yield from _exactly(round(source.seconds * rate), channels or track.channels, pieces)


def sha256_cached(path: Path, cache_file: Path) -> str:
    """Content hash of `path`, read once per (absolute path, size, time of change).

    An InputError where the file changes while it is read (somebody is still writing it) or cannot be read, a
    StorageError where the cache cannot be written.
    """
    refuse_unreadable(path)
    before = _stamp(path)
    known = _read_cache(cache_file)
    entry = known.get(str(path.absolute()))
    if entry is not None and entry[:2] == before:
        return str(entry[2])
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"Reading {path} failed ({error.strerror}); check the disk and copy it again.") from error
    if _stamp(path) != before:
        raise InputError(f"{path.name} changed while it was read; wait until it is complete and run it again.")
    with guarded(f"Remembering the hash of {path.name}"):
        write_atomically(cache_file, json.dumps({**known, str(path.absolute()): [*before, digest]}).encode())
    return digest


def _picture(path: Path, streams: Sequence[dict[str, Any]]) -> dict[str, Any]:
    for stream in streams:
        if stream.get("codec_type") == "video" and not stream["disposition"].get("attached_pic"):
            return stream
    raise InputError(f"{path.name} has no picture stream, only sound or a cover; give a video.")


def _choose(path: Path, sounds: Sequence[dict[str, Any]], track: int | None) -> tuple[int | None, tuple[str, ...]]:
    """Index of the track to dub, and a sentence where there was a choice."""
    if track is not None:
        if track >= len(sounds):
            there = f"{len(sounds)} (0 to {len(sounds) - 1})" if sounds else "none"
            raise InputError(f"Audio track {track} of {path.name} was asked for, but it has {there}; name one it has.")
        return track, ()
    if not sounds:
        return None, ()
    plain = [index for index, stream in enumerate(sounds) if not _spoken_over(stream)] or list(range(len(sounds)))
    default = [index for index in plain if sounds[index]["disposition"].get("default")]
    chosen = (default or plain)[0]
    if len(sounds) == 1:
        return chosen, ()
    return chosen, (
        f"There are {len(sounds)} audio tracks; track {chosen} is dubbed (the setting 'track' names another).",
    )


def _spoken_over(stream: Mapping[str, Any]) -> bool:
    title = str(stream.get("tags", {}).get("title", "")).lower()
    marked = any(stream["disposition"].get(name) for name in _SPOKEN_OVER)
    return marked or any(word in title for word in _SPOKEN_OVER_TITLES)


def _origin(seen: Presented, heard: Presented | None, container: str, sound: Mapping[str, Any]) -> float:
    if heard is None:
        return seen.first_s
    longest_s = _RUN_IN_FRAMES / int(sound["sample_rate"]) + _TICK_S
    if container == "ts" and 0.0 <= seen.first_s - heard.first_s <= longest_s:
        return seen.first_s
    return min(seen.first_s, heard.first_s)


def _header_note(header_s: float, seconds: float) -> tuple[str, ...]:
    if abs(header_s - seconds) <= LYING_S:
        return ()
    return (f"The header says {header_s:.3f} s, but picture and sound last {seconds:.3f} s; the latter is kept.",)


def _video(stream: Mapping[str, Any], seen: Presented, origin_s: float) -> VideoTrack:
    turns = [float(one["rotation"]) for one in stream.get("side_data_list", ()) if "rotation" in one]
    return VideoTrack(
        index=stream["index"],
        codec=stream.get("codec_name", "unknown"),
        width=stream["width"],
        height=stream["height"],
        frame_rate=round(frame_rate(stream), 6),
        variable_frame_rate=seen.irregular,
        # The display matrix counts counter-clockwise; players and phones speak of clockwise.
        rotation=round(-turns[0]) % 360 if turns else 0,
        start=seen.first_s - origin_s,
        seconds=seen.end_s - seen.first_s,
    )


def _audio(stream: Mapping[str, Any], heard: Presented | None, origin_s: float) -> AudioTrack:
    tags = stream.get("tags", {})
    channels = int(stream["channels"])
    return AudioTrack(
        index=stream["index"],
        codec=stream.get("codec_name", "unknown"),
        rate=int(stream["sample_rate"]),
        channels=channels,
        layout=stream.get("channel_layout", f"{channels} channels"),
        language=_language(tags),
        title=tags.get("title"),
        default=bool(stream["disposition"].get("default")),
        start=heard.first_s - origin_s if heard else 0.0,
        seconds=heard.end_s - heard.first_s if heard else 0.0,
    )


def _subtitle(stream: Mapping[str, Any]) -> SubtitleTrack:
    codec = stream.get("codec_name", "unknown")
    return SubtitleTrack(index=stream["index"], codec=codec, language=_language(stream.get("tags", {})))


def _language(tags: Mapping[str, str]) -> str | None:
    language = tags.get("language")
    return None if language in {None, "", "und"} else language


def _run_in_error_s(media: Media, path: Path, source: SourceVideo) -> float:
    """How far a millisecond clock has moved the sound by rounding the run-in before it."""
    stream = media.probe(path, "-select_streams", f"a:{source.track}", "-show_streams")["streams"][0]
    exact = run_in_s(stream, source.container)
    return exact - on_clock_s(exact, stream)


def _exactly(frames: int, channels: int, pieces: Iterator[bytes]) -> Iterator[Samples]:
    """Float32 frames from raw bytes, cut or padded to `frames` in all."""
    left, rest, width = frames, b"", 4 * channels
    for piece in pieces:
        rest += piece
        whole = min(len(rest) // width, left)
        if whole:
            yield np.frombuffer(rest[: whole * width], np.float32).reshape(-1, channels)
        left, rest = left - whole, rest[whole * width :]
        if not left:
            return
    while left:
        silence = min(left, _PAD_FRAMES)
        yield np.zeros((silence, channels), np.float32)
        left -= silence


def _stamp(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def _read_cache(cache_file: Path) -> dict[str, list[Any]]:
    """The cache, empty where there is none or it holds something else (a crash, another hand): it only saves time."""
    try:
        found = json.loads(cache_file.read_bytes())
    except (OSError, ValueError):
        return {}
    rows = cast(dict[str, Any], found) if isinstance(found, dict) else {}
    return {path: row for path, row in rows.items() if isinstance(row, list) and len(cast(list[Any], row)) == _ROW}
