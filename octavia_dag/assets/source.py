"""The file itself: what it holds, how long it really is, who seems to speak, how much music there is.

The pre-analysis hears the first 2 minutes that hold speech: that decides how the video is treated (language, hint of
speakers) before anything expensive is done.
"""

from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np

from octavia_dag.assets.step import Made, Result, Work, asset, run_step
from octavia_dag.dubbing.music import music_score
from octavia_dag.dubbing.regions import first_speech
from octavia_dag.resources.artifacts import Artifact
from octavia_dag.resources.engines import Diarizer, Samples, Separator, Transcriber
from octavia_dag.resources.listening import HEARING_HZ, programme, speech_in
from octavia_dag.resources.probe import probe_video
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import SourceVideo, Span

FIRST_S = 120.0
_LEAD_S = 5.0  # music before the first words counts too


@asset("source_video")
def source_video(context: dg.AssetExecutionContext, workshop: Workshop) -> Result:
    """Probe and pre-analysis of the file."""
    return run_step(context, workshop, _make, _tell)


def _make(work: Work) -> Made:
    path = work.source()
    source = probe_video(work.workshop.media, path, work.record.sha256, work.settings.separation.track)
    if source.track is None:
        return Made(source.model_copy(update={"notes": (*source.notes, "There is no audio stream: nothing to dub.")}))
    return Made(_analysed(work, path, source))


def _analysed(work: Work, path: Path, source: SourceVideo) -> SourceVideo:
    sound = programme(work.workshop.media, path, source)
    work.report(0.2)
    regions = speech_in(sound)
    found: dict[str, Any] = {"music_score": _music(work, sound, regions)}
    work.report(0.6)
    if regions:
        found |= _people(work, sound, first_speech(regions, FIRST_S))
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


def _music(work: Work, sound: Samples, regions: list[Span]) -> float:
    """Music score of 2 minutes from shortly before the first words: how much sounds there without the voices."""
    start = max(0.0, regions[0].start - _LEAD_S) if regions else 0.0
    stretch = sound[int(start * HEARING_HZ) : int((start + FIRST_S) * HEARING_HZ)]
    if not len(stretch):
        return 0.0
    separator = work.engine(Separator, "separator")
    background = np.concatenate(list(separator.background(iter([stretch[:, np.newaxis]]), HEARING_HZ)))
    return round(music_score(stretch, background[:, 0], HEARING_HZ), 4)


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
