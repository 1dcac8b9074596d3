"""Which container a file is, and whether all of it is there.

A file that cannot be dubbed is refused here, before anything is decoded. An mp4 that is cut off can still be probed
without a complaint where its index stands in front, so the sizes of its outermost boxes are added up first: cheap,
and it tells how much is missing. Other containers can be played up to where they end, so they are taken as they are.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from octavia_dag.errors import InputError, MediaError
from octavia_dag.resources.media import Media

# Demuxers that take text or a single picture for a video.
_NO_VIDEO = {"tty", "image2", "concat", "lrc", "srt", "webvtt", "ass"}
_SHORT = {"mpegts": "ts", "asf": "wmv", "mpeg": "mpg"}
_NEEDED = {"video": ("width", "height"), "audio": ("sample_rate", "channels")}
_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
_LOAD_BOXES = {b"mdat", b"moov", b"moof"}


def refuse_unreadable(path: Path) -> None:
    """An InputError where there is no such file, it cannot be read, is a folder or empty, or a cut off mp4."""
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder; name a video file.")
        if not path.is_file():
            raise InputError(f"There is no file {path}; check the name.")
        size = path.stat().st_size
        if size == 0:
            raise InputError(f"{path.name} is empty; copy it again.")
        kinds, promised = _boxes(path, size)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); check its name and make it readable to you."
        ) from error
    if promised > size:
        raise InputError(f"{path.name} is cut off: {size} of at least {promised} bytes are there; copy it again.")
    if kinds and b"moov" not in kinds:
        raise InputError(f"{path.name} is cut off: its index (moov) is missing; copy or record it again.")


def describe(media: Media, path: Path) -> dict[str, Any]:
    """ffprobe's format, streams and chapters; an InputError where `path` is no video that can be read.

    What every step needs of a stream is there then: pictures have a size, sounds a rate and channels. A stream of no
    known kind (a transport stream's private data) has no `codec_type`, and is nobody's business.
    """
    refusal = f"{path.name} is not a video that can be read; give a video file (mp4, mov, mkv, webm, ts ...)."
    try:
        told = media.probe(path, "-show_format", "-show_streams", "-show_chapters")
    except MediaError as error:
        raise InputError(refusal) from error
    names = set(told["format"].get("format_name", "").split(","))
    if not told.get("streams") or names & _NO_VIDEO or any(name.endswith("_pipe") for name in names):
        raise InputError(refusal)
    for stream in told["streams"]:
        cover = stream.get("disposition", {}).get("attached_pic")
        for needed in () if cover else _NEEDED.get(stream.get("codec_type", ""), ()):
            if not int(stream.get(needed, 0)):
                what = f"stream {stream['index']} of {path.name} ({stream['codec_type']}) tells no {needed}"
                raise InputError(f"{what}, so it cannot be decoded; give a copy without that stream, or a whole one.")
    return told


def container_of(path: Path, format_name: str, streams: Sequence[Mapping[str, Any]]) -> str:
    """Short name of the container: mp4, mov, mkv, webm, ts ...; the file's suffix only decides within a family."""
    names, suffix = format_name.split(","), path.suffix.lower().lstrip(".")
    if "matroska" in names:
        codecs = {str(stream.get("codec_name")) for stream in streams if stream.get("codec_type") != "subtitle"}
        return "webm" if codecs <= {"vp8", "vp9", "av1", "opus", "vorbis"} and suffix != "mkv" else "mkv"
    if "mp4" in names:
        return "mov" if suffix in {"mov", "qt"} else "mp4"
    return _SHORT.get(names[0], names[0])


def _boxes(path: Path, size: int) -> tuple[set[bytes], int]:
    """Kinds of an mp4's outermost boxes and the size they add up to; nothing where it is another container.

    Only the heads are read (ISO/IEC 14496-12, 4.2: size and kind, size 1 = a long size follows, 0 = to the end).
    """
    kinds: set[bytes] = set()
    reached = 0
    with path.open("rb") as file:
        while reached + 8 <= size:
            file.seek(reached)
            head = file.read(16)
            length, kind = int.from_bytes(head[:4]), head[4:8]
            if reached == 0 and kind not in _FIRST_BOXES:
                return set(), 0
            length = int.from_bytes(head[8:16]) if length == 1 else length or size - reached
            # Behind the last box there may be padding of any kind; sound and picture lie in these.
            if length < 8 or (reached + length > size and kind not in _LOAD_BOXES):
                break
            kinds.add(kind)
            reached += length
    return kinds, reached
