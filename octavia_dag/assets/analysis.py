"""What is in the sound: two stems, speech in chunks, who speaks when, and the lines that were said.

The background stem is made first and the vocals are what is left of the source, in whole 16-bit numbers, so that the
two always add up to the source. Everything after hears `clean_vocals`.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from octavia_dag.assets import diarizing
from octavia_dag.assets.corrections import edits_in
from octavia_dag.assets.step import Made, Result, Work, asset, current, run_step
from octavia_dag.assets.telling import pictures_of, table_of
from octavia_dag.assets.wordings import HOT_WORDS
from octavia_dag.dubbing.chunking import pack_chunks
from octavia_dag.dubbing.edits import corrected
from octavia_dag.dubbing.hearing import accept, verdict
from octavia_dag.dubbing.line_ids import named
from octavia_dag.dubbing.lines import make_lines
from octavia_dag.dubbing.sentence_ends import punctuated, with_ends
from octavia_dag.dubbing.speakers import rttm, speaker_map_of
from octavia_dag.partitions import VIDEOS
from octavia_dag.plan import UNUSABLE
from octavia_dag.resources import pictures
from octavia_dag.resources.artifacts import Artifact
from octavia_dag.resources.corrections import keep_line_ids, read_line_ids
from octavia_dag.resources.engines import Segmenter, Separator, Transcriber
from octavia_dag.resources.listening import HEARING_HZ, speech_in
from octavia_dag.resources.probe import source_blocks
from octavia_dag.resources.sound import read_mono
from octavia_dag.resources.splitting import split
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import Chunks, Line, SourceVideo, SpeakerMap, Stems, Transcript, Turn, Word

VOCALS = "clean_vocals.flac"
BACKGROUND = "bgm_full.flac"
RTTM = "turns.rttm"


@asset("stems")
def stems(context: dg.AssetExecutionContext, workshop: Workshop) -> Result:
    """clean_vocals and bgm_full."""
    return run_step(context, workshop, _make_stems, _tell_stems)


@asset("chunks")
def chunks(context: dg.AssetExecutionContext, workshop: Workshop) -> Result:
    """Speech cut at silences and packed, with the words heard in it."""
    return run_step(context, workshop, _make_chunks, _tell_chunks)


@asset("speaker_map")
def speaker_map(context: dg.AssetExecutionContext, workshop: Workshop) -> Result:
    """Who speaks when."""
    return run_step(context, workshop, _make_speaker_map, _tell_speaker_map)


@asset("transcript")
def transcript(context: dg.AssetExecutionContext, workshop: Workshop) -> Result:
    """The lines of the original."""
    return run_step(context, workshop, _make_transcript, _tell_transcript)


@dg.asset_check(
    asset="transcript",
    blocking=True,
    partitions_def=VIDEOS,
    description="The transcript can be dubbed: no loops, no garbage, a believable amount of words.",
)
def transcript_ok(context: dg.AssetCheckExecutionContext, workshop: Workshop) -> dg.AssetCheckResult:
    """The verdict that lies in the transcript itself, shown as a check."""
    found = current(workshop, "transcript", context.partition_key, None).read(Transcript)
    reasons = " ".join(found.verdict.reasons) or "Nothing to object to."
    return dg.AssetCheckResult(passed=found.verdict.ok, description=reasons, metadata={"lines": len(found.lines)})


def _make_stems(work: Work) -> Made:
    source = work.read("source_video", SourceVideo)
    track = source.chosen
    if track is None:
        return Made(Stems(rate=0, channels=0, frames=0, clean_vocals=None, bgm_full=None, notes=source.notes[-1:]))
    total = max(1, round(source.seconds * track.rate))
    frames = split(
        source_blocks(work.workshop.media, work.source(), source, rate=None, channels=None),
        work.engine(Separator, "separator"),
        track.rate,
        vocals=work.folder / VOCALS,
        background=work.folder / BACKGROUND,
        report=lambda done: work.report(done / total),
    )
    kept = (f"All {track.channels} channels ({track.layout}) are kept.",) if track.channels > 2 else ()
    document = Stems(
        rate=track.rate, channels=track.channels, frames=frames, clean_vocals=VOCALS, bgm_full=BACKGROUND, notes=kept
    )
    drawn = {
        "waveform": pictures.waveform_png(work.folder / VOCALS),
        "spectrogram_of_vocals": pictures.spectrogram_png(work.folder / VOCALS),
        "spectrogram_of_background": pictures.spectrogram_png(work.folder / BACKGROUND),
    }
    return Made(document, pictures=drawn)


def _tell_stems(artifact: Artifact) -> dict[str, Any]:
    document = artifact.read(Stems)
    if document.clean_vocals is None or document.bgm_full is None:
        return {"notes": " ".join(document.notes)}
    return {
        "clean_vocals": dg.MetadataValue.path(str(artifact.file(document.clean_vocals))),
        "bgm_full": dg.MetadataValue.path(str(artifact.file(document.bgm_full))),
        "sampling_rate": document.rate,
        "channels": document.channels,
        "sound_seconds": document.frames / document.rate,
        "notes": " ".join(document.notes) or "none",
        **pictures_of(artifact),
    }


def _make_chunks(work: Work) -> Made:
    language = work.read("source_video", SourceVideo).language
    document = work.read("stems", Stems)
    if document.clean_vocals is None:
        return Made(Chunks(language=None, regions=(), chunks=()))
    chosen = work.settings.chunking
    sound = read_mono(work.file("stems", document.clean_vocals), HEARING_HZ)
    regions = speech_in(sound, threshold=chosen.speech_threshold, min_silence_s=chosen.min_silence_s)
    if not regions or language is None:
        return Made(Chunks(language=None, regions=(), chunks=()))
    ear = work.engine(Transcriber, "transcriber", language).expecting(work.extras.get(HOT_WORDS.name, ()))
    diarizing.begin(work, work.inputs["stems"].manifest.data_version, sound, regions)
    heard = ear.transcribe(sound, regions, language)
    believed = work.settings.transcription.min_logprob
    kept, dropped = accept(heard, regions, min_logprob=believed, clip_s=len(sound) / HEARING_HZ)
    words = _in_sentences(work, [word for segment in kept for word in segment.words], language)
    packed = pack_chunks(regions, words, min_s=chosen.min_chunk_s, max_s=chosen.max_chunk_s)
    document = Chunks(
        language=language if words else None, regions=tuple(regions), chunks=tuple(packed), dropped=tuple(dropped)
    )
    counts = {"words": len(words), "chunks": len(packed), "refused": len(dropped)}
    shown = [Turn(speaker="speech", start=r.start, end=r.end) for r in regions]
    shown += [Turn(speaker="chunks", start=c.start, end=c.end) for c in packed]
    timeline = pictures.timeline_png(shown, len(sound) / HEARING_HZ)
    return Made(document, counts=counts, pictures={"timeline": timeline})


def _in_sentences(work: Work, words: list[Word], language: str) -> list[Word]:
    """The words, with sentence ends found in them where none were heard and somebody knows the language."""
    if punctuated(words) or not work.settings.chunking.segmenter:
        return words
    segmenter = work.engine(Segmenter, "segmenter")
    if language not in segmenter.info().languages:
        return words
    return with_ends(words, segmenter.sentence_ends([word.text for word in words], language))


def _tell_chunks(artifact: Artifact) -> dict[str, Any]:
    document = artifact.read(Chunks)
    rows = [
        dg.TableRecord({"start": one.start, "end": one.end, "seconds": round(one.seconds, 2), "text": one.text})
        for one in document.chunks
    ]
    return {
        "speech_seconds": sum(region.seconds for region in document.regions),
        "refused_as_not_speech": " ".join(document.dropped) or "nothing",
        **table_of("chunks_heard", rows),
        **pictures_of(artifact),
    }


def _make_speaker_map(work: Work) -> Made:
    document = work.read("stems", Stems)
    heard = work.read("chunks", Chunks)
    if document.clean_vocals is None or heard.language is None:
        return Made(SpeakerMap(turns=(), speakers=()))
    sound = read_mono(work.file("stems", document.clean_vocals), HEARING_HZ)
    turns, at_once = diarizing.who_speaks(work, work.inputs["stems"].manifest.data_version, sound, heard.regions)
    found = speaker_map_of(turns, at_once)
    (work.folder / RTTM).write_text(rttm(found.turns, work.video), encoding="utf-8")
    timeline = pictures.timeline_png(found.turns, len(sound) / HEARING_HZ)
    counts = {"speakers": len(found.speakers), "turns": len(found.turns)}
    return Made(found, counts=counts, pictures={"timeline": timeline})


def _tell_speaker_map(artifact: Artifact) -> dict[str, Any]:
    document = artifact.read(SpeakerMap)
    rows = [
        dg.TableRecord({"speaker": s.id, "talk_seconds": s.talk_seconds, "turns": s.turns, "main": s.main})
        for s in document.speakers
    ]
    return {
        "overlap_seconds": sum(span.seconds for span in document.overlaps),
        **table_of("speakers_found", rows),
        **pictures_of(artifact),
    }


def _make_transcript(work: Work) -> Made:
    heard, stems = work.read("chunks", Chunks), work.read("stems", Stems)
    programme_s = stems.frames / stems.rate if stems.rate else 0.0
    if heard.language is None:
        judged = verdict((), heard.regions, None, clip_s=programme_s)
        document = Transcript(language=None, programme_seconds=programme_s, lines=(), verdict=judged)
        return Made(document, counts={"lines": 0, "words": 0, UNUSABLE: int(not judged.ok)})
    chosen = work.settings.transcription
    words: list[Word] = [word for chunk in heard.chunks for word in chunk.words]
    people = work.read("speaker_map", SpeakerMap)
    heard_lines = make_lines(words, people.turns, heard.regions, gap_s=chosen.line_gap_s, max_s=chosen.line_max_s)
    # What was heard is judged, not what people made of it: whoever drops half of the lines means to.
    judged = verdict(heard_lines, heard.regions, heard.language, clip_s=programme_s)
    edits = edits_in(work.extras)
    after = corrected(_named(work, heard_lines), edits, {line.speaker for line in (*people.turns, *heard_lines)})
    lines, unused = after.lines, after.unused
    document = Transcript(
        language=heard.language,
        programme_seconds=programme_s,
        lines=tuple(lines),
        verdict=judged,
        notes=tuple(unused),
    )
    words_heard = sum(len(line.words) for line in lines)
    # The verdict stands in the manifest too, where a plan reads it without the document.
    counts = {"lines": len(lines), "words": words_heard, UNUSABLE: int(not judged.ok)}
    if edits:
        counts |= {"corrections": len(edits), "corrections_not_done": len(unused)}
    shown = [Turn(speaker=line.speaker, start=line.start, end=line.end) for line in lines]
    drawn = {"timeline": pictures.timeline_png(shown, programme_s)} if shown else {}
    return Made(document, counts=counts, pictures=drawn)


def _named(work: Work, lines: Sequence[Line]) -> list[Line]:
    """The lines under the ids they are known by. The ledger names and makes nothing, so no content key has it."""
    store = work.workshop.store
    named_lines, known = named(lines, read_line_ids(store, work.video))
    keep_line_ids(store, work.video, known)
    return named_lines


def _tell_transcript(artifact: Artifact) -> dict[str, Any]:
    document = artifact.read(Transcript)
    rows = [
        dg.TableRecord(
            {
                "line": one.id,
                "speaker": one.speaker,
                "start": one.start,
                "end": one.end,
                "text": one.text,
                "confidence": one.confidence,
                "flags": ", ".join(one.flags),
            }
        )
        for one in document.lines
    ]
    return {
        "language": document.language or "none: nobody speaks",
        "usable": document.verdict.ok,
        "verdict": " ".join(document.verdict.reasons) or "Nothing to object to.",
        "corrections_not_made": " ".join(document.notes) or "none",
        **table_of("lines_heard", rows),
        **pictures_of(artifact),
    }
