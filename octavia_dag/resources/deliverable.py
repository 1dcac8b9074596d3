"""Measures the finished file by what it holds, not by what the steps before it said they made.

It is decoded once, in step with the source and with the sounds that it was to be made of: the gaps against the source,
the whole against speech, bed and original voice, and what is left above the bed against every line's own sound. So a
line that was lost on the way, a bed that was lowered, a voice that came back are seen in the file itself. Streamed: an
hour needs no more memory than its speech at 16 kHz.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from octavia_dag.dubbing.echo import EchoMeter
from octavia_dag.dubbing.figures import FileFigures, Gaps, LinePresence, Makeup
from octavia_dag.dubbing.loudness import MomentaryMeter
from octavia_dag.dubbing.meters import GapMeter, MakeupMeter, ends_alone, middle, quiet_mask, shares_found
from octavia_dag.dubbing.mixing import gated_lufs, placement_db, speech_channels
from octavia_dag.resources.engines import Samples
from octavia_dag.resources.inspection import ahead, in_step
from octavia_dag.resources.listening import HEARING_HZ, speech_of
from octavia_dag.resources.media import Media, SideBySide
from octavia_dag.resources.mux import packet_md5s
from octavia_dag.resources.probe import probe_video, source_blocks
from octavia_dag.resources.sound import programme_loudness, read_blocks, read_mono
from octavia_dag.schema import AudioTrack, FinalMux, PlacedLine, SourceVideo, Span

# A voice may begin quietly before the VAD is sure of it; after it, the duck lets go and the room rings out.
_BEFORE_S, _AFTER_S = 0.6, 1.0
_CENTRE = 2  # in every order of channels that has one


@dataclass(frozen=True)
class Original:
    """The source as the report knows it: its file, its probe, the hashes of its picture and of its sounds, in the order
    in which they stand behind the dub, and where somebody speaks in it.
    """

    path: Path
    source: SourceVideo
    picture: str
    sounds: tuple[str, ...]
    speech: tuple[Span, ...]


@dataclass(frozen=True)
class Parts:
    """What the dub was to be made of: the mix, its bed, the original voice; and every line's own sound at its place.

    `gain` is what the mix did to the lines.
    """

    mixed: Path
    bed: Path
    voice: Path
    gain: float
    lines: tuple[tuple[PlacedLine, Path], ...]


def measure(media: Media, path: Path, original: Original, parts: Parts, track: FinalMux) -> FileFigures:
    """The figures of the deliverable at `path`; a MediaError or an InputError where it cannot be read at all.

    `track` tells what the packets decode to that were muxed; whether they lie in the file is seen.
    """
    dub = probe_video(media, path, "", 0)
    assert dub.video is not None
    # What ffmpeg alone measures goes on beside the listening, which is one thread of ours.
    with SideBySide(2) as pool:
        streams = [f"{dub.video.index}", *(f"a:{place}" for place in range(len(dub.audio)))]
        packets = pool.submit(packet_md5s, media, path, *streams)
        loudness = pool.submit(_loudness, media, path, track, packets)
        speech = speech_of(media, path, dub)
        gaps, makeup, mixed_lufs, said = _decoded(media, path, dub, original, parts)
        lufs, peak = loudness.result()
    first = dub.audio[0]
    return FileFigures(
        same_picture=packets.result()[0] == original.picture and dub.video.rotation == _rotation(original.source),
        same_originals=tuple(packets.result()[2:]) in ((), original.sounds),
        seconds=dub.seconds,
        tracks=len(dub.audio),
        channels=first.channels,
        # A transport stream has no default flag: players take the first track.
        default=first.default or dub.container == "ts",
        language=first.language,
        peak_dbtp=peak,
        lufs=lufs,
        mixed_lufs=mixed_lufs,
        speech=speech,
        gaps=gaps,
        makeup=makeup,
        lines=tuple(_presence(said, line, sound, parts) for line, sound in parts.lines),
    )


def _loudness(
    media: Media, path: Path, track: FinalMux, packets: "Future[list[str]]"
) -> tuple[float | None, float | None]:
    """Loudness and true peak of the first track, which are known where its very packets were heard already."""
    if packets.result()[1] == track.track_md5:
        return track.track_lufs, track.true_peak_dbtp
    return programme_loudness(media, path, 0)


def said_in(media: Media, path: Path, original: Original, bed: Path) -> Samples:
    """What the deliverable has over the bed, where the dub speaks: mono, 16 kHz."""
    dub = probe_video(media, path, "", 0)
    track = _track(original.source)
    blocks = _streams(media, path, dub, original, [bed])
    return _mono((_over_bed(made, under) for _, made, under in blocks), track.rate, original.source.seconds)


def _decoded(
    media: Media, path: Path, dub: SourceVideo, original: Original, parts: Parts
) -> tuple[Gaps, Makeup, float | None, Samples]:
    """One pass over the deliverable, the source and what the deliverable was made of; LUFS of the mix's own speech."""
    track = _track(original.source)
    everyone = (*original.speech, *(line for line, _ in parts.lines))
    quiet = quiet_mask(everyone, original.source.seconds, before_s=_BEFORE_S, after_s=_AFTER_S)
    gaps, makeup, echo = GapMeter(quiet, track.rate), MakeupMeter(), EchoMeter(track.rate)
    carriers = _carriers(track.channels)
    spoken = MomentaryMeter(track.rate)

    def over_bed() -> Iterator[Samples]:
        files = [parts.bed, parts.mixed, parts.voice]
        for source, made, bed, mixed, voice in _streams(media, path, dub, original, files):
            speech = mixed - bed
            gaps.add(source, made)
            makeup.add(made, speech, bed, voice)
            echo.add(made, speech, bed, voice)
            spoken.add(middle(speech[:, carriers]))
            yield _over_bed(made, bed)

    said = _mono(over_bed(), track.rate, original.source.seconds)
    # One sound in all of its channels is as loud as that many of it.
    levels = spoken.momentary_lufs() + placement_db(len(speech_channels(track.channels)))
    lufs = gated_lufs(levels, [line for line, _ in parts.lines])
    found = makeup.figures()
    return gaps.figures(), found.model_copy(update={"echo": echo.gain(found)}), lufs, said


def _streams(
    media: Media, path: Path, dub: SourceVideo, original: Original, files: Sequence[Path]
) -> Iterator[tuple[Samples, ...]]:
    """Source, deliverable and further sounds, in step and in the source's shape."""
    track = _track(original.source)
    shape = {"rate": track.rate, "channels": track.channels}
    return in_step(
        *(ahead(source_blocks(media, *one, **shape)) for one in ((original.path, original.source), (path, dub))),
        *(ahead(read_blocks(file)) for file in files),
    )


def _over_bed(made: Samples, bed: Samples) -> Samples:
    """What is left of the deliverable without its bed, in the channels that carry the speech: (frames,)."""
    carriers = _carriers(made.shape[1])
    return middle(made[:, carriers] - bed[:, carriers])


def _carriers(channels: int) -> slice:
    """The channels that carry the speech."""
    first = 0 if channels == 1 or len(speech_channels(channels)) == 2 else _CENTRE
    return slice(first, first + len(speech_channels(channels)))


def _mono(blocks: Iterable[Samples], rate: int, seconds: float) -> Samples:
    """Blocks of a mono sound at `rate`, whole and at 16 kHz: `seconds` of it, silence where they end before."""
    import soxr

    stream = soxr.ResampleStream(rate, HEARING_HZ, 1, dtype="float32")
    mono = np.zeros(round(seconds * HEARING_HZ), np.float32)
    done = 0
    for piece in chain((stream.resample_chunk(one) for one in blocks), [None]):
        part = stream.resample_chunk(np.zeros(0, np.float32), True) if piece is None else piece
        mono[done : done + len(part)] = part[: len(mono) - done]
        done += len(part)
    return mono


def _rotation(source: SourceVideo) -> int:
    return source.video.rotation if source.video is not None else 0


def _track(source: SourceVideo) -> AudioTrack:
    """The track that was dubbed: what has none was handed on as it is, and is not measured."""
    track = source.chosen
    assert track is not None
    return track


def _presence(said: Samples, line: PlacedLine, sound: Path, parts: Parts) -> LinePresence:
    own = read_mono(sound, HEARING_HZ)
    share, end = shares_found(said, own, round(line.start * HEARING_HZ), HEARING_HZ, parts.gain)
    alone = ends_alone(line, (one for one, _ in parts.lines))
    return LinePresence(id=line.id, share=share, end=end if alone else None)
