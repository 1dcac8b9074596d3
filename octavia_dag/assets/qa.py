"""The report: every promise measured on the finished file, per video and per line, with flags in words.

It judges against the effective settings: a switch that is off is not a failure. It ends by letting go of the
private voices where no other dub needs them.
"""

import re
from collections.abc import Sequence
from typing import Any

import dagster as dg

from octavia_dag.assets.corrections import shown
from octavia_dag.assets.qa_people import people
from octavia_dag.assets.qa_programme import programme
from octavia_dag.assets.step import Made, Result, Work, asset, run_step
from octavia_dag.assets.telling import table_of
from octavia_dag.assets.voices import forget_when_done
from octavia_dag.dubbing import quality
from octavia_dag.dubbing.hearing import word_error_rate
from octavia_dag.dubbing.trimming import onset_s
from octavia_dag.partitions import parts
from octavia_dag.resources import inspection
from octavia_dag.resources.artifacts import DOCUMENT, Artifact
from octavia_dag.resources.engines import Transcriber
from octavia_dag.resources.listening import HEARING_HZ
from octavia_dag.resources.sound import read_mono
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import (
    Casting,
    DubbedChunks,
    DuckedMix,
    FinalMux,
    Line,
    LineQuality,
    Measure,
    PlacedLine,
    QaReport,
    SourceVideo,
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
    heard_now, again = 0, False
    if muxed.untouched:
        report = QaReport(
            video=work.video, language=work.tag, nothing_to_dub=True, measures=(), lines=(), flags=(), notes=muxed.notes
        )
    else:
        lines, heard_now = _lines(work)
        whole = programme(work, muxed, lines)
        voices, again = people(work)
        report = _report(work, muxed, lines, [*whole, *voices])
    (work.folder / REPORT).write_text(report.model_dump_json(indent=1), encoding="utf-8")
    broken = sum(not one.ok for one in report.measures)
    counts = {"lines": len(report.lines), "promises_broken": broken, "flags": len(report.flags)}
    return Made(report, counts={**counts, "heard_now": heard_now, "voice_profiles_rederived": int(again)})


def _report(work: Work, muxed: FinalMux, lines: Sequence[LineQuality], measures: Sequence[Measure]) -> QaReport:
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
