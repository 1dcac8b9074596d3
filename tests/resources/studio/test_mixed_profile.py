"""The whole graph with one role of the studio and the rest embedded: real words of a real recording, as a command."""

import json
import re
from html import escape
from pathlib import Path

import pytest
import yaml
from finished import Dub, check
from octavia_command import make_octavia
from tiny_transcriber import whisper_base

from octavia_dag.dubbing.hearing import word_error_rate
from octavia_dag.resources.media import Media
from octavia_dag.resources.weights import seal_of
from octavia_dag.schema import Transcript, Translation

pytestmark = pytest.mark.studio

TRUTH = "Good morning, my name is Jordi Mas. I am from Barcelona. And I love this city."
STARTS = (1.263, 5.245, 7.608)
# torch and whisperx alone take half a minute to load where others compute.
LIMIT_S = 600
ENGINE = "octavia_dag.resources.studio.transcriber:WhisperXTranscriber"


@pytest.fixture(scope="module")
def weights(models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    return whisper_base(tmp_path_factory.mktemp("weights") / "whisper", models_dir)


@pytest.fixture(scope="module")
def dub(models_dir: str, media_dir: Path, weights: str, tmp_path_factory: pytest.TempPathFactory) -> Dub:
    folder = tmp_path_factory.mktemp("mixed")
    settings = folder / "mixed.yaml"
    chosen = {"engine": ENGINE, "options": {"weights": weights}}
    settings.write_text(yaml.safe_dump({"transcription": chosen}), encoding="utf-8")
    octavia, source = make_octavia(folder / "octavia", models_dir), media_dir / "englishvideo.mp4"
    with octavia.start(
        "dub", source, "--to", "pt-BR", "--settings", settings, "--out", folder / "out", "--json"
    ) as done:
        out, err = done.communicate(timeout=LIMIT_S)
    assert done.returncode == 0, err
    said = json.loads(out)["dubs"][0]
    return Dub(octavia, source, folder / "out" / f"{source.stem}.pt-BR{source.suffix}", said)


def test_picture_and_length_are_the_sources(dub: Dub, models_dir: str) -> None:
    check(Media(models_dir=models_dir), dub.source, dub.deliverable)


def test_the_words_are_those_that_are_said_when_they_are_said(dub: Dub) -> None:
    lines = dub.read("transcript", Transcript).lines
    assert word_error_rate(TRUTH, " ".join(line.text for line in lines)) <= 0.10
    for start in STARTS:
        assert min(abs(line.start - start) for line in lines) <= 0.2


def test_every_line_is_dubbed(dub: Dub) -> None:
    lines = dub.read("transcript", Transcript).lines
    translated = dub.read("translation", Translation, "pt-BR").lines
    assert [one.id for one in translated] == [one.id for one in lines]
    assert all(one.text for one in translated)


def test_the_lineage_names_the_engine_of_each_role(dub: Dub, models_dir: str, weights: str) -> None:
    heard = dub.artifact("chunks").manifest
    assert heard.engines["transcriber"].startswith(f"whisperx {seal_of(models_dir, weights).digest[:12]}")
    assert heard.settings["transcription.engine"] == ENGINE
    assert dub.artifact("speaker_map").manifest.engines["diarizer"].startswith("spectral")
    assert dub.artifact("dubbed_chunks", "pt-BR").manifest.engines["synthesizer"].startswith("kokoro")


def test_the_reports_page_names_the_engine_and_its_licence(dub: Dub) -> None:
    page = dub.deliverable.parent / "report.html"
    written = dub.octavia("report", dub.source, "--to", "pt-BR", "--out", page)
    assert written.returncode == 0, written.stderr
    shown = page.read_text(encoding="utf-8")
    name = escape(dub.artifact("chunks").manifest.engines["transcriber"])
    assert re.search(rf"{re.escape(name)}.{{0,300}}MIT", shown, re.DOTALL)
