"""Sentence ends from a multilingual encoder that was taught to punctuate: one label per word, as plain token classes.

The words go in without any punctuation, in stretches that overlap by half, as many as the encoder's own length allows;
of the two answers for a word the one with more words around it counts. A comma is a pause and no end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from octavia_dag.errors import ModelError, SettingsError
from octavia_dag.resources.engines import EngineInfo, Licence, Segmenter
from octavia_dag.resources.stopwatch import busy
from octavia_dag.resources.studio.engine import StudioEngine
from octavia_dag.resources.studio.residency import in_batches

_METHOD = "labels-1"  # another number where equal weights would find other ends
_WORKER = "segmenter"
_NAME = "punctuate-all"
_LONGEST = 512  # tokens; more than the encoder's own length where its tokenizer does not know it
# What XLM-RoBERTa (base, float32) takes, with a batch of 16.
_NEEDS_GIB = 2.0
_ENDS = frozenset(".?!\u3002\uff1f\uff01")
_MARKS = ".,?!;:-\u2026\u3002\uff0c\u3001\uff1f\uff01"


@dataclass(frozen=True)
class _Labeller:
    """The encoder, its tokenizer, and what its labels mean."""

    model: Any
    tokenizer: Any
    labels: tuple[str, ...]

    @property
    def longest(self) -> int:
        """Tokens that the encoder hears at once."""
        return min(_LONGEST, self.tokenizer.model_max_length)


class PunctuationSegmenter(StudioEngine, Segmenter):
    """XLM-RoBERTa, taught to punctuate twelve languages; `languages` are those of the weights, between spaces."""

    needs = "transformers"

    weights: str = "kredor/punctuate-all@main"
    languages: str = "bg cs de en es fr it nl pl pt sk sl"
    batch: int = Field(default=16, ge=1, le=256)

    def info(self) -> EngineInfo:
        """The weights' name and languages."""
        revision = f"{self.weights_revision()} {_METHOD}"
        return EngineInfo(name=_NAME, revision=revision, licence="MIT", languages=tuple(self.languages.split()))

    def licences(self, language: str | None = None) -> tuple[Licence, ...]:
        """The same for every language."""
        weights = self.of_weights(Licence(part=f"the weights of {_NAME}", name="MIT"))
        return (Licence(part="transformers", name="Apache-2.0"), weights)

    def sentence_ends(self, words: Sequence[str], language: str) -> dict[int, str]:
        """See `Segmenter.sentence_ends`."""
        known = self.info().languages
        if language not in known:
            raise SettingsError(
                f"Finding sentences in {language}: the segmenter knows {', '.join(known)}; name weights that know it "
                "in chunking.segmenter_options (weights, languages), or leave chunking.segmenter empty."
            )
        bare = [word.strip().strip(_MARKS) for word in words]
        asked = [index for index, word in enumerate(bare) if word]
        if not asked:
            return {}
        with self.resident(_NAME, _NEEDS_GIB, self._load) as labeller:
            found = self._labelled([bare[index] for index in asked], labeller)
        return {index: label for index, label in zip(asked, found, strict=True) if label in _ENDS}

    def _labelled(self, words: list[str], labeller: _Labeller) -> list[str]:
        """The label of every word."""
        with busy("engine", _WORKER):
            heard = labeller.tokenizer(
                words,
                is_split_into_words=True,
                truncation=True,
                max_length=labeller.longest,
                stride=labeller.longest // 2,
                return_overflowing_tokens=True,
            )
        rows = range(len(heard["input_ids"]))

        def run(batch: Sequence[int]) -> list[NDArray[np.int64]]:
            import torch

            stretches = {"input_ids": [heard["input_ids"][row] for row in batch]}
            fed = labeller.tokenizer.pad(stretches, return_tensors="pt")
            with busy("engine", _WORKER), torch.inference_mode():
                answers = labeller.model(**fed.to(labeller.model.device)).logits
                return list(answers.argmax(dim=-1).cpu().numpy())

        made = in_batches(rows, run, size=self.batch, what="Finding sentences")
        best: list[tuple[int, str]] = [(-1, "")] * len(words)
        for row, answers in zip(rows, made, strict=True):
            for word, room, token in _last_tokens(heard.word_ids(row)):
                best[word] = max(best[word], (room, labeller.labels[int(answers[token])]), key=lambda one: one[0])
        return [label for _, label in best]

    def _load(self, device: str) -> _Labeller:
        return _loaded(self.folder(), device)


def _last_tokens(words: Sequence[int | None]) -> Iterator[tuple[int, int, int]]:
    """Of each word of a stretch: its index, how far its last token is from the nearer edge, and that token."""
    for token, word in enumerate(words):
        following = words[token + 1] if token + 1 < len(words) else None
        if word is not None and word != following:
            yield word, min(token, len(words) - 1 - token), token


def _loaded(folder: Path, device: str) -> _Labeller:
    """The encoder in `folder`; a ModelError says what is wrong with one that labels no sentence ends."""
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        model = AutoModelForTokenClassification.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ModelError(f"Loading the segmenter from {folder}: {error}; {_REMEDY}.") from error
    labels = tuple(str(model.config.id2label[index]) for index in range(model.config.num_labels))
    if not tokenizer.is_fast or "." not in labels:
        raise ModelError(
            f"Loading the segmenter from {folder}: its labels ({', '.join(labels)}) name no full stop, or its "
            f"tokenizer does not tell which word a token is of; {_REMEDY}."
        )
    return _Labeller(model.to(device).eval(), tokenizer, labels)


_REMEDY = (
    "name weights of token classes with a label '.' in chunking.segmenter_options, or fetch them with "
    "'octavia models pull'"
)
