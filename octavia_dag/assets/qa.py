"""Every promise measured on the finished file, per video and per line, with flags in words.

The report judges against the effective settings: a switch that is off is not a failure. It ends by letting go of the
private voices where no other dub needs them.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np

from octavia_dag.assets.corrections import shown
from octavia_dag.assets.qa_people import people
from octavia_dag.assets.step import Made, Result, Work, asset, run_step
from octavia_dag.assets.telling import table_of
from octavia_dag.assets.voices import forget_when_done
from octavia_dag.dubbing import quality
from octavia_dag.dubbing.hearing import word_error_rate
from octavia_dag.dubbing.trimming import onset_s
from octavia_dag.partitions import parts, same_language
from octavia_dag.resources import inspection
from octavia_dag.resources.artifacts import DOCUMENT, Artifact
from octavia_dag.resources.engines import Transcriber
from octavia_dag.resources.listening import HEARING_HZ
from octavia_dag.resources.mux import packet_md5
from octavia_dag.resources.probe import probe_video
from octavia_dag.resources.sound import programme_loudness, read_mono
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import (
    Casting,
    Chunks,
    DubbedChunks,
    DuckedMix,
    FinalMux,
    Line,
    LineQuality,
    Measure,
    PlacedLine,
    QaReport,
    SourceVideo,
    SpeakerMap,
    Stems,
    SyncedSpeech,
    Transcript,
    Translation,
)

REPORT = "qa_report.json"


@asset("qa_report")
def qa_report(context: dg.AssetExecutionContext, workshop: Workshop) -> Result:
    """Every promise measured."""
    result = run_step(context, workshop, _make, _tell)
    forget_when_done(workshop.store, parts(context.partition_key)[0])
    return result


def _make(work: Work) -> Made:
    muxed = work.read("final_mux", FinalMux)
    heard_now = 0
    if muxed.untouched:
        report = QaReport(
            video=work.video, language=work.tag, nothing_to_dub=True, measures=(), lines=(), flags=(), notes=muxed.notes
        )
    else:
        lines, heard_now = _lines(work)
        report = _measured(work, muxed, lines)
    (work.folder / REPORT).write_text(report.model_dump_json(indent=1), encoding="utf-8")
    broken = sum(not one.ok for one in report.measures)
    counts = {"lines": len(report.lines), "promises_broken": broken, "flags": len(report.flags)}
    again = int(bool(work.inputs["voice_profiles"].manifest.deleted) and not muxed.untouched)
    return Made(report, counts={**counts, "heard_now": heard_now, "voice_profiles_rederived": again})


def _measured(work: Work, muxed: FinalMux, lines: Sequence[LineQuality]) -> QaReport:
    work.report(0.4)
    dub = probe_video(work.workshop.media, work.file("final_mux", muxed.video), "", 0)
    measures = [*_file(work, muxed, dub), *_timing(work, muxed, dub, lines), *_sound(work), *people(work)]
    broken = [quality.in_words(one) for one in measures if not one.ok]
    told = [f"{line.id}: {flag}" for line in lines for flag in line.flags]
    casting = work.read("casting", Casting)
    mixed = work.read("ducked_mix", DuckedMix)
    corrections = work.read("transcript", Transcript).notes
    notes = (*work.read("source_video", SourceVideo).notes, *corrections, *casting.notes, *mixed.notes, *muxed.notes)
    cast_flags = [f"{shown(work.extras, role.speaker)}: {flag}" for role in casting.roles for flag in role.flags]
    return QaReport(
        video=work.video,
        language=work.tag,
        nothing_to_dub=False,
        voices={shown(work.extras, role.speaker): role.voice.id for role in casting.roles},
        measures=tuple(measures),
        lines=tuple(lines),
        flags=(*broken, *cast_flags, *told),
        notes=notes,
    )


def _file(work: Work, muxed: FinalMux, dub: SourceVideo) -> list[Measure]:
    """Picture, length, tracks, peak and loudness of the programme."""
    media = work.workshop.media
    path, made = Path(work.record.path), work.file("final_mux", muxed.video)
    source = work.read("source_video", SourceVideo)
    assert source.video is not None
    assert dub.video is not None
    same = packet_md5(media, path, f"{source.video.index}") == packet_md5(media, made, f"{dub.video.index}")
    first = dub.audio[0]
    wanted = len(source.audio) + 1 if work.settings.delivery.keep_original else 1
    before, peak = programme_loudness(media, path, source.track or 0)
    after, _ = programme_loudness(media, made, 0)
    change = None if before is None or after is None else after - before
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


def _timing(work: Work, muxed: FinalMux, dub: SourceVideo, lines: Sequence[LineQuality]) -> list[Measure]:
    """Onsets, speech IoU, rates, round trip, and the bed in gaps."""
    source = work.read("source_video", SourceVideo)
    placed = work.read("synced_speech", SyncedSpeech).lines
    heard = inspection.compare(
        work.workshop.media, Path(work.record.path), source, work.file("final_mux", muxed.video), dub, placed
    )
    work.report(0.6)
    shared = quality.intersection_over_union(heard.source_speech, heard.dub_speech, source.seconds)
    onsets = [abs(line.onset_error_s) for line in lines if line.onset_error_s is not None]
    sync = work.settings.sync
    return [
        quality.at_most(
            "onset error, median", float(np.median(onsets)) if onsets else None, quality.ONSET_MEDIAN_S, "s"
        ),
        quality.at_most("onset error, largest", max(onsets) if onsets else None, quality.ONSET_MAX_S, "s"),
        quality.at_least("speech IoU", shared, quality.IOU_LEAST, ""),
        *quality.rates([line.rate for line in lines], sync.free_rate, sync.max_rate),
        quality.at_most("round trip WER", _round_trip(work, lines), quality.ROUND_TRIP_MOST, ""),
        *(quality.gaps if work.settings.mix.keep_music else quality.gaps_without_music)(heard.meter),
    ]


def _sound(work: Work) -> list[Measure]:
    """Loudness of the speech, and the bed under it."""
    mixed = work.read("ducked_mix", DuckedMix)
    stems = work.read("stems", Stems)
    assert mixed.final_audio_native_music is not None
    assert mixed.ducked_bed is not None
    assert stems.clean_vocals is not None
    speech = inspection.speech_difference(
        work.workshop.media,
        work.file("ducked_mix", mixed.final_audio_native_music),
        work.file("ducked_mix", mixed.ducked_bed),
        work.file("stems", stems.clean_vocals),
        work.read("synced_speech", SyncedSpeech).lines,
        work.read("speaker_map", SpeakerMap).turns,
    )
    loudness = quality.within("dubbed speech against the original", speech, 0.0, quality.LOUDNESS_LU, "LU")
    return [loudness, *(_bed(work) if work.settings.mix.keep_music else quality.no_bed())]


def _bed(work: Work) -> list[Measure]:
    """How far the bed steps back, and what of the original speech is left in it."""
    mixed = work.read("ducked_mix", DuckedMix)
    stems = work.read("stems", Stems)
    transcript = work.read("transcript", Transcript)
    assert stems.bgm_full is not None
    left = inspection.residue(
        work.file("stems", stems.bgm_full),
        work.read("chunks", Chunks).regions,
        transcript.language or "en",
        [line.text for line in transcript.lines],
        work.engine(Transcriber, "transcriber"),
    )
    work.report(0.8)
    depth = work.settings.mix.duck_depth_db
    return [
        quality.within("bed reduction under speech", mixed.median_reduction_db, depth, quality.DEPTH_DB, "dB")
        if mixed.median_reduction_db is not None
        else quality.not_applicable("bed reduction under speech", "dB", "there is no bed to duck"),
        quality.at_most("original words left in the bed", left, quality.RESIDUE_MOST, ""),
    ]


def _lines(work: Work) -> tuple[list[LineQuality], int]:
    """One line after the other: where it starts, how fast it is, what is heard in it; and how many were heard now."""
    spoken = {line.id: line for line in work.read("dubbed_chunks", DubbedChunks).lines}
    texts = {line.id: line for line in work.read("translation", Translation).lines}
    originals: dict[str, Line] = {line.id: line for line in work.read("transcript", Transcript).lines}
    ear = work.engine(Transcriber, "transcriber")
    kept = work.workshop.store.lines_folder(work.video, work.tag) / "heard" if work.settings.synthesis.reuse else None
    heard_now = 0
    found: list[LineQuality] = []
    placed: tuple[PlacedLine, ...] = work.read("synced_speech", SyncedSpeech).lines
    for number, one in enumerate(placed):
        line = spoken[one.id]
        sound = work.file("dubbed_chunks", line.sound)
        alone = "" if work.settings.synthesis.share else one.id
        heard, now = inspection.hear_line(sound, work.tag.split("-")[0], ear, kept, alone)
        heard_now += now
        begin = onset_s(read_mono(sound, HEARING_HZ), HEARING_HZ)
        error = None if begin is None else one.start + begin - originals[one.id].start
        wer = word_error_rate(line.text, heard)
        found.append(
            LineQuality(
                id=one.id,
                speaker=shown(work.extras, one.speaker),
                onset_error_s=error,
                lateness_s=one.lateness_s,
                rate=one.rate,
                length_ratio=texts[one.id].length_ratio,
                round_trip_wer=wer,
                heard=heard,
                flags=tuple(dict.fromkeys((*originals[one.id].flags, *texts[one.id].flags, *line.flags, *one.flags))),
            )
        )
        work.report(0.4 * (number + 1) / len(placed))
    return found, heard_now


def _round_trip(work: Work, lines: Sequence[LineQuality]) -> float | None:
    """WER of the lines' own sounds, weighted by words."""
    words = {line.id: len(line.text.split()) for line in work.read("dubbed_chunks", DubbedChunks).lines}
    known = [(line.round_trip_wer, words[line.id]) for line in lines if line.round_trip_wer is not None]
    total = sum(weight for _, weight in known)
    return sum(wer * weight for wer, weight in known) / total if total else None


def _tell(artifact: Artifact) -> dict[str, Any]:
    report = artifact.read(QaReport)
    measures = [
        dg.TableRecord(
            {"promise": m.name, "value": m.value, "unit": m.unit, "limit": m.limit, "holds": m.ok, "note": m.note}
        )
        for m in report.measures
    ]
    lines = [
        dg.TableRecord(
            {
                "line": one.id,
                "speaker": one.speaker,
                "onset_error_s": one.onset_error_s,
                "rate": one.rate,
                "round_trip_wer": one.round_trip_wer,
                "heard": one.heard,
                "flags": ", ".join(one.flags),
            }
        )
        for one in report.lines
    ]
    numbers = {re.sub(r"\W+", "_", m.name).strip("_"): m.value for m in report.measures if m.value is not None}
    return {
        "nothing_to_dub": report.nothing_to_dub,
        "report": dg.MetadataValue.path(str(artifact.folder / DOCUMENT)),
        "flags_in_words": "\n".join(report.flags) or "none",
        **numbers,
        **table_of("promises", measures),
        **table_of("lines_measured", lines),
    }
