"""What the translators that are sequence-to-sequence models share: sentences in, several candidates of each out.

Such a model is good at one sentence and stops after a few, so a text is cut into its sentences and put together again
afterwards. Sentences of a whole programme are sorted by length and run in padded batches; each gets what it gets alone.
Beams end in several candidates: the n-th of a text is made of the n-th of each sentence, and a caller with little room
takes a later one. A candidate that ran into the limit of length is half a sentence, and none; a sentence without any
candidate is an error, never a gap.
"""

import threading
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, ClassVar

import langcodes
from langcodes.tag_parser import LanguageTagError
from pydantic import Field, PrivateAttr

from octavia_dag.dubbing.sentences import joined_sentences, sentences
from octavia_dag.errors import EngineError, ModelError, PairError
from octavia_dag.resources.engines import EngineInfo, Licence, Translator
from octavia_dag.resources.stopwatch import busy
from octavia_dag.resources.studio.engine import StudioEngine

_METHOD = "sentences-1"  # cutting and joining; another number where equal weights would say it otherwise


@dataclass(frozen=True)
class Loaded:
    """A model on its device, and its tokenizer."""

    model: Any
    tokenizer: Any


class SentenceTranslator(StudioEngine, Translator):
    """`beams` are searched and up to `alternatives` of them offered; `batch` sentences run at a time, and none of them
    becomes longer than `longest` tokens.
    """

    beams: int = Field(default=5, ge=1, le=32)
    alternatives: int = Field(default=4, ge=1, le=32)
    batch: int = Field(default=32, ge=1)
    longest: int = Field(default=256, ge=8)

    needs: ClassVar[str] = "transformers"
    called: ClassVar[str]
    licence: ClassVar[Licence]
    needs_gib: ClassVar[float]
    # Language tag -> the model's own code of it.
    codes: ClassVar[Mapping[str, str]]

    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @abstractmethod
    def load(self, device: str) -> Loaded:
        """The model on `device`, in the precision that suits it; see `opened`."""

    @abstractmethod
    def encoded(self, loaded: Loaded, texts: Sequence[str], source: str, target: str, **shape: Any) -> Any:
        """The texts as the model takes them; `source` and `target` are its codes, `shape` is for the tokenizer."""

    def steered(self, target: str) -> dict[str, Any]:
        """What `generate` is told of the target, where the text itself does not tell it."""
        del target
        return {}

    def info(self) -> EngineInfo:
        """The weights, and how they are searched."""
        told = f"{self.weights_revision()} {_METHOD} beams {self.beams} {self.alternatives} longest {self.longest}"
        return EngineInfo(name=self.called, revision=told, licence=self.licence.name, languages=tuple(self.codes))

    def licences(self, language: str | None = None) -> tuple[Licence, ...]:
        """Of the weights; the same in every language."""
        return (self.of_weights(self.licence),)

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Any two of its languages."""
        return frozenset(permutations(self.codes, 2))

    def quality(self, source: str, target: str) -> str | None:
        """ "neural" for every pair it has."""
        return "neural" if (normal_tag(source), normal_tag(target)) in self.pairs() else None

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """One translation per text, in order; a text without a letter or digit stays as it is."""
        return [found[0] for found in self.candidates(texts, source, target)]

    def candidates(self, texts: Sequence[str], source: str, target: str) -> list[list[str]]:
        """Translations of each text, the likeliest first, none twice. Tags may be as loose as 'pt' or 'en-US'."""
        codes = self._codes(source, target)
        parts = [sentences(text) for text in texts]
        wanted = dict.fromkeys(part for one in parts for part in one if _says_something(part))
        with self._lock:
            found = self._translated(list(wanted), *codes) if wanted else {}
        return [
            _put_together([found.get(part, [part]) for part in one], target) or [text]
            for text, one in zip(texts, parts, strict=True)
        ]

    def _codes(self, source: str, target: str) -> tuple[str, str]:
        pair = (normal_tag(source), normal_tag(target))
        if pair not in self.pairs():
            raise PairError(
                f"Translating from {source} to {target} is not possible with {self.called}, which translates between "
                f"any two of {', '.join(self.codes)}; ask for two of these, or choose another translator."
            )
        return self.codes[pair[0]], self.codes[pair[1]]

    def _translated(self, texts: Sequence[str], source: str, target: str) -> dict[str, list[str]]:
        """Candidates of each sentence; the longest run first, so that too large a batch shows at once."""

        def measured(some: Sequence[str], device: str) -> list[int]:
            with self.resident("model", self.needs_gib, self.load, device) as loaded:
                return [len(one) for one in self.encoded(loaded, some, source, target)["input_ids"]]

        def run(some: Sequence[str], device: str) -> list[list[str]]:
            return self._generated(some, source, target, device)

        what = f"Translating a sentence with {self.called}"
        lengths = self.fitting(texts, measured, len(texts), what)
        ordered = [text for _, text in sorted(zip(lengths, texts, strict=True), reverse=True)]
        return dict(zip(ordered, self.fitting(ordered, run, self.batch, what), strict=True))

    def _generated(self, texts: Sequence[str], source: str, target: str, device: str) -> list[list[str]]:
        import torch

        with self.resident("model", self.needs_gib, self.load, device) as loaded, torch.inference_mode():
            batch = self.encoded(loaded, texts, source, target, padding=True, return_tensors="pt").to(device)
            with busy("engine", self.called):
                made = loaded.model.generate(
                    **batch,
                    **self.steered(target),
                    do_sample=False,
                    num_beams=self.beams,
                    num_return_sequences=self.beams,
                    max_new_tokens=self.longest,
                )
            said = loaded.tokenizer.batch_decode(made, skip_special_tokens=True)
            ended = _ended(made, loaded.model.generation_config.eos_token_id)
        whole = [" ".join(text.split()) if end else "" for text, end in zip(said, ended, strict=True)]
        beams = (whole[at : at + self.beams] for at in range(0, len(whole), self.beams))
        found = [list(dict.fromkeys(filter(None, one)))[: self.alternatives] for one in beams]
        for text, candidates in zip(texts, found, strict=True):
            if not candidates:
                raise EngineError(
                    f"Translating {text!r} from {source} to {target} with {self.called} gave no whole sentence within "
                    f"{self.longest} tokens; correct the line's text, or choose another translator."
                )
        return found


def opened(engine: SentenceTranslator, kind: Any, device: str, precision: str) -> Loaded:
    """Model and tokenizer from the engine's checked folder, in `precision` on a GPU; a ModelError says what is wrong.

    Only safetensors are read: what is pickled could run whatever it likes.
    """
    import torch
    from transformers import AutoTokenizer

    folder = engine.folder()
    dtype = getattr(torch, precision) if device.startswith("cuda") else torch.float32
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = kind.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=dtype)
    except (OSError, ValueError, TypeError) as error:  # the last where a tokenizer's files are missing
        raise ModelError(
            f"The weights {engine.weights} could not be loaded as {kind.__name__} ({error}); name weights of "
            f"{engine.called} in translation.options."
        ) from error
    return Loaded(model.to(device).eval(), tokenizer)


def normal_tag(tag: str) -> str:
    """The tag by which a language is listed: 'pt' and 'por' are 'pt-BR', 'en-US' is 'en', 'zh-TW' is 'zh-Hant'."""
    try:
        language = langcodes.get(tag)
    except LanguageTagError as error:
        raise PairError(f"{tag!r} is no language tag ({error}); write one such as en or pt-BR.") from error
    if language.language == "zh" and language.maximize().script == "Hant":
        return "zh-Hant"
    return "pt-BR" if language.language == "pt" else language.language or tag


def _ended(made: Any, eos: int | Sequence[int]) -> list[bool]:
    """Whether each row came to its end; its first token begins it, and is the same as the end's in some models."""
    ends = {eos} if isinstance(eos, int) else set(eos)
    return [not ends.isdisjoint(row) for row in made[:, 1:].tolist()]


def _says_something(text: str) -> bool:
    return any(letter.isalnum() for letter in text)


def _put_together(parts: Sequence[Sequence[str]], target: str) -> list[str]:
    """Candidates of a text from those of its sentences, none twice; a sentence that has fewer ends with its last."""
    most = max(map(len, parts), default=0)
    texts = (joined_sentences([part[min(at, len(part) - 1)] for part in parts], target) for at in range(most))
    return list(dict.fromkeys(texts))
