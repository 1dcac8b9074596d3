"""The whole graph with the studio profile, as a command: real classes, real whisper and voice activity, tiny weights.

What is said sounds like noise; what does not depend on the weights must hold all the same.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml
from finished import Dub, check
from octavia_command import make_octavia
from sealing import sealed
from tiny_demucs import sealed_demucs
from tiny_diarizer import make_tiny_pipeline
from tiny_segmenter import sealed_segmenter
from tiny_transcriber import whisper_base
from tiny_translator import tiny_seamless
from tiny_xtts import shrink, tiny_xtts

from octavia_dag.dubbing import quality
from octavia_dag.resources.media import Media
from octavia_dag.resources.studio.translator import SeamlessTranslator
from octavia_dag.resources.weights import seal_of
from octavia_dag.schema import Casting, DubbedChunks, SpeakerMap, Transcript

pytestmark = pytest.mark.studio
TO = "pt-BR"
OPTIONS = {"chunking": "segmenter_options"}
STARTS = (1.263, 5.245, 7.608)


def weights(folder: Path, models_dir: str) -> dict[str, str]:
    """A reference for each slice that names an engine of its own."""
    shrink()
    xtts = sealed(tiny_xtts(folder / "xtts", stop_bias=0.5))
    return {
        "separation": sealed_demucs(folder / "demucs", weights="through"),
        "diarization": sealed(make_tiny_pipeline(folder / "diarizer")),
        "transcription": whisper_base(folder / "whisper", models_dir),
        "translation": sealed(tiny_seamless(folder / "seamless", SeamlessTranslator.codes.values())),
        "chunking": sealed_segmenter(folder / "segmenter"),
        "voices": xtts,
        "synthesis": xtts,
    }


@pytest.fixture(scope="module")
def references(models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return weights(tmp_path_factory.mktemp("weights"), models_dir)


@pytest.fixture(scope="module")
def dub(models_dir: str, media_dir: Path, references: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Dub:
    folder = tmp_path_factory.mktemp("studio")
    layer: dict[str, Any] = {name: {OPTIONS.get(name, "options"): {"weights": one}} for name, one in references.items()}
    # The profile's own classes, but for the size of XTTS's decoder, which is no matter of weights.
    layer["voices"]["engine"], layer["synthesis"]["engine"] = "tiny_people:TinyCloner", "tiny_people:TinySynthesizer"
    settings = folder / "studio.yaml"
    settings.write_text(yaml.safe_dump({"engines": {"profile": "studio"}, **layer}), encoding="utf-8")
    octavia, source = make_octavia(folder / "octavia", models_dir), media_dir / "englishvideo.mp4"
    done = octavia("dub", source, "--to", TO, "--settings", settings, "--out", folder / "out", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)["dubs"][0]
    return Dub(octavia, source, folder / "out" / f"{source.stem}.{TO}{source.suffix}", said)


def test_picture_and_length_are_the_sources(dub: Dub, models_dir: str) -> None:
    check(Media(models_dir=models_dir), dub.source, dub.deliverable)


def test_real_words_are_heard_when_they_are_said(dub: Dub) -> None:
    lines = dub.read("transcript", Transcript).lines
    for start in STARTS:
        assert min(abs(line.start - start) for line in lines) <= 0.3


def test_every_line_is_spoken_in_a_voice_cloned_from_its_speaker(dub: Dub) -> None:
    cast = dub.read("casting", Casting, TO)
    assert cast.cloned
    speakers = {one.id for one in dub.read("speaker_map", SpeakerMap).speakers}
    assert {role.speaker for role in cast.roles} == speakers
    lines = dub.read("dubbed_chunks", DubbedChunks, TO).lines
    assert lines
    for line in lines:
        sound, rate = soundfile.read(dub.artifact("dubbed_chunks", TO).file(line.sound))
        assert rate == 24_000
        assert np.abs(sound).max() > 0


def test_the_stems_add_up_to_the_source(dub: Dub) -> None:
    stems = dub.artifact("stems")
    vocals, rate = soundfile.read(stems.file("clean_vocals.flac"))
    bed, _ = soundfile.read(stems.file("bgm_full.flac"))
    assert vocals.shape == bed.shape
    assert rate in {44_100, 48_000}
    assert np.abs(vocals + bed).max() > 0.01


def test_the_lineage_names_the_weights_of_every_engine(dub: Dub, references: dict[str, str], models_dir: str) -> None:
    asked = {
        "separation": ("stems", None, "separator"),
        "diarization": ("speaker_map", None, "diarizer"),
        "transcription": ("chunks", None, "transcriber"),
        "translation": ("translation", TO, "translator"),
        "voices": ("voice_profiles", None, "cloner"),
        "synthesis": ("dubbed_chunks", TO, "synthesizer"),
    }
    for name, (asset, language, role) in asked.items():
        told = dub.artifact(asset, language).manifest.engines[role]
        assert seal_of(models_dir, references[name]).digest[:12] in told, (name, told)


def test_the_report_names_the_licences_that_forbid_sale(dub: Dub) -> None:
    page = dub.deliverable.parent / "report.html"
    written = dub.octavia("report", dub.source, "--to", TO, "--out", page)
    assert written.returncode == 0, written.stderr
    shown = page.read_text(encoding="utf-8")
    assert "CPML" in shown
    assert "CC-BY-NC-4.0" in shown


@pytest.mark.parametrize(
    "promise",
    [quality.PICTURE, quality.LENGTH, quality.DEFAULT, quality.TRACKS, quality.GAP_LEVEL, quality.GAP_LIKENESS],
)
def test_what_does_not_depend_on_the_weights_is_kept(dub: Dub, promise: str) -> None:
    measure = dub.measure(promise)
    assert measure.ok, measure
    assert measure.value is not None, measure
