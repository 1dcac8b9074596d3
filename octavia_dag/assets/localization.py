"""The other language: the text of every line, and every line's own sound in its speaker's voice."""

import os
from collections.abc import Iterator
from typing import Any

import dagster as dg

from octavia_dag.assets.cloned import profiles_cast
from octavia_dag.assets.corrections import wordings_in
from octavia_dag.assets.step import Made, Result, Work, asset, run_step, settings_for
from octavia_dag.assets.telling import pictures_of, table_of
from octavia_dag.dubbing.wordings import with_wordings
from octavia_dag.errors import PairError
from octavia_dag.partitions import parts
from octavia_dag.resources import pictures
from octavia_dag.resources.approvals import command, waits
from octavia_dag.resources.artifacts import Artifact
from octavia_dag.resources.engines import Condenser, Synthesizer, Transcriber, Translator
from octavia_dag.resources.line_store import LineStore
from octavia_dag.resources.localize import translate_lines
from octavia_dag.resources.remembering import Remembering
from octavia_dag.resources.speaking import speak_lines
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import Casting, DubbedChunks, Term, Transcript, Translation


@asset("translation")
def translation(context: dg.AssetExecutionContext, workshop: Workshop) -> Result:
    """The lines in the other language."""
    return run_step(context, workshop, _make_translation, _tell_translation)


@asset("dubbed_chunks", may_wait=True)
def dubbed_chunks(context: dg.AssetExecutionContext, workshop: Workshop) -> Iterator[Result]:
    """One sound per line; none before the translation is approved, where the settings require a review."""
    video, language = parts(context.partition_key)
    if language is not None and waits(workshop.store, video, language, settings_for(workshop, video, language)):
        _tell_waiting(context, command(video, language))
        return
    yield run_step(context, workshop, _make_dubbed_chunks, _tell_dubbed_chunks)


def _tell_waiting(context: dg.AssetExecutionContext, approve_with: str) -> None:
    waiting = "Nothing is spoken before the current translation is approved."
    told = {"waits_for": waiting, "approve_with": approve_with}
    context.log_event(
        dg.AssetObservation(context.asset_key, description=waiting, partition=context.partition_key, metadata=told)
    )


def _make_translation(work: Work) -> Made:
    original = work.read("transcript", Transcript)
    translator = work.engine(Translator, "translator")
    if original.language is None:
        return Made(Translation(source="und", target=work.tag, engine=translator.info().name, lines=()))
    if not work.engine(Synthesizer, "synthesizer").speaks(work.tag):
        raise PairError(
            f"Dubbing {work.video} into {work.tag}: the chosen synthesizer does not speak it; choose another."
        )
    approved: dict[str, str] = work.extras.get("memory", {})
    kept = work.workshop.store.lines_folder(work.video, work.tag) / "texts"
    document = translate_lines(
        original.lines,
        source=original.language,
        target=work.tag,
        translator=Remembering(translator, kept) if work.settings.synthesis.reuse else translator,
        condenser=work.engine(Condenser, "condenser"),
        chosen=work.settings.translation,
        glossary=[Term.model_validate(entry) for entry in work.extras.get("glossary", ())],
        approved=approved,
        voice=work.engine(Synthesizer, "synthesizer").info().name,
        report=work.report,
    )
    wordings = wordings_in(work.extras)
    if wordings:
        lines = with_wordings(
            document.lines,
            original.lines,
            wordings,
            language=work.tag,
            voice=work.engine(Synthesizer, "synthesizer").info().name,
            glossary=document.wordings,
        )
        document = document.model_copy(update={"lines": lines})
    condensed = sum(line.text != line.full_text for line in document.lines)
    edited = {"edited": len(wordings)} if wordings else {}
    hits = sum(line.text in approved for line in original.lines)
    counts = {"lines": len(document.lines), "condensed": condensed, "memory_hits": hits, **edited}
    return Made(document, counts=counts)


def _tell_translation(artifact: Artifact) -> dict[str, Any]:
    document = artifact.read(Translation)
    rows = [
        dg.TableRecord(
            {
                "line": one.id,
                "speaker": one.speaker,
                "text": one.text,
                "length_ratio": one.length_ratio,
                "before_condensing": one.full_text if one.full_text != one.text else "",
                "flags": ", ".join(one.flags),
            }
        )
        for one in document.lines
    ]
    return {"pair": f"{document.source} -> {document.target}", **table_of("lines_translated", rows)}


def _make_dubbed_chunks(work: Work) -> Made:
    synthesizer = work.engine(Synthesizer, "synthesizer")
    original = work.read("transcript", Transcript)
    translated = work.read("translation", Translation)
    casting = work.read("casting", Casting)
    profiles, again = profiles_cast(work, casting) if synthesizer.clones else ({}, False)
    document, made = speak_lines(
        translated,
        casting,
        original,
        synthesizer=synthesizer,
        condenser=work.engine(Condenser, "condenser"),
        media=work.workshop.media,
        synthesis=work.settings.synthesis,
        sync=work.settings.sync,
        glossary=translated.wordings,
        version=work.node.code_version,
        threads=work.workshop.engines.threads or len(os.sched_getaffinity(0)),
        folder=work.folder,
        store=LineStore(work.workshop.store.lines_folder(work.video, work.tag)),
        programme_s=original.programme_seconds,
        profiles=profiles,
        ear=work.engine(Transcriber, "transcriber", work.tag) if synthesizer.samples else None,
        report=work.report,
    )
    sync = work.settings.sync
    rates = pictures.rates_png(document.lines, free=sync.free_rate, most=sync.max_rate) if document.lines else None
    counts = {"lines": len(document.lines), "spoken_now": made, "taken_from_store": len(document.lines) - made}
    if synthesizer.clones:
        counts["voice_profiles_rederived"] = int(again)
    return Made(document, counts=counts, pictures={"rates": rates} if rates else {})


def _tell_dubbed_chunks(artifact: Artifact) -> dict[str, Any]:
    document = artifact.read(DubbedChunks)
    rows = [
        dg.TableRecord(
            {
                "line": one.id,
                "voice": one.voice,
                "text": one.text,
                "seconds": one.seconds,
                "room": one.room_seconds,
                "rate": one.rate,
                "flags": ", ".join(one.flags),
            }
        )
        for one in document.lines
    ]
    fastest = {"fastest_rate": max(line.rate for line in document.lines)} if document.lines else {}
    return {**fastest, **table_of("lines_spoken", rows), **pictures_of(artifact)}
