"""At risk: a segmenter that overrules a transcriber's punctuation, and one that the key of the chunks does not know."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from octavia_fakes import ENGINES, FakeSegmenter

from octavia_dag.assets.analysis import _in_sentences  # pyright: ignore[reportPrivateUsage]
from octavia_dag.assets.engaging import engines_of
from octavia_dag.assets.step import Work
from octavia_dag.graph import GRAPH
from octavia_dag.resources.engine_room import EngineRoom
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import Word
from octavia_dag.settings import Layer, Settings, effective

CHOSEN: Layer = {"chunking": {"segmenter": "octavia_fakes:FakeSegmenter"}}


def said(*texts: str) -> list[Word]:
    return [Word(text=text, start=index, end=index + 0.5, confidence=0.9) for index, text in enumerate(texts)]


def work(settings: Settings) -> Work:
    return cast(Work, SimpleNamespace(settings=settings, engine=lambda role, name: FakeSegmenter(models_dir="")))  # pyright: ignore[reportUnknownLambdaType]


def texts(settings: Settings, words: list[Word], language: str = "en") -> list[str]:
    return [word.text for word in _in_sentences(work(settings), words, language)]


def test_words_without_punctuation_get_sentence_ends_where_a_segmenter_is_set() -> None:
    words = said(*["word"] * 12)
    assert texts(effective([]), words) == ["word"] * 12
    assert texts(effective([CHOSEN]), words) == (["word"] * 4 + ["word."]) * 2 + ["word"] * 2


def test_a_transcriber_s_own_punctuation_and_a_language_it_does_not_know_are_left_alone() -> None:
    own = said("one", "two", "three.", "four", "five", "six")
    assert texts(effective([CHOSEN]), own) == [word.text for word in own]
    assert texts(effective([CHOSEN]), said(*["word"] * 12), "ja") == ["word"] * 12


@pytest.mark.parametrize(
    ("layer", "roles"), [({}, {"transcriber", "vad"}), (CHOSEN, {"transcriber", "segmenter", "vad"})]
)
def test_the_key_of_the_chunks_knows_a_segmenter_that_is_set(layer: Layer, roles: set[str]) -> None:
    workshop = cast(Workshop, SimpleNamespace(engines=EngineRoom(models_dir="")))
    engines: Any = engines_of(workshop, effective([ENGINES, layer]), GRAPH["chunks"])
    assert set(engines) == roles
