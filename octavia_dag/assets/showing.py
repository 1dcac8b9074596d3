"""What a report's page shows of a dub: promises, lines, people and charts, as its template reads them.

Nothing is judged here; times, levels and verdicts are those of the documents.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from octavia_dag.assets.corrections import shown
from octavia_dag.dubbing import charts
from octavia_dag.dubbing.promises import held
from octavia_dag.dubbing.quality import in_words
from octavia_dag.resources.artifacts import Artifact
from octavia_dag.resources.sound import extremes
from octavia_dag.schema import (
    Casting,
    DubbedChunks,
    Line,
    LineQuality,
    Measure,
    PlacedLine,
    QaReport,
    SourceVideo,
    SpeakerMap,
    SpokenLine,
    Stems,
    SyncedSpeech,
    Transcript,
    TranslatedLine,
    Translation,
)

COLOURS = 8  # of speakers, in the page's style
_OUTLINE_COLUMNS = 900
_MOST_TICKS = 10
_HEARD_WRONG = 0.2  # of a line's words


def of(report: QaReport, parts: Mapping[str, Artifact]) -> dict[str, Any]:
    """Everything that the template shows between the verdict and the lineage."""
    seconds = parts["source_video"].read(SourceVideo).seconds
    lines = _lines(report, parts, seconds)
    lanes = list(dict.fromkeys(line["speaker"] for line in lines))
    for line in lines:
        line["lane"] = lanes.index(line["speaker"])
        line["colour"] = line["lane"] % COLOURS
    return {
        "seconds": seconds,
        "length": charts.clock(seconds),
        "spoken": parts["transcript"].read(Transcript).language,
        "promises": _promises(report),
        "lines": lines,
        "lanes": lanes,
        "colours": COLOURS,
        "people": _people(parts, lanes),
        "ticks": charts.ticks(seconds, _MOST_TICKS),
        "outlines": _outlines(parts),
        "rates": _rates(parts),
    }


def _promises(report: QaReport) -> list[dict[str, Any]]:
    """What failed comes first, and of that what holds the dub back."""
    holds = set(held(report))

    def place(one: Measure) -> tuple[bool, bool]:
        return one.ok, in_words(one) not in holds

    return [
        {**one.model_dump(), "holds": not one.ok and in_words(one) in holds, "words": in_words(one)}
        for one in sorted(report.measures, key=place)
    ]


def _lines(report: QaReport, parts: Mapping[str, Artifact], seconds: float) -> list[dict[str, Any]]:
    judged = {one.id: one for one in report.lines}
    texts = _by_id(parts["translation"].read(Translation).lines)
    spoken = _by_id(parts["dubbed_chunks"].read(DubbedChunks).lines)
    placed = _by_id(parts["synced_speech"].read(SyncedSpeech).lines)
    names = parts["qa_report"].manifest.extras
    return [
        {
            "number": number,
            "speaker": shown(names, one.speaker),
            **_line(one, judged.get(one.id), texts.get(one.id), spoken.get(one.id), placed.get(one.id), seconds),
        }
        for number, one in enumerate(parts["transcript"].read(Transcript).lines, 1)
    ]


def _line(
    original: Line,
    judged: LineQuality | None,
    text: TranslatedLine | None,
    spoken: SpokenLine | None,
    placed: PlacedLine | None,
    seconds: float,
) -> dict[str, Any]:
    """One line; what was not made of it is None, and said by a flag."""
    flags = judged.flags if judged else (*original.flags, "not dubbed")
    said = spoken.text if spoken else text.text if text else ""
    start = min(original.start, placed.start) if placed else original.start
    rate = placed.rate if placed else None
    return {
        "id": original.id,
        "start": start,
        "end": max(original.end, placed.end) if placed else original.end,
        "clock": charts.clock(start),
        "bar": _bar(original.start, original.end, seconds),
        "dub_bar": _bar(placed.start, placed.end, seconds) if placed else None,
        "original": original.text,
        "text": said,
        "full_text": text.full_text if text and text.full_text != said else "",
        "voice": spoken.voice if spoken else "",
        "rate": rate,
        "rate_height": charts.rate_height(rate) if rate is not None else None,
        "wer": judged.round_trip_wer if judged else None,
        "heard": judged.heard if judged else "",
        "misheard": judged is not None and (judged.round_trip_wer is None or judged.round_trip_wer > _HEARD_WRONG),
        "onset": judged.onset_error_s if judged else None,
        "length_ratio": judged.length_ratio if judged else None,
        "flags": flags,
    }


def _bar(start: float, end: float, seconds: float) -> tuple[float, float]:
    """Where a stretch begins, and how wide it is, in per cent."""
    left = charts.share(start, seconds)
    return left, round(max(charts.share(end, seconds) - left, 0.05), 3)


def _people(parts: Mapping[str, Artifact], lanes: Sequence[str]) -> list[dict[str, Any]]:
    """Who speaks, in whose voice."""
    talked = {one.id: one for one in parts["speaker_map"].read(SpeakerMap).speakers}
    found: list[dict[str, Any]] = []
    for role in parts["casting"].read(Casting).roles:
        speaker, name = talked.get(role.speaker), shown(parts["qa_report"].manifest.extras, role.speaker)
        chosen = "by hand" if role.overridden else "by a personal sample" if role.personal else "by likeness"
        found.append(
            {
                "name": name,
                "colour": lanes.index(name) % COLOURS if name in lanes else None,
                "seconds": speaker.talk_seconds if speaker else None,
                "main": speaker is not None and speaker.main,
                "voice": role.voice,
                "cosine": role.cosine,
                "chosen": chosen,
                "flags": role.flags,
            }
        )
    return found


def _outlines(parts: Mapping[str, Artifact]) -> list[dict[str, Any]]:
    """The speech of the original and that of the dub, over the whole programme."""
    vocals, speech = parts["stems"].read(Stems).clean_vocals, parts["synced_speech"].read(SyncedSpeech).speech
    named = (("original speech", "stems", vocals), ("dubbed speech", "synced_speech", speech))
    return [_outline(name, parts[asset].file(file)) for name, asset, file in named if file is not None]


def _outline(name: str, sound: Path) -> dict[str, Any]:
    low, high = extremes(sound, _OUTLINE_COLUMNS)
    return {"name": name, "columns": len(low), "path": charts.outline(low, high)}


def _rates(parts: Mapping[str, Artifact]) -> dict[str, Any]:
    """The limits that the dub was made with, as marks of the chart of rates."""
    chosen = parts["dubbed_chunks"].manifest.settings
    sync: dict[str, float] = chosen["sync"]
    low, high = charts.RATES_SHOWN
    marks = {1.0: "natural", sync["free_rate"]: "free", sync["max_rate"]: "most"}
    return {
        "free": sync["free_rate"],
        "most": sync["max_rate"],
        "low": low,
        "high": high,
        "natural": charts.rate_height(1.0),
        "marks": [(rate, name, charts.rate_height(rate)) for rate, name in sorted(marks.items())],
    }


def _by_id(documents: Sequence[Any]) -> dict[str, Any]:
    return {one.id: one for one in documents}
