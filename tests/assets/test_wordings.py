"""At risk: a term nobody says that makes a dub again, or one that somebody says and that makes nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from octavia_dag import environment
from octavia_dag.assets.given import given, sources_of
from octavia_dag.assets.giving import Asked
from octavia_dag.definitions import workshop
from octavia_dag.graph import GRAPH
from octavia_dag.keys import recipe
from octavia_dag.resources.artifacts import Current, Manifest
from octavia_dag.resources.glossary_files import replace_glossary
from octavia_dag.resources.memory import Approved
from octavia_dag.schema import Line, Transcript
from octavia_dag.settings import Settings, Transcription

VIDEO, LANGUAGE = "talk-1a2b3c4d", "pt-BR"
INPUTS = {"transcript": "v1"}


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    """A dub whose transcript says two lines."""
    tools = workshop(environment.read(tmp_path))
    texts = ("We take the bus.", "The gate is open.")
    lines = tuple(Line(id=f"l{n}", speaker="A", start=n, end=n + 1, text=text) for n, text in enumerate(texts))
    manifest = Manifest(
        asset="transcript",
        video=VIDEO,
        language=None,
        key="k" * 64,
        data_version="v1",
        code_version="1",
        inputs={},
        settings={},
        engines={},
        files={},
        seconds=0.0,
        busy_seconds=0.0,
        counts={},
    )
    with tools.store.workspace() as folder:
        tools.store.point(tools.store.publish(folder, Transcript(language="en", lines=lines), manifest))
    return Asked(tools, Settings(), VIDEO, LANGUAGE)


def put(asked: Asked, *rows: str) -> None:
    content = "\n".join(["term,language,translation,case,do-not-translate", *rows]).encode()
    replace_glossary(Path(asked.store.root), None, content, "mine.csv")


def approve(asked: Asked, text: str, translation: str, video: str = "other-1a2b3c4d") -> None:
    asked.workshop.memory.remember(
        [Approved(source="en", target=LANGUAGE, text=text, translation=translation, video=video, who="ana")]
    )


def told(
    asked: Asked, asset: str, inputs: dict[str, str], known: Current | None
) -> tuple[dict[str, Any], dict[str, str]]:
    sources = sources_of(asked, asset)
    return given(asked, asset, inputs, sources, known), sources


def key(asked: Asked) -> str:
    extras, _ = told(asked, "translation", INPUTS, None)
    node = GRAPH["translation"]
    return recipe(node, LANGUAGE, inputs=INPUTS, settings=asked.settings, engines={}, extras=extras).key


def test_where_nothing_was_given_nothing_is_told(asked: Asked) -> None:
    assert told(asked, "translation", INPUTS, None) == ({}, {})


def test_only_terms_that_somebody_says_are_given(asked: Asked) -> None:
    put(asked, "bus,,ônibus,,", "train,,trem,,", "Gate,,portão,yes,")
    extras, _ = told(asked, "translation", INPUTS, None)
    assert extras == {"glossary": [{"term": "bus", "wording": "ônibus", "match_case": False}]}


def test_a_term_that_nobody_says_changes_no_key(asked: Asked) -> None:
    before = key(asked)
    put(asked, "train,,trem,,")
    assert key(asked) == before


def test_a_term_that_somebody_says_changes_the_key(asked: Asked) -> None:
    put(asked, "bus,,ônibus,,")
    before = key(asked)
    put(asked, "bus,,o busão,,")
    assert key(asked) != before


def test_a_term_for_another_language_changes_no_key(asked: Asked) -> None:
    before = key(asked)
    put(asked, "bus,es,autobús,,")
    assert key(asked) == before


def test_only_approved_lines_that_are_said_again_are_given(asked: Asked) -> None:
    approve(asked, "the gate is open.", "O portão está aberto.")
    approve(asked, "The gate is shut.", "O portão está fechado.")
    extras, _ = told(asked, "translation", INPUTS, None)
    assert extras == {"memory": {"The gate is open.": "O portão está aberto."}}


def test_an_approved_line_that_is_not_said_again_changes_no_key(asked: Asked) -> None:
    before = key(asked)
    approve(asked, "The gate is shut.", "O portão está fechado.")
    assert key(asked) == before


def test_what_was_used_holds_while_nothing_has_moved(asked: Asked) -> None:
    put(asked, "bus,,ônibus,,")
    extras, sources = told(asked, "translation", INPUTS, None)
    held = {"glossary": ["as it was"]}
    known = Current(
        asset="translation",
        video=VIDEO,
        language=LANGUAGE,
        key="k",
        data_version="v",
        code_version="1",
        inputs=INPUTS,
        settings={},
        engines={},
        extras=held,
        sources=sources,
        counts={},
        seconds=0.0,
    )
    assert told(asked, "translation", INPUTS, known) == (held, sources)
    assert told(asked, "translation", {"transcript": "v2"}, known) == (extras, sources)


def test_other_steps_are_given_nothing(asked: Asked) -> None:
    put(asked, "bus,,ônibus,,")
    assert told(asked, "casting", INPUTS, None) == ({}, {})


def test_what_was_approved_in_this_very_video_is_not_given_to_it(asked: Asked) -> None:
    approve(asked, "The gate is open.", "O portão está aberto.", asked.video)
    assert told(asked, "translation", INPUTS, None)[0] == {}


def hearing_with(asked: Asked, engine: str) -> Asked:
    return replace(asked, settings=Settings(transcription=Transcription(engine=engine)), language=None)


def test_a_transcriber_that_takes_hot_words_expects_every_term(asked: Asked) -> None:
    """Before anybody knows what is said, and whatever language a row is for."""
    put(asked, "bus,,ônibus,,", "Gate,es,puerta,yes,")
    ear = hearing_with(asked, "octavia_dag.resources.studio.transcriber:WhisperXTranscriber")
    extras, sources = told(ear, "chunks", {"stems": "v1"}, None)
    assert extras == {"hot_words": ["bus", "Gate"]}
    put(asked, "bus,,autocarro,,", "Gate,es,puerta,yes,")
    assert told(ear, "chunks", {"stems": "v1"}, None)[1] == sources


def test_a_glossary_makes_nothing_again_where_the_transcriber_takes_no_hot_words(asked: Asked) -> None:
    put(asked, "bus,,ônibus,,")
    ear = hearing_with(asked, Settings().transcription.engine)
    assert told(ear, "chunks", {"stems": "v1"}, None) == ({}, {})


def test_only_as_many_terms_are_expected_as_the_transcriber_holds(asked: Asked) -> None:
    put(asked, *(f"term{number:03d},,wording,," for number in range(100)))
    ear = hearing_with(asked, "octavia_dag.resources.studio.transcriber:WhisperXTranscriber")
    words = told(ear, "chunks", {"stems": "v1"}, None)[0]["hot_words"]
    assert words == [f"term{number:03d}" for number in range(len(words))]
    assert 20 <= len(words) <= 30
