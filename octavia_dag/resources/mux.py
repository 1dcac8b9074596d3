"""Puts the deliverable together: the source's own packets, the dub as the default track in front, subtitles.

Everything of the source is copied, never encoded again, into the same kind of container. Each file has a clock of its
own, so the dub is shifted by hand: its first sample belongs at the programme's beginning, and ffmpeg on its own would
align the files' first packets instead (an encoder's run-in, a transport stream's 1.4 s, a late sound). It is written
under a hidden name and renamed, so that a deliverable that can be seen is whole.
"""

import math
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import ffmpeg
import langcodes

from octavia_dag.errors import InputError
from octavia_dag.resources.artifacts import guarded
from octavia_dag.resources.encoding import Encoded, Track, encode
from octavia_dag.resources.levels import hear
from octavia_dag.resources.media import Media, SideBySide, url
from octavia_dag.resources.probe import probe_video
from octavia_dag.resources.subtitles import cues, write_subtitles
from octavia_dag.schema import AudioTrack, FinalMux, PlacedLine, SourceVideo


class Handover(Protocol):
    """What the mux must be told; the `delivery` slice of the settings has exactly these fields."""

    @property
    def keep_original(self) -> bool:
        """Whether the original sound stays, behind the dub."""
        ...

    @property
    def audio_kbps(self) -> int:
        """Bit rate of the dub, for one or two channels."""
        ...

    @property
    def subtitles(self) -> bool:
        """Whether subtitles go into the container too."""
        ...


@dataclass(frozen=True)
class _Container:
    """What a kind of container takes.

    `text` is its codec for text and `subtitles` the codecs it holds (None: it has none, it holds any); `variant` its
    form of ISO 639-2, `title` the tag that names a track.
    """

    muxer: str
    text: str | None
    subtitles: frozenset[str] | None
    variant: Literal["B", "T"]
    title: str


_QUICKTIME_TEXT = frozenset({"mov_text", "dvd_subtitle"})
# Tags of languages: mp4 takes the terminological form (ISO/IEC 14496-12, 8.4.2), the others the bibliographic one
# (Matroska's Language element, DVB's descriptor). ffmpeg can write a full tag (pt-BR) into none of them.
CONTAINERS: Mapping[str, _Container] = {
    "mp4": _Container("mp4", "mov_text", _QUICKTIME_TEXT, "T", "handler_name"),
    "mov": _Container("mov", "mov_text", _QUICKTIME_TEXT | {"eia_608"}, "T", "handler_name"),
    "mkv": _Container("matroska", "srt", None, "B", "title"),
    "webm": _Container("webm", "webvtt", frozenset({"webvtt"}), "B", "title"),
    "ts": _Container("mpegts", None, frozenset({"dvb_subtitle", "dvb_teletext"}), "B", "title"),
}


@dataclass(frozen=True)
class _Whole:
    """What the deliverable is made from; `text` is the subtitle file that goes into it, if any."""

    path: Path
    source: SourceVideo
    dub: Path
    text: Path | None
    language: str
    keep_original: bool


def mux(
    media: Media,
    *,
    source_path: Path,
    source: SourceVideo,
    audio: Path | None,
    lines: Sequence[PlacedLine],
    texts: Mapping[str, str],
    language: str,
    delivery: Handover,
    out_dir: Path,
    name: str = "deliverable",
    heard: Path | None = None,
) -> FinalMux:
    """Writes `name` with the source's suffix, `name`.srt and `name`.vtt into `out_dir`; into `heard`, for whoever draws
    it, the dub as a player decodes it (FLAC, mono, 32 kHz).

    `audio` is the finished sound (FLAC) whose first sample is the programme's beginning; None hands the source on as
    it is. An InputError where the container cannot be written, a StorageError where the disk is full.
    """
    target = out_dir / f"{name}{_suffix(source_path, source)}"
    if audio is None:
        return _untouched(source_path, source, target)
    container = _container(source)
    found = cues(lines, texts, source.seconds)
    for form in ("srt", "vtt"):
        write_subtitles(found, out_dir / f"{name}.{form}")
    text, notes = _text(container, delivery.subtitles and bool(found), out_dir / name)
    with guarded("Muxing"), tempfile.TemporaryDirectory(prefix=".mux-", dir=out_dir) as scratch:
        track = Track(audio, source.seconds, source.container, delivery.audio_kbps, _iso_639_2(language, container))
        dub = encode(media, track, lambda: _source_peak(media, source_path, source), Path(scratch), heard)
        part = Path(scratch) / target.name
        whole = _Whole(source_path, source, dub.path, text, language, delivery.keep_original)
        with SideBySide(1) as pool:
            track_md5 = pool.submit(packet_md5, media, dub.path, "a:0")
            notes += _write(media, whole, container, part) + _peak_note(dub)
        part.replace(target)
    return FinalMux(
        video=target.name,
        srt=f"{name}.srt",
        vtt=f"{name}.vtt",
        language_tag=language,
        seconds=probe_video(media, target, source.sha256, 0).seconds,
        track_md5=track_md5.result(),
        track_lufs=dub.lufs,
        true_peak_dbtp=dub.true_peak_dbtp if math.isfinite(dub.true_peak_dbtp) else None,
        notes=notes,
    )


def _suffix(source_path: Path, source: SourceVideo) -> str:
    return Path(source.name).suffix.lower() or source_path.suffix.lower() or f".{source.container}"


def _container(source: SourceVideo) -> _Container:
    container = CONTAINERS.get(source.container)
    if container is None:
        raise InputError(
            f"{source.name} is a {source.container} file, and no dub can be put into one; "
            f"convert it to one of {', '.join(CONTAINERS)} first."
        )
    return container


def packet_md5(media: Media, path: Path, selector: str = "v:0") -> str:
    """MD5 of the packets of the stream that `selector` names (v:0, a:1, 2 ...), as they lie in the file."""
    return packet_md5s(media, path, selector)[0]


def packet_md5s(media: Media, path: Path, *selectors: str) -> list[str]:
    """The same of several streams, read in one pass."""
    streams = [ffmpeg.input(url(path))[one] for one in selectors]
    output = ffmpeg.output(*streams, "pipe:", format="streamhash", hash="md5", c="copy")
    told = b"".join(media.read(output, f"Hashing the packets of {path.name}")).decode()
    return [line.rpartition("=")[2] for line in told.split()]


def original_tracks(source: SourceVideo) -> list[str]:
    """How the original tracks are selected, in the order in which they stand behind the dub."""
    return [str(track.index) for track in _originals(source)]


def _untouched(source_path: Path, source: SourceVideo, target: Path) -> FinalMux:
    part = target.with_name(f".{target.name}.part")
    with guarded("Handing on the source"):
        try:
            shutil.copyfile(source_path, part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    return FinalMux(video=target.name, srt=None, vtt=None, language_tag="", seconds=source.seconds, untouched=True,
                    notes=("Nothing to dub: the source is handed on as it is.",))  # fmt: skip


def _source_peak(media: Media, source_path: Path, source: SourceVideo) -> float:
    sound = ffmpeg.input(url(source_path))[f"a:{source.track}"]
    return hear(media, sound, "Measuring the source's true peak", peak=True).true_peak_dbtp


def _peak_note(dub: Encoded) -> tuple[str, ...]:
    if dub.limit_dbtp is None:
        return ()
    return (f"The dub was limited at {dub.limit_dbtp:.1f} dBTP, for its peaks to stay within bounds once encoded.",)


def _text(container: _Container, wanted: bool, beside: Path) -> tuple[Path | None, tuple[str, ...]]:
    """The subtitle file that goes into the container, and why there is none."""
    if not wanted:
        return None, ()
    if container.text is None:
        return None, ("This container has no codec for text: the subtitles lie only beside it.",)
    return beside.with_name(f"{beside.name}.{'vtt' if container.text == 'webvtt' else 'srt'}"), ()


def _iso_639_2(language: str, container: _Container) -> str:
    try:
        return langcodes.get(language).to_alpha3(variant=container.variant)
    except LookupError:
        return "und"


def _write(media: Media, whole: _Whole, container: _Container, part: Path) -> tuple[str, ...]:
    told = media.probe(whole.path, "-show_entries", "format=start_time:format_tags")["format"]
    begin_s = whole.source.origin_s - float(told.get("start_time", 0.0))
    dub_start = media.probe(whole.dub, "-show_entries", "format=start_time")["format"]["start_time"]
    file = ffmpeg.input(url(whole.path))
    dub = ffmpeg.input(url(whole.dub), itsoffset=f"{begin_s + float(dub_start):.6f}").audio
    originals = _originals(whole.source) if whole.keep_original else []
    subtitles = whole.source.subtitles
    held = [one for one in subtitles if container.subtitles is None or one.codec in container.subtitles]
    streams: list[Any] = [file["v?"], dub, *(file[str(one.index)] for one in (*originals, *held))]
    options = _tags(whole, container, originals)
    if whole.text is not None:
        streams.append(ffmpeg.input(url(whole.text), itsoffset=f"{begin_s:.6f}")["s"])
        tag = _iso_639_2(whole.language, container)
        options |= {f"c:s:{len(held)}": container.text, f"metadata:s:s:{len(held)}": f"language={tag}"}
    if container.muxer == "matroska":
        streams.append(file["t?"])
    # Names such as com.apple.quicktime.make have no place among the classic tags, only in the free ones.
    if any("." in name for name in told.get("tags", {})) and container.title == "handler_name":
        options["movflags"] = "use_metadata_tags"
    graph = ffmpeg.output(
        *streams, url(part), format=container.muxer, c="copy", map_metadata=0, map_chapters=0, **options
    )
    media.run(graph, f"Muxing {whole.source.name}")
    lost = [one.codec for one in subtitles if one not in held]
    return (f"Subtitles that cannot be copied into this container were left out: {', '.join(lost)}.",) if lost else ()


def _originals(source: SourceVideo) -> list[AudioTrack]:
    """The original tracks, the one that was dubbed first."""
    return sorted(source.audio, key=lambda track: (track != source.chosen, track.index))


def _tags(whole: _Whole, container: _Container, originals: Sequence[AudioTrack]) -> dict[str, Any]:
    options = {"metadata:s:a:0": f"{container.title}=Dub ({whole.language})", "disposition:a:0": "default"}
    for place, track in enumerate(originals, start=1):
        options[f"disposition:a:{place}"] = "-default"
        if track.title is None and container.title == "title":
            options[f"metadata:s:a:{place}"] = "title=Original"
    return options
