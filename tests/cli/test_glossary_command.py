"""At risk: a term that is imported and not said, or that makes more of the dub again than the lines that have it."""

import json
from pathlib import Path
from typing import Any

import pytest
from here import make_here
from octavia_command import MakeVideo, Octavia

from octavia_dag.resources.memory import Approved, Memory
from octavia_dag.schema import DubbedChunks, Transcript, Translation

pytestmark = pytest.mark.operators

HEAD = "term,language,translation,case,do-not-translate"


@pytest.fixture(scope="module")
def dubbed(
    make_video: MakeVideo, models_dir: str, fake_settings: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Octavia, Path]:
    """A home in which half a minute was dubbed, and the video."""
    folder = tmp_path_factory.mktemp("glossary")
    octavia, video = make_here(folder, models_dir), make_video("terms.mp4", picture_s=30.0, sound_s=30.0)
    dub(octavia, video, "--settings", fake_settings)
    return octavia, video


def dub(octavia: Octavia, video: Path, *more: object) -> None:
    done = octavia("dub", video, "--to", "pt-BR", "--out", octavia.home.parent / "out", *more)
    assert done.returncode == 0, done.stderr


def imported(octavia: Octavia, *rows: str, more: tuple[str, ...] = ()) -> None:
    path = octavia.home.parent / "mine.csv"
    path.write_text("\n".join([HEAD, *rows]), encoding="utf-8")
    done = octavia("glossary", "import", path, *more)
    assert done.returncode == 0, done.stderr


def the_video(octavia: Octavia) -> Path:
    (folder,) = (octavia.home / "store" / "videos").iterdir()
    return folder


def current(octavia: Octavia, asset: str, language: str | None = "pt-BR") -> dict[str, Any]:
    """The pointer of an asset."""
    name = f"{asset}.{language}.json" if language else f"{asset}.json"
    return json.loads((the_video(octavia) / "current" / name).read_text(encoding="utf-8"))


def document(octavia: Octavia, asset: str, language: str | None = "pt-BR") -> str:
    folder = the_video(octavia) / asset / (language or "") / current(octavia, asset, language)["key"][:32]
    return (folder / "document.json").read_text(encoding="utf-8")


def said(octavia: Octavia) -> dict[str, str]:
    lines = Transcript.model_validate_json(document(octavia, "transcript", None)).lines
    return {line.id: line.text for line in lines}


def a_word_of_one_line(octavia: Octavia) -> tuple[str, str]:
    """A word that exactly one line has, and the line's id."""
    lines = {name: set(text.strip(".").split()) for name, text in said(octavia).items()}
    assert len(lines) > 1
    for name, words in lines.items():
        own = words - set[str]().union(*(others for other, others in lines.items() if other != name))
        if own:
            return min(own), name
    raise AssertionError(lines)


def test_a_new_term_speaks_only_the_line_that_has_it(dubbed: tuple[Octavia, Path]) -> None:
    octavia, video = dubbed
    word, name = a_word_of_one_line(octavia)
    before = {line.id: line.text for line in DubbedChunks.model_validate_json(document(octavia, "dubbed_chunks")).lines}
    spoken, asked = octavia.calls("FakeSynthesizer"), octavia.calls("FakeTranslator")
    imported(octavia, f"{word},pt-BR,{word}ptx,,")
    dub(octavia, video)
    after = {line.id: line.text for line in DubbedChunks.model_validate_json(document(octavia, "dubbed_chunks")).lines}
    assert {line for line in after if after[line] != before[line]} == {name}
    assert f"{word}ptx" in after[name]
    assert octavia.calls("FakeSynthesizer") == spoken + 1
    assert octavia.calls("FakeTranslator") == asked  # what it said before is kept, and put right where it stands


def test_a_term_that_nobody_says_asks_no_engine(dubbed: tuple[Octavia, Path]) -> None:
    octavia, video = dubbed
    dub(octavia, video)
    calls = Path(f"{octavia.control}.calls").read_text()
    key = current(octavia, "translation")["key"]
    imported(octavia, "zebra,,zebra,,yes", more=("--video", the_video(octavia).name))
    dub(octavia, video)
    assert current(octavia, "translation")["key"] == key
    assert Path(f"{octavia.control}.calls").read_text() == calls


def test_an_approved_line_is_said_and_asks_no_translator(dubbed: tuple[Octavia, Path]) -> None:
    octavia, video = dubbed
    name, text = next(iter(said(octavia).items()))
    asked = octavia.calls("FakeTranslator")
    approved = Approved(source="en", target="pt-BR", text=text, translation="oi.", video="other", who="ana")
    Memory(file=str(octavia.home / "store" / "memory.sqlite")).remember([approved])
    dub(octavia, video)
    made = {line.id: line for line in Translation.model_validate_json(document(octavia, "translation")).lines}
    assert made[name].text == "oi."
    assert "from the translation memory" in made[name].flags
    assert current(octavia, "translation")["counts"]["memory_hits"] == 1
    assert octavia.calls("FakeTranslator") == asked
    shown = octavia("memory", "show", "--from", "en", "--to", "pt-BR", "--json")
    assert [one["translation"] for one in json.loads(shown.stdout)] == ["oi."]


def test_a_refused_row_is_a_sentence_and_leaves_the_glossary_as_it_is(octavia: Octavia) -> None:
    imported(octavia, "bus,,ônibus,,")
    path = octavia.home.parent / "mine.csv"
    path.write_text(f"{HEAD}\nbus,,,,\n", encoding="utf-8")
    refused = octavia("glossary", "import", path)
    assert refused.returncode == 2
    assert "mine.csv: row 2 has no translation of 'bus'" in refused.stderr
    shown = octavia("glossary", "show", "--json")
    assert [row["translation"] for row in json.loads(shown.stdout)] == ["ônibus"]


def test_what_counts_for_a_video_is_shown_with_where_it_is_from(dubbed: tuple[Octavia, Path]) -> None:
    octavia, _ = dubbed
    name = the_video(octavia).name
    imported(octavia, "zebra,,zebra,,yes", "gnu,,gnu,,yes")
    imported(octavia, "zebra,pt-BR,zebrinha,,", more=("--video", name))
    shown = octavia("glossary", "show", "--video", name, "--language", "pt-BR", "--json")
    assert {row["term"]: (row["translation"], row["of"]) for row in json.loads(shown.stdout)} == {
        "gnu": ("gnu", "all videos"),
        "zebra": ("zebrinha", name),
    }


def test_a_video_that_is_not_here_is_refused(octavia: Octavia) -> None:
    refused = octavia("glossary", "show", "--video", "nobody-12345678")
    assert refused.returncode == 2
    assert "There is no video 'nobody-12345678' here" in refused.stderr
