"""What the report hears in the lines: what each says, when it starts, how fast it is; and in which language.

Every line's own sound is heard, once, and the deliverable is searched for that sound, so what is heard in it is what is
said in the file. Where a line's sound is not found there, the language is heard in the file itself.
"""

from collections.abc import Sequence

import numpy as np
from pydantic import TypeAdapter

from octavia_dag.assets.corrections import shown
from octavia_dag.assets.measured import measured
from octavia_dag.assets.step import Work
from octavia_dag.dubbing import quality
from octavia_dag.dubbing.figures import FileFigures
from octavia_dag.dubbing.hearing import normalize_words, word_error_rate
from octavia_dag.dubbing.trimming import onset_s
from octavia_dag.resources import deliverable, inspection
from octavia_dag.resources.deliverable import Original
from octavia_dag.resources.engines import Samples, Transcriber
from octavia_dag.resources.listening import HEARING_HZ
from octavia_dag.resources.sound import read_mono
from octavia_dag.schema import (
    DubbedChunks,
    DuckedMix,
    FinalMux,
    Line,
    LineQuality,
    Measure,
    PlacedLine,
    SyncedSpeech,
    Transcript,
    Translation,
)

# A line of which this much is found in the file is in it: what is heard in its own sound is heard there.
_THERE = 0.9
# So much speech tells the language; from all over the programme, where it has more.
_LANGUAGE_S, _APART_S = 25.0, 0.3
_HEARD = TypeAdapter[tuple[str, float] | None](tuple[str, float] | None)


def line_qualities(work: Work) -> tuple[list[LineQuality], int]:
    """One line after the other: where it starts, how fast it is, what is heard in it; and how many were heard now."""
    spoken = {line.id: line for line in work.read("dubbed_chunks", DubbedChunks).lines}
    texts = {line.id: line for line in work.read("translation", Translation).lines}
    originals: dict[str, Line] = {line.id: line for line in work.read("transcript", Transcript).lines}
    ear = work.engine(Transcriber, "transcriber", work.tag)
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
        found.append(
            LineQuality(
                id=one.id,
                speaker=shown(work.extras, one.speaker),
                onset_error_s=error,
                lateness_s=one.lateness_s,
                rate=one.rate,
                length_ratio=texts[one.id].length_ratio,
                round_trip_wer=word_error_rate(line.text, heard),
                heard=heard,
                flags=tuple(dict.fromkeys((*originals[one.id].flags, *texts[one.id].flags, *line.flags, *one.flags))),
            )
        )
        work.report(0.4 * (number + 1) / len(placed))
    return found, heard_now


def spoken(
    work: Work, muxed: FinalMux, original: Original, found: FileFigures, lines: list[LineQuality]
) -> list[Measure]:
    """What is promised of the lines: in the file, in full, in time, in their language."""
    limits, sync = work.settings.checks, work.settings.sync
    onsets = [None if line.onset_error_s is None else abs(line.onset_error_s) for line in lines]
    known = [one for one in onsets if one is not None]
    said = {line.id: len(normalize_words(line.text)) for line in work.read("dubbed_chunks", DubbedChunks).lines}
    counted = [(line.id, said[line.id], len(normalize_words(line.heard))) for line in lines]
    largest = max(known) if len(known) == len(lines) else None
    return [
        quality.at_most(quality.ONSET_MEDIAN, float(np.median(known)) if known else None, limits.onset_median_s, "s"),
        quality.at_most(quality.ONSET_LARGEST, largest, limits.onset_largest_s, "s"),
        *quality.rates([line.rate for line in lines], sync.free_rate, sync.max_rate, limits.hurried_share),
        quality.at_most(quality.ROUND_TRIP, _round_trip(lines, said), limits.round_trip, ""),
        *quality.words_heard(counted, limits.empty_lines, limits.line_words),
        quality.lines_in_file(found.lines, limits.line_in_file, limits.line_end_in_file),
        quality.language(_language(work, muxed, original, found), work.tag),
    ]


def _round_trip(lines: Sequence[LineQuality], words: dict[str, int]) -> float | None:
    """WER of the lines' own sounds, weighted by words."""
    known = [(line.round_trip_wer, words[line.id]) for line in lines if line.round_trip_wer is not None]
    total = sum(weight for _, weight in known)
    return sum(wer * weight for wer, weight in known) / total if total else None


def _language(work: Work, muxed: FinalMux, original: Original, found: FileFigures) -> tuple[str, float] | None:
    """The language heard and how sure that is; None where there is nothing to hear."""
    placed = work.read("synced_speech", SyncedSpeech).lines
    if all(one.share is not None and one.share >= _THERE for one in found.lines):
        own = {line.id: line.sound for line in work.read("dubbed_chunks", DubbedChunks).lines}
        sounds = [work.file("dubbed_chunks", own[one.id]) for one in _spread(placed)]
        hear, of = (lambda: _told(work, [read_mono(path, HEARING_HZ) for path in sounds])), ["dubbed_chunks"]
    else:
        hear, of = (lambda: _told(work, _in_file(work, muxed, original, placed))), ["final_mux", "ducked_mix"]
    return measured(work, "language", _HEARD, hear, of=of, roles=["transcriber"])


def _in_file(work: Work, muxed: FinalMux, original: Original, placed: Sequence[PlacedLine]) -> list[Samples]:
    bed = work.read("ducked_mix", DuckedMix).ducked_bed
    assert bed is not None
    path = work.file("final_mux", muxed.video)
    said = deliverable.said_in(work.workshop.media, path, original, work.file("ducked_mix", bed))
    return [said[round(one.start * HEARING_HZ) : round(one.end * HEARING_HZ)] for one in _spread(placed)]


def _spread(placed: Sequence[PlacedLine]) -> Sequence[PlacedLine]:
    """Lines from all over the programme, of about as much speech as it takes."""
    step = max(1, round(sum(one.seconds for one in placed) / _LANGUAGE_S))
    return placed[::step]


def _told(work: Work, sounds: Sequence[Samples]) -> tuple[str, float] | None:
    gap = np.zeros(round(_APART_S * HEARING_HZ), np.float32)
    joined = np.concatenate([part for sound in sounds for part in (sound, gap)]) if sounds else gap
    return work.engine(Transcriber, "transcriber").detect_language(joined) if joined.any() else None
