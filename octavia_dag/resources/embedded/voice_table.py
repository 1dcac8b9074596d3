"""The cast of the synthesizer, as it sounds: measured once, kept as a small table, never measured during a dub.

`voices.json` is made by bench/voice_table.py. It names the weights it was measured with, so that a table which belongs
to other weights is noticed. It also holds the line that tells voice classes apart: a linear discriminant on voiceprint
and pitch together, learned from the synthesizer's own labelled voices.
"""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octavia_dag.errors import EngineError
from octavia_dag.schema import Voice, VoiceClass

TABLE = Path(__file__).with_name("voices.json")
NEUTRAL_HZ = 160.0


def voices(language: str) -> tuple[Voice, ...]:
    """The voices of a language, pure ones first, mixtures after; empty where there are none."""
    return tuple(voice for voice, _, _ in _cast(language).values())


def likeness(voice: Voice, language: str) -> tuple[NDArray[np.float32], float]:
    """Unit-length embedding (256,) and pitch in Hz of a voice as it speaks `language`, else an EngineError."""
    found = _cast(language).get(voice.id)
    if found is None:
        raise EngineError(
            f"There is no voice {voice.id} in {language}; the voices are {', '.join(_cast(language)) or 'none'}."
        )
    return found[1], found[2]


def revisions() -> dict[str, str]:
    """First 16 digits of the sha256 of the weights that the table was measured with, by model."""
    return dict(_table()["revisions"])


@cache
def table_revision() -> str:
    """First 8 digits of the table's own sha256: other likenesses or another judge of voice classes, another cast."""
    return hashlib.sha256(TABLE.read_bytes()).hexdigest()[:8]


def voice_class(embedding: NDArray[np.float32], pitch_hz: float) -> VoiceClass:
    """Female or male, by voiceprint and pitch together; where no pitch was found, by the voiceprint alone."""
    return "female" if class_score(embedding, pitch_hz) > 0 else "male"


def class_score(embedding: NDArray[np.float32], pitch_hz: float) -> float:
    """The discriminant's value: above 0 female, below male; the labelled voices have a mean distance of 1 from 0."""
    judge = _table()["classifier"]
    octaves = float(np.log2(pitch_hz / NEUTRAL_HZ)) if pitch_hz > 0 else 0.0
    return float(embedding @ np.array(judge["weights"])) + judge["pitch_weight"] * octaves + judge["offset"]


@cache
def _table() -> dict[str, Any]:
    return json.loads(TABLE.read_text(encoding="utf-8"))


@cache
def _cast(language: str) -> dict[str, tuple[Voice, NDArray[np.float32], float]]:
    rows = _table()["languages"].get(language, [])
    return {
        row["id"]: (
            Voice(id=row["id"], styles=tuple(row["styles"].items()), voice_class=row["class"]),
            _unit(row["embedding"]),
            row["pitch_hz"],
        )
        for row in rows
    }


def _unit(values: list[float]) -> NDArray[np.float32]:
    vector = np.array(values, np.float32)
    vector /= np.linalg.norm(vector)
    vector.setflags(write=False)
    return vector
