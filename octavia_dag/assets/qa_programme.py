"""What the report promises of the finished file as a whole: picture, tracks, loudness, and the bed.

Measured once and kept as figures, then judged against the effective settings: a switch that is off is not a failure,
and a threshold that is changed measures nothing again. What is measured of the source or of the stems is kept beyond
a change below them, which cannot alter it.
"""

from pydantic import TypeAdapter

from octavia_dag.assets.measured import measured
from octavia_dag.assets.step import Work
from octavia_dag.dubbing import quality
from octavia_dag.dubbing.figures import FileFigures
from octavia_dag.dubbing.meters import intersection_over_union
from octavia_dag.partitions import same_language
from octavia_dag.resources import deliverable, inspection, vad
from octavia_dag.resources.deliverable import Original, Parts
from octavia_dag.resources.engines import Transcriber
from octavia_dag.resources.levels import speech_lufs
from octavia_dag.resources.listening import speech_of
from octavia_dag.resources.mux import original_tracks, packet_md5s
from octavia_dag.resources.sound import programme_loudness
from octavia_dag.schema import (
    Chunks,
    DubbedChunks,
    DuckedMix,
    FinalMux,
    Measure,
    SourceVideo,
    Span,
    SpeakerMap,
    Stems,
    SyncedSpeech,
    Transcript,
)

_TEXTS = TypeAdapter(list[str])
_NUMBER = TypeAdapter[float | None](float | None)
_SPANS = TypeAdapter[tuple[Span, ...]](tuple[Span, ...])
_LOUDNESS = TypeAdapter[tuple[float | None, float | None]](tuple[float | None, float | None])
_FIGURES = TypeAdapter(FileFigures)


def original_of(work: Work) -> Original:
    """What the deliverable is held against."""
    media, path = work.workshop.media, work.source()
    source = work.read("source_video", SourceVideo)
    assert source.video is not None
    which, of, ears = [f"{source.video.index}", *original_tracks(source)], ["source_video"], {"vad": vad.revision()}
    packets = measured(work, "packets", _TEXTS, lambda: packet_md5s(media, path, *which), of=of, shared=True)
    speech = measured(work, "speech", _SPANS, lambda: speech_of(media, path, source), of=of, also=ears, shared=True)
    return Original(path, source, packets[0], tuple(packets[1:]), speech)


def file_figures(work: Work, muxed: FinalMux, original: Original) -> FileFigures:
    """What was measured of the deliverable itself."""
    mixed = work.read("ducked_mix", DuckedMix)
    vocals = work.read("stems", Stems).clean_vocals
    assert mixed.final_audio_native_music is not None
    assert mixed.ducked_bed is not None
    assert vocals is not None
    own = {line.id: work.file("dubbed_chunks", line.sound) for line in work.read("dubbed_chunks", DubbedChunks).lines}
    parts = Parts(
        mixed=work.file("ducked_mix", mixed.final_audio_native_music),
        bed=work.file("ducked_mix", mixed.ducked_bed),
        voice=work.file("stems", vocals),
        gain=10 ** (mixed.speech_gain_db / 20),
        lines=tuple((one, own[one.id]) for one in work.read("synced_speech", SyncedSpeech).lines),
    )
    path = work.file("final_mux", muxed.video)
    return measured(
        work,
        "file",
        _FIGURES,
        lambda: deliverable.measure(work.workshop.media, path, original, parts, muxed),
        of=["source_video", "stems", "dubbed_chunks", "synced_speech", "ducked_mix", "final_mux"],
        also={"vad": vad.revision()},
    )


def programme(work: Work, original: Original, found: FileFigures) -> list[Measure]:
    """Picture, length, tracks, peak, loudness, when it speaks, the bed, how many people."""
    work.report(0.6)
    source, limits = original.source, work.settings.checks
    shared = intersection_over_union(original.speech, found.speech, source.seconds)
    kept = work.settings.mix.keep_music
    return [
        *_file(work, original, found),
        quality.at_least(quality.OVERLAP, shared, limits.speech_overlap, ""),
        *_as_loud(work, found),
        *(
            quality.gaps(found.gaps, found.makeup.bed, limits)
            if kept
            else quality.gaps_without_music(found.gaps, limits.silence_dbfs)
        ),
        *(_bed(work, found) if kept else quality.no_bed()),
        quality.voice_left(found.makeup, limits.voice_in_dub_db),
        quality.at_least(
            quality.COUNT, float(len(work.read("speaker_map", SpeakerMap).speakers)), source.speakers_hint, ""
        ),
    ]


def _file(work: Work, original: Original, found: FileFigures) -> list[Measure]:
    source, limits = original.source, work.settings.checks
    track = source.chosen
    assert track is not None
    wanted = len(source.audio) + 1 if work.settings.delivery.keep_original else 1
    before, peak = _loudness(work, original)
    ceiling = max(limits.peak_dbtp, peak) if peak is not None else limits.peak_dbtp
    change = None if before is None or found.lufs is None else found.lufs - before
    return [
        quality.exactly(quality.PICTURE, int(found.same_picture), 1),
        quality.within(quality.LENGTH, found.seconds - source.seconds, 0.0, limits.length_s, "s"),
        quality.exactly(quality.DEFAULT, int(found.default and same_language(found.language, work.tag)), 1),
        quality.tracks(found.tracks, wanted, found.same_originals),
        quality.exactly(quality.CHANNELS, found.channels, track.channels),
        # Two meters of true peak, each within BS.1770-4's bounds, differ by some hundredths of a dB.
        quality.at_most(quality.PEAK, found.peak_dbtp, round(ceiling + 0.05, 2), "dBTP"),
        quality.measure(quality.LOUDER, change, "LU", "reported", True),
    ]


def _loudness(work: Work, original: Original) -> tuple[float | None, float | None]:
    """The source's loudness in LUFS and true peak in dBTP; None where it is silent."""
    media, track = work.workshop.media, original.source.track or 0
    return measured(
        work,
        "loudness",
        _LOUDNESS,
        lambda: programme_loudness(media, original.path, track),
        of=["source_video"],
        shared=True,
    )


def _as_loud(work: Work, found: FileFigures) -> list[Measure]:
    """Loudness of the speech: that of the mix's, by as much louder as it is in the file."""
    stems, turns = work.read("stems", Stems), work.read("speaker_map", SpeakerMap).turns
    assert stems.clean_vocals is not None
    media, vocals = work.workshop.media, work.file("stems", stems.clean_vocals)
    original = measured(
        work,
        "original_lufs",
        _NUMBER,
        lambda: speech_lufs(media, vocals, turns, "original"),
        of=["stems", "speaker_map"],
        shared=True,
    )
    dub, louder = found.mixed_lufs, quality.decibels(found.makeup.speech)
    difference = None if dub is None or original is None or louder is None else dub + louder - original
    limits = work.settings.checks
    return [
        quality.within(quality.AS_LOUD, difference, 0.0, limits.speech_loudness_lu, "LU"),
        quality.within(quality.FAR_OFF, difference, 0.0, limits.speech_far_off_lu, "LU"),
    ]


def _bed(work: Work, found: FileFigures) -> list[Measure]:
    """How far the bed steps back in the file, and what of the original speech is left in it."""
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
    limits, mix = work.settings.checks, work.settings.mix
    stepped, bed = work.read("ducked_mix", DuckedMix).median_reduction_db, quality.decibels(found.makeup.bed)
    depth = None if stepped is None or bed is None else stepped - bed
    return [
        quality.not_applicable(quality.DEPTH, "dB", "there is no bed to duck")
        if stepped is None
        else quality.within(quality.DEPTH, depth, mix.duck_depth_db, limits.depth_db, "dB"),
        quality.at_most(quality.WORDS_LEFT, left, limits.words_in_bed, ""),
    ]


def _residue(work: Work) -> float:
    stems = work.read("stems", Stems)
    transcript = work.read("transcript", Transcript)
    assert stems.bgm_full is not None
    language = transcript.language or "en"
    return inspection.residue(
        work.file("stems", stems.bgm_full),
        work.read("chunks", Chunks).regions,
        language,
        [line.text for line in transcript.lines],
        work.engine(Transcriber, "transcriber", language),
    )
