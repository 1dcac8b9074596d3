"""People's corrections as steps get them: the original's for the transcript, wordings for the translation, names for
the report. A name is shown and nothing else, so giving one makes the report and no sound.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from octavia_dag.assets.giving import Asked, Giver
from octavia_dag.dubbing.wordings import counting
from octavia_dag.resources.corrections import read_corrections, read_texts
from octavia_dag.schema import Correction, TextEdit
from octavia_dag.settings import digest

_EDITS: TypeAdapter[tuple[Correction, ...]] = TypeAdapter(tuple[Correction, ...])
_TEXTS: TypeAdapter[dict[str, TextEdit]] = TypeAdapter(dict[str, TextEdit])


def edits_in(extras: Mapping[str, Any]) -> tuple[Correction, ...]:
    """The corrections of the original that a step was given."""
    return _EDITS.validate_python(extras.get(LINES.name, ()))


def wordings_in(extras: Mapping[str, Any]) -> dict[str, TextEdit]:
    """The wordings that a step was given, by line."""
    return _TEXTS.validate_python(extras.get(TEXTS.name, {}))


def shown(extras: Mapping[str, Any], speaker: str) -> str:
    """The name by which people know a speaker, as given for this video or else in the register; else the id."""
    known = str(extras.get("people", {}).get(speaker, speaker))
    return str(extras.get(NAMES.name, {}).get(speaker, known))


def _edits(asked: Asked) -> list[Any]:
    return [edit.model_dump(mode="json") for edit in read_corrections(asked.store, asked.video).edits]


def _wordings(asked: Asked) -> dict[str, TextEdit]:
    return {} if asked.language is None else read_texts(asked.store, asked.video, asked.language).lines


def _counting(asked: Asked) -> dict[str, Any]:
    """An edit for a line or an original that is no more is not used, so it makes nothing again."""
    transcript = asked.transcript()
    counts = counting(_wordings(asked), transcript.lines) if transcript else {}
    return _TEXTS.dump_python(counts, mode="json")


def _names(asked: Asked) -> dict[str, str]:
    return read_corrections(asked.store, asked.video).names


def _used_names(asked: Asked) -> dict[str, str]:
    transcript = asked.transcript()
    speaking = {line.speaker for line in transcript.lines} if transcript else set[str]()
    return {speaker: name for speaker, name in sorted(_names(asked).items()) if speaker in speaking}


def _hash(value: Any) -> str:
    return digest(value) if value else ""


LINES = Giver("lines", "transcript", source=lambda asked: _hash(_edits(asked)), used=_edits)
TEXTS = Giver("texts", "translation", source=lambda asked: _hash(_TEXTS.dump_python(_wordings(asked))), used=_counting)
NAMES = Giver("names", "qa_report", source=lambda asked: _hash(_names(asked)), used=_used_names)
