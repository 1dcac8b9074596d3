"""What the report promises of the finished file as a whole: picture, tracks, timing, loudness, and the bed.

Judged against the effective settings: a switch that is off is not a failure. What is measured of the source or of the
stems is kept, since a change below them cannot alter it.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from pydantic import TypeAdapter

from octavia_dag.assets.measured import measured
from octavia_dag.assets.step import Work
from octavia_dag.dubbing import quality
from octavia_dag.partitions import same_language
from octavia_dag.resources import inspection, vad
from octavia_dag.resources.engines import Transcriber
from octavia_dag.resources.listening import speech_of
from octavia_dag.resources.media import SideBySide
from octavia_dag.resources.mux import packet_md5
from octavia_dag.resources.probe import probe_video
from octavia_dag.resources.sound import programme_loudness
from octavia_dag.schema import (
    Chunks,
    DubbedChunks,
    DuckedMix,
    FinalMux,
    LineQuality,
    Measure,
    SourceVideo,
    Span,
    SpeakerMap,
    Stems,
    SyncedSpeech,
    Transcript,
)

_TEXT = TypeAdapter(str)
_NUMBER = TypeAdapter[float | None](float | None)
_SPANS = TypeAdapter[tuple[Span, ...]](tuple[Span, ...])
_LOUDNESS = TypeAdapter[tuple[float | None, float | None]](tuple[float | None, float | None])


def programme(work: Work, muxed: FinalMux, lines: Sequence[LineQuality]) -> list[Measure]:
    """Every promise that is not about voices."""
    work.report(0.4)
    dub = probe_video(work.workshop.media, work.file("final_mux", muxed.video), "", 0)
    # What ffmpeg alone measures goes on beside the listening, which is one thread of ours.
    with SideBySide(2) as pool:
        file, spoken = pool.submit(_file, work, muxed, dub), pool.submit(_dubbed_lufs, work)
        timing = _timing(work, muxed, dub, lines)
        return [*file.result(), *timing, *_sound(work, spoken.result())]


def _file(work: Work, muxed: FinalMux, dub: SourceVideo) -> list[Measure]:
    """Picture, length, tracks, peak and loudness of the programme."""
    source = work.read("source_video", SourceVideo)
    same = _same_picture(work, source, muxed, dub)
    first = dub.audio[0]
    wanted = len(source.audio) + 1 if work.settings.delivery.keep_original else 1
    change, peak = _loudness(work, source, muxed)
    ceiling = max(quality.PEAK_DBTP, peak) if peak is not None else quality.PEAK_DBTP
    # A transport stream has no default flag: players take the first track.
    tagged = (first.default or source.container == "ts") and same_language(first.language, work.tag)
    return [
        quality.measure("picture packets identical", float(same), "", "1", same),
        quality.within("length against the source", dub.seconds - source.seconds, 0.0, quality.LENGTH_LIMIT_S, "s"),
        quality.measure("dub is the default track and tagged", float(tagged), "", "1", tagged),
        quality.measure("audio tracks", float(len(dub.audio)), "", f"{wanted}", len(dub.audio) == wanted),
        quality.at_most("true peak", muxed.true_peak_dbtp, round(ceiling + 0.05, 2), "dBTP"),
        quality.measure("programme loudness change", change, "LU", "reported", True),
    ]


def _same_picture(work: Work, source: SourceVideo, muxed: FinalMux, dub: SourceVideo) -> bool:
    media = work.workshop.media
    assert source.video is not None
    assert dub.video is not None
    which, path = f"{source.video.index}", work.source()
    before = measured(work, "picture", _TEXT, lambda: packet_md5(media, path, which), of=["source_video"], shared=True)
    return before == packet_md5(media, work.file("final_mux", muxed.video), f"{dub.video.index}")


def _loudness(work: Work, source: SourceVideo, muxed: FinalMux) -> tuple[float | None, float | None]:
    """How much louder the programme became in LU, and the source's true peak in dBTP; None where it is silent."""
    media, path, track = work.workshop.media, work.source(), source.track or 0
    before, peak = measured(
        work,
        "loudness",
        _LOUDNESS,
        lambda: programme_loudness(media, path, track),
        of=["source_video"],
        shared=True,
    )
    after, _ = programme_loudness(media, work.file("final_mux", muxed.video), 0, peak=False)
    return None if before is None or after is None else after - before, peak


def _timing(work: Work, muxed: FinalMux, dub: SourceVideo, lines: Sequence[LineQuality]) -> list[Measure]:
    """Onsets, speech IoU, rates, round trip, and the bed in gaps."""
    media, path, made = work.workshop.media, work.source(), work.file("final_mux", muxed.video)
    source = work.read("source_video", SourceVideo)
    before = measured(
        work,
        "speech",
        _SPANS,
        lambda: speech_of(media, path, source),
        of=["source_video"],
        also={"vad": vad.revision()},
        shared=True,
    )
    after = speech_of(media, made, dub)
    everyone: Iterable[Span] = (*before, *after, *work.read("synced_speech", SyncedSpeech).lines)
    meter = inspection.compare(media, path, source, made, dub, everyone)
    work.report(0.6)
    onsets = [abs(line.onset_error_s) for line in lines if line.onset_error_s is not None]
    middle = float(np.median(onsets)) if onsets else None
    shared = quality.intersection_over_union(before, after, source.seconds)
    sync = work.settings.sync
    return [
        quality.at_most("onset error, median", middle, quality.ONSET_MEDIAN_S, "s"),
        quality.at_most("onset error, largest", max(onsets) if onsets else None, quality.ONSET_MAX_S, "s"),
        quality.at_least("speech IoU", shared, quality.IOU_LEAST, ""),
        *quality.rates([line.rate for line in lines], sync.free_rate, sync.max_rate),
        quality.at_most("round trip WER", _round_trip(work, lines), quality.ROUND_TRIP_MOST, ""),
        *(quality.gaps if work.settings.mix.keep_music else quality.gaps_without_music)(meter),
    ]


def _round_trip(work: Work, lines: Sequence[LineQuality]) -> float | None:
    """WER of the lines' own sounds, weighted by words."""
    words = {line.id: len(line.text.split()) for line in work.read("dubbed_chunks", DubbedChunks).lines}
    known = [(line.round_trip_wer, words[line.id]) for line in lines if line.round_trip_wer is not None]
    total = sum(weight for _, weight in known)
    return sum(wer * weight for wer, weight in known) / total if total else None


def _dubbed_lufs(work: Work) -> float | None:
    """Loudness of the dubbed speech."""
    mixed = work.read("ducked_mix", DuckedMix)
    assert mixed.final_audio_native_music is not None
    assert mixed.ducked_bed is not None
    return inspection.dubbed_lufs(
        work.workshop.media,
        work.file("ducked_mix", mixed.final_audio_native_music),
        work.file("ducked_mix", mixed.ducked_bed),
        work.read("synced_speech", SyncedSpeech).lines,
    )


def _sound(work: Work, dub: float | None) -> list[Measure]:
    """Loudness of the dubbed speech (`dub`) against the original's, and the bed under it."""
    stems = work.read("stems", Stems)
    assert stems.clean_vocals is not None
    media, vocals = work.workshop.media, work.file("stems", stems.clean_vocals)
    turns = work.read("speaker_map", SpeakerMap).turns
    original = measured(
        work,
        "original_lufs",
        _NUMBER,
        lambda: inspection.original_lufs(media, vocals, turns),
        of=["stems", "speaker_map"],
        shared=True,
    )
    difference = None if dub is None or original is None else dub - original
    loudness = quality.within("dubbed speech against the original", difference, 0.0, quality.LOUDNESS_LU, "LU")
    return [loudness, *(_bed(work) if work.settings.mix.keep_music else quality.no_bed())]


def _bed(work: Work) -> list[Measure]:
    """How far the bed steps back, and what of the original speech is left in it."""
    mixed = work.read("ducked_mix", DuckedMix)
    left = measured(
        work,
        "residue",
        _NUMBER,
        lambda: _residue(work),
        of=["stems", "chunks", "transcript"],
        roles=["transcriber"],
        shared=True,
    )
    work.report(0.8)
    depth = work.settings.mix.duck_depth_db
    return [
        quality.within("bed reduction under speech", mixed.median_reduction_db, depth, quality.DEPTH_DB, "dB")
        if mixed.median_reduction_db is not None
        else quality.not_applicable("bed reduction under speech", "dB", "there is no bed to duck"),
        quality.at_most("original words left in the bed", left, quality.RESIDUE_MOST, ""),
    ]


def _residue(work: Work) -> float:
    stems = work.read("stems", Stems)
    transcript = work.read("transcript", Transcript)
    assert stems.bgm_full is not None
    return inspection.residue(
        work.file("stems", stems.bgm_full),
        work.read("chunks", Chunks).regions,
        transcript.language or "en",
        [line.text for line in transcript.lines],
        work.engine(Transcriber, "transcriber"),
    )
