"""The file itself: what it holds, how long it really is, who seems to speak, how much music there is.

The pre-analysis looks at one stretch of 2 minutes that begins with speech: it decides how the video is treated
(language, hint of speakers) before anything expensive is done, and it is all that "nothing to dub" needs.
"""

from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np

from octavia_dag.assets.step import Made, Result, Work, asset, run_step
from octavia_dag.dubbing.music import music_score
from octavia_dag.dubbing.regions import speech_regions
from octavia_dag.errors import InputError
from octavia_dag.resources.artifacts import Artifact
from octavia_dag.resources.engines import Diarizer, Samples, Separator, Transcriber
from octavia_dag.resources.probe import probe_video, sha256_cached, source_blocks
from octavia_dag.resources.vad import WINDOW_S, speech_probabilities
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import SourceVideo, Span

HEARING_HZ = 16000
STRETCH_S = 120.0
_LEAD_S = 5.0  # music before the first words belongs to the stretch


@asset("source_video")
def source_video(context: dg.AssetExecutionContext, workshop: Workshop) -> Result:
    """Probe and pre-analysis of the file."""
    return run_step(context, workshop, _make, _tell)


def _make(work: Work) -> Made:
    path = Path(work.record.path)
    store = work.workshop.store
    if not path.is_file():
        raise InputError(f"Reading {work.video}: its file {path} is gone; put it back, or dub it from where it is now.")
    sha256 = sha256_cached(path, Path(store.root) / "hashes.json")
    if sha256 != work.record.sha256:
        raise InputError(
            f"Reading {work.video}: {path} has changed since it was registered; dub it again as a new video."
        )
    source = probe_video(work.workshop.media, path, sha256, work.settings.separation.track)
    if source.track is None:
        return Made(source.model_copy(update={"notes": (*source.notes, "There is no audio stream: nothing to dub.")}))
    return Made(_analysed(work, path, source))


def _analysed(work: Work, path: Path, source: SourceVideo) -> SourceVideo:
    sound = mono_of(work, path, source)
    work.report(0.2)
    regions = speech_regions(
        speech_probabilities(sound), window_s=WINDOW_S, threshold=0.5, min_silence_s=0.35, duration_s=source.seconds
    )
    start = max(0.0, regions[0].start - _LEAD_S) if regions else 0.0
    end = min(source.seconds, start + STRETCH_S)
    inside = [Span(start=r.start, end=min(r.end, end)) for r in regions if r.start < end]
    found: dict[str, Any] = {"music_score": _music(work, path, source, start, end)}
    work.report(0.6)
    if inside:
        found |= _people(work, sound, inside)
    return source.model_copy(update=found)


def _people(work: Work, sound: Samples, regions: list[Span]) -> dict[str, Any]:
    """Spoken language, its certainty, and the hint of how many people speak."""
    chosen = work.settings.transcription.language
    speech = np.concatenate([sound[int(r.start * HEARING_HZ) : int(r.end * HEARING_HZ)] for r in regions])
    language, confidence = (chosen, 1.0) if chosen else work.engine(Transcriber, "transcriber").detect_language(speech)
    maximum = work.settings.diarization.max_speakers
    turns = work.engine(Diarizer, "diarizer").diarize(sound, regions, minimum=1, maximum=maximum)
    return {
        "language": language,
        "language_confidence": round(confidence, 4),
        "speakers_hint": len({turn.speaker for turn in turns}),
    }


def _music(work: Work, path: Path, source: SourceVideo, start: float, end: float) -> float:
    """Music score of the stretch: how much of it sounds without the voices."""
    stretch: list[Samples] = []
    first, last = int(start * HEARING_HZ), int(end * HEARING_HZ)
    position = 0
    for block in source_blocks(work.workshop.media, path, source, rate=HEARING_HZ, channels=1):
        low, high = max(0, first - position), min(len(block), last - position)
        if high > low:
            stretch.append(block[low:high])
        position += len(block)
        if position >= last:
            break
    if not stretch:
        return 0.0
    separator = work.engine(Separator, "separator")
    background = np.concatenate(list(separator.background(iter(stretch), HEARING_HZ)))
    return round(music_score(np.concatenate(stretch)[:, 0], background[:, 0], HEARING_HZ), 4)


def mono_of(work: Work, path: Path, source: SourceVideo) -> Samples:
    """The chosen track as mono 16 kHz, whole: 230 MB an hour."""
    blocks = [b[:, 0] for b in source_blocks(work.workshop.media, path, source, rate=HEARING_HZ, channels=1)]
    return np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.float32)


def _tell(artifact: Artifact) -> dict[str, Any]:
    source = artifact.read(SourceVideo)
    tracks = [
        dg.TableRecord(
            {
                "track": number,
                "codec": one.codec,
                "rate": one.rate,
                "channels": one.channels,
                "language": one.language or "",
                "dubbed": number == source.track,
            }
        )
        for number, one in enumerate(source.audio)
    ]
    facts: dict[str, Any] = {
        "video_seconds": source.seconds,
        "container": source.container,
        "language": source.language or "none: nobody speaks",
        "speakers_hint": source.speakers_hint,
        "music_score": source.music_score,
        "notes": " ".join(source.notes) or "none",
    }
    return facts | ({"audio_tracks": dg.MetadataValue.table(tracks)} if tracks else {})
