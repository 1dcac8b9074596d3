"""The report: every promise measured on the finished file, per video and per line, with flags in words.

It judges against the effective settings: a switch that is off is not a failure. It ends by letting go of the
private voices where no other dub needs them.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from octavia_dag.assets.corrections import shown
from octavia_dag.assets.qa_lines import line_qualities, spoken
from octavia_dag.assets.qa_people import people
from octavia_dag.assets.qa_programme import file_figures, original_of, programme
from octavia_dag.assets.step import Made, Result, Work, asset, current, per_minute, run_step
from octavia_dag.assets.telling import table_of
from octavia_dag.assets.voices import forget_when_done
from octavia_dag.dubbing import quality
from octavia_dag.dubbing.promises import PROMISES, held, judged
from octavia_dag.graph import GRAPH
from octavia_dag.partitions import parts
from octavia_dag.resources.artifacts import DOCUMENT, Artifact
from octavia_dag.resources.media import SideBySide
from octavia_dag.resources.videos import record
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import (
    Casting,
    DuckedMix,
    FinalMux,
    LineQuality,
    Measure,
    QaReport,
    SourceVideo,
    Transcript,
)

REPORT = "qa_report.json"


@asset("qa_report")
def qa_report(context: dg.AssetExecutionContext, workshop: Workshop) -> Result:
    """Every promise measured."""
    video, language = parts(context.partition_key)
    result = run_step(
        context, workshop, _make, lambda artifact: {**_tell(artifact), **_pace(workshop, video, language)}
    )
    forget_when_done(workshop.store, video)
    return result


def _pace(workshop: Workshop, video: str, language: str | None) -> dict[str, float]:
    """What the whole dub took when it was made, both jobs, for each minute of the video."""
    made = (current(workshop, name, video, language).manifest.seconds for name in GRAPH)
    return {"dub_seconds_per_minute": per_minute(sum(made), record(workshop.store, video).seconds)}


def _make(work: Work) -> Made:
    muxed = work.read("final_mux", FinalMux)
    heard_now, again = 0, False
    if muxed.untouched:
        report = QaReport(
            video=work.video, language=work.tag, nothing_to_dub=True, measures=(), lines=(), flags=(), notes=muxed.notes
        )
    else:
        # Who speaks is heard in one thread, what they say and all the rest in another.
        with SideBySide(1) as pool:
            listening = pool.submit(people, work, pool.go_on)
            lines, heard_now = line_qualities(work)
            original = original_of(work)
            found = file_figures(work, muxed, original)
            measures = [*programme(work, original, found), *spoken(work, muxed, original, found, lines)]
            voices, again = listening.result()
        measures += voices
        report = _report(work, muxed, lines, judged(measures))
    (work.folder / REPORT).write_text(report.model_dump_json(indent=1), encoding="utf-8")
    broken = sum(not one.ok for one in report.measures)
    counts = {"lines": len(report.lines), "promises_broken": broken, "flags": len(report.flags)}
    counts |= {"reasons_to_hold": len(held(report))}
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


def _tell(artifact: Artifact) -> dict[str, Any]:
    report = artifact.read(QaReport)
    measures = [
        dg.TableRecord(
            {
                "promise": m.name,
                "value": m.value,
                "unit": m.unit,
                "limit": m.limit,
                "holds": m.ok,
                "holds_back": m.blocking and not m.ok,
                "note": m.note,
            }
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
    numbers = {PROMISES[m.name].check: float(m.value) for m in report.measures if m.value is not None}
    if report.lines:
        numbers["length_ratio"] = sum(one.length_ratio for one in report.lines) / len(report.lines)
    return {
        "nothing_to_dub": report.nothing_to_dub,
        "report": dg.MetadataValue.path(str(artifact.folder / DOCUMENT)),
        "flags_in_words": "\n".join(report.flags) or "none",
        **numbers,
        **table_of("promises", measures),
        **table_of("lines_measured", lines),
    }
