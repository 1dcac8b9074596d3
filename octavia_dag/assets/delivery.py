"""From single lines to the file that is handed over: placed in time, laid over the ducked bed, muxed.

Where there is nothing to dub these steps hand on empty documents, and the deliverable is the source as it came.
"""

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import TypeAdapter

from octavia_dag.assets.measured import measured
from octavia_dag.assets.step import Made, Result, Work, asset, run_step
from octavia_dag.assets.telling import pictures_of, table_of
from octavia_dag.dubbing.timing import place
from octavia_dag.resources import pictures
from octavia_dag.resources.artifacts import Artifact
from octavia_dag.resources.ducking import Measured, duck
from octavia_dag.resources.media import SideBySide
from octavia_dag.resources.mux import mux
from octavia_dag.resources.speaking import write_speech_track
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import (
    DubbedChunks,
    DuckedMix,
    FinalMux,
    SourceVideo,
    SpeakerMap,
    Stems,
    SyncedSpeech,
    Transcript,
)

SPEECH = "speech.flac"
_NUMBER = TypeAdapter[float | None](float | None)
_MEASURED_OF: Mapping[Measured, tuple[str, ...]] = {
    "dub": ("synced_speech",),
    "original": ("stems", "speaker_map"),
    "reduction": ("stems", "synced_speech"),
}


@asset("synced_speech")
def synced_speech(context: dg.AssetExecutionContext, workshop: Workshop) -> Result:
    """The lines placed in time."""
    return run_step(context, workshop, _make_synced, _tell_synced)


@asset("ducked_mix")
def ducked_mix(context: dg.AssetExecutionContext, workshop: Workshop) -> Result:
    """Speech over the ducked bed."""
    return run_step(context, workshop, _make_mix, _tell_mix)


@asset("final_mux")
def final_mux(context: dg.AssetExecutionContext, workshop: Workshop) -> Result:
    """The deliverable."""
    return run_step(context, workshop, _make_mux, _tell_mux)


def _make_synced(work: Work) -> Made:
    spoken = work.read("dubbed_chunks", DubbedChunks)
    original = work.read("transcript", Transcript)
    seconds = original.programme_seconds
    if not spoken.lines:
        return Made(SyncedSpeech(rate_hz=spoken.rate_hz, seconds=seconds, speech=None, lines=()))
    placed = place(spoken.lines, original.lines, work.settings.sync, seconds)
    sounds = {line.id: work.file("dubbed_chunks", line.sound) for line in spoken.lines}
    write_speech_track(placed, sounds, seconds, spoken.rate_hz, work.folder / SPEECH)
    document = SyncedSpeech(rate_hz=spoken.rate_hz, seconds=seconds, speech=SPEECH, lines=tuple(placed))
    late = sum(line.lateness_s > 0 for line in placed)
    sync = work.settings.sync
    drawn = {
        "waveform": pictures.waveform_png(work.folder / SPEECH),
        "rates": pictures.rates_png(placed, free=sync.free_rate, most=sync.max_rate),
    }
    return Made(document, counts={"lines": len(placed), "late_lines": late}, pictures=drawn)


def _tell_synced(artifact: Artifact) -> dict[str, Any]:
    rows = [
        dg.TableRecord(
            {
                "line": one.id,
                "start": one.start,
                "end": one.end,
                "rate": one.rate,
                "borrowed_s": one.borrowed_s,
                "lateness_s": one.lateness_s,
                "flags": ", ".join(one.flags),
            }
        )
        for one in artifact.read(SyncedSpeech).lines
    ]
    speech = artifact.read(SyncedSpeech).speech
    sound = {} if speech is None else {"speech": dg.MetadataValue.path(str(artifact.file(speech)))}
    return {**sound, **table_of("lines_placed", rows), **pictures_of(artifact)}


def _make_mix(work: Work) -> Made:
    synced = work.read("synced_speech", SyncedSpeech)
    stems = work.read("stems", Stems)
    if synced.speech is None or stems.clean_vocals is None or stems.bgm_full is None:
        return Made(DuckedMix(final_audio_native_music=None, ducked_bed=None, rate=stems.rate, channels=stems.channels))
    with SideBySide(1) as pool:
        pool.submit(pictures.load)
        document = duck(
            work.workshop.media,
            background=work.file("stems", stems.bgm_full),
            vocals=work.file("stems", stems.clean_vocals),
            speech=work.file("synced_speech", synced.speech),
            spans_dub=synced.lines,
            spans_original=work.read("speaker_map", SpeakerMap).turns,
            out_dir=work.folder,
            mix=work.settings.mix,
            kept=partial(_kept, work),
        )
    assert document.final_audio_native_music is not None
    return Made(document, pictures=pictures.of_sound(work.folder / document.final_audio_native_music))


def _kept(work: Work, name: Measured, measure: Callable[[], float | None], also: Mapping[str, float]) -> float | None:
    return measured(work, f"mix_{name}", _NUMBER, measure, of=_MEASURED_OF[name], also=also, shared=name == "original")


def _tell_mix(artifact: Artifact) -> dict[str, Any]:
    document = artifact.read(DuckedMix)
    if document.final_audio_native_music is None:
        return {"notes": "Nothing to dub: there is no mix."}
    return {
        "final_audio_native_music": dg.MetadataValue.path(str(artifact.file(document.final_audio_native_music))),
        "original_speech_lufs": document.original_speech_lufs,
        "dubbed_speech_lufs": document.speech_lufs,
        "bed_reduction_db": document.median_reduction_db,
        "notes": " ".join(document.notes) or "none",
        **pictures_of(artifact),
    }


def _make_mux(work: Work) -> Made:
    mixed = work.read("ducked_mix", DuckedMix).final_audio_native_music
    lines = work.read("synced_speech", SyncedSpeech).lines
    with tempfile.TemporaryDirectory(prefix=".heard-", dir=work.folder) as scratch:
        heard = Path(scratch) / "heard.flac"
        document = mux(
            work.workshop.media,
            source_path=work.source(),
            source=work.read("source_video", SourceVideo),
            audio=None if mixed is None else work.file("ducked_mix", mixed),
            lines=lines,
            texts={line.id: line.text for line in work.read("dubbed_chunks", DubbedChunks).lines},
            language=work.tag,
            delivery=work.settings.delivery,
            out_dir=work.folder,
            heard=heard,
        )
        if mixed is None:
            return Made(document)
        drawn = {"timeline": pictures.timeline_png(lines, document.seconds), **pictures.of_sound(heard)}
    return Made(document, pictures=drawn)


def _tell_mux(artifact: Artifact) -> dict[str, Any]:
    document = artifact.read(FinalMux)
    facts: dict[str, Any] = {
        "final_video": dg.MetadataValue.path(str(artifact.file(document.video))),
        "video_seconds": document.seconds,
        "language_tag": document.language_tag,
        "untouched": document.untouched,
        "notes": " ".join(document.notes) or "none",
    }
    if document.true_peak_dbtp is not None:
        facts["true_peak_dbtp"] = document.true_peak_dbtp
    return {**facts, **pictures_of(artifact)}
