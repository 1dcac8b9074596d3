"""At risk: results of other weights taken for those of today, because an engine's revision did not move."""

from pathlib import Path

import pytest

from octavia_dag.resources import models
from octavia_dag.resources.embedded import voice_table
from octavia_dag.resources.embedded.diarizer import SpectralDiarizer
from octavia_dag.resources.embedded.separator import DeepFilterSeparator
from octavia_dag.resources.embedded.synthesizer import KokoroSynthesizer
from octavia_dag.resources.embedded.transcriber import WhisperTranscriber
from octavia_dag.resources.embedded.translator import LocalTranslator
from octavia_dag.resources.embedded.voice_cloner import DVectorCloner
from octavia_dag.resources.engines import Engine


def other_weights(name: str) -> tuple[models.Model, ...]:
    """models.lock with one file of one model replaced."""
    entry = models.model(name)
    file = entry.files[-1].model_copy(update={"sha256": "0" * 64})
    changed = entry.model_copy(update={"files": (*entry.files[:-1], file)})
    return tuple(changed if one.name == name else one for one in models.lock())


@pytest.mark.parametrize(
    ("kind", "weights"),
    [
        (WhisperTranscriber, "whisper-base"),
        (DVectorCloner, "dvector"),
        (SpectralDiarizer, "dvector"),
        (DeepFilterSeparator, "deepfilternet3"),
        (KokoroSynthesizer, "kokoro"),
        (KokoroSynthesizer, "kokoro-voices"),
        (LocalTranslator, "bergamot-en-pt"),
    ],
)
def test_other_weights_are_another_revision(kind: type[Engine], weights: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, other = kind().info().revision, other_weights(weights)
    assert models.model(weights).revision in before
    monkeypatch.setattr(models, "lock", lambda: other)
    assert kind().info().revision != before


@pytest.mark.parametrize("kind", [KokoroSynthesizer, DVectorCloner])
def test_another_table_of_voices_is_another_revision(
    kind: type[Engine], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = kind().info().revision
    (tmp_path / "voices.json").write_bytes(voice_table.TABLE.read_bytes() + b" ")
    monkeypatch.setattr(voice_table, "TABLE", tmp_path / "voices.json")
    voice_table.table_revision.cache_clear()
    assert kind().info().revision != before
    voice_table.table_revision.cache_clear()
