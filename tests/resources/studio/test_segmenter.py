"""At risk: a sentence end beside its word, words at the edge of what the encoder hears at once, and other languages."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tiny_segmenter import ENDS, FILLERS, sealed_segmenter

from octavia_dag.errors import EngineError, ModelError, SettingsError
from octavia_dag.resources.studio.segmenter import PunctuationSegmenter

pytestmark = pytest.mark.studio


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory: pytest.TempPathFactory) -> PunctuationSegmenter:
    folder = tmp_path_factory.mktemp("segmenter")
    return PunctuationSegmenter(models_dir=str(folder), weights=sealed_segmenter(folder / "weights"), batch=4)


def expected(words: Sequence[str]) -> dict[int, str]:
    return {index: ENDS[word] for index, word in enumerate(words) if ENDS.get(word, ",") != ","}


def test_the_word_that_ends_a_sentence_is_told_with_its_mark(segmenter: PunctuationSegmenter) -> None:
    words = ["one", "two", "end", "three", "pause", "walking", "why", "night"]
    assert segmenter.sentence_ends(words, "en") == {2: ".", 6: "?"}


def test_words_far_longer_than_the_encoder_hears_at_once_are_each_told_once(segmenter: PunctuationSegmenter) -> None:
    rng = random.Random(7)
    words = [rng.choice([*FILLERS, *ENDS]) for _ in range(700)]  # it hears 64 tokens, and knows little of the last
    assert segmenter.sentence_ends(words, "pt") == expected(words)


def test_a_word_of_many_pieces_is_judged_by_its_last(segmenter: PunctuationSegmenter) -> None:
    words = ["night", "nightstop", "stopq", "two", "zyxwvut"] * 17
    assert segmenter.sentence_ends(words, "de") == dict.fromkeys(range(1, len(words), 5), ".")


def test_marks_and_empty_words_are_not_shown_to_it_and_keep_their_places(segmenter: PunctuationSegmenter) -> None:
    assert segmenter.sentence_ends(["one,", " end ", "-", "", "why,", "two"], "en") == {1: ".", 4: "?"}
    assert segmenter.sentence_ends([], "en") == {}
    assert segmenter.sentence_ends(["...", ""], "en") == {}


def test_a_language_the_weights_do_not_know_is_refused_with_those_they_do(segmenter: PunctuationSegmenter) -> None:
    with pytest.raises(SettingsError, match=r"Finding sentences in ja: .* en, es, .*chunking.segmenter_options"):
        segmenter.sentence_ends(["end"], "ja")
    assert segmenter.info().languages == ("bg", "cs", "de", "en", "es", "fr", "it", "nl", "pl", "pt", "sk", "sl")


def test_memory_that_gives_out_halves_the_batch_and_at_one_stretch_is_an_error(
    segmenter: PunctuationSegmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from transformers import XLMRobertaForTokenClassification

    words = ["one", "two", "end"] * 84
    room = [2]
    asked: list[int] = []
    real = XLMRobertaForTokenClassification.forward

    def narrow(self: Any, input_ids: Any, **others: Any) -> Any:
        asked.append(len(input_ids))
        if len(input_ids) > room[0]:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, input_ids, **others)

    monkeypatch.setattr(XLMRobertaForTokenClassification, "forward", narrow)
    assert segmenter.sentence_ends(words, "en") == expected(words)
    assert asked[:2] == [4, 2]
    room[0] = 0
    with pytest.raises(EngineError, match="Finding sentences: memory of the device gave out"):
        segmenter.sentence_ends(words, "en")


def test_weights_that_are_not_there_or_label_no_full_stop_are_named(tmp_path: Path) -> None:
    absent = PunctuationSegmenter(models_dir=str(tmp_path))
    with pytest.raises(ModelError, match="octavia models pull kredor/punctuate-all@main"):
        absent.sentence_ends(["end"], "en")
    people = sealed_segmenter(tmp_path / "people", labels=("O", "B-PER", "I-PER"))
    with pytest.raises(ModelError, match=r"labels \(O, B-PER, I-PER\) name no full stop"):
        PunctuationSegmenter(models_dir=str(tmp_path), weights=people).sentence_ends(["end"], "en")


def test_its_licences_may_be_sold() -> None:
    assert all(one.saleable for one in PunctuationSegmenter().licences("en"))
