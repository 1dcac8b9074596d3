"""MADLAD-400 (3B), the translator that may be sold: a T5 that is told the target by a tag before the text.

The source is not told, it sees for itself. A tag that the weights lack would be spelled out and translated with the
rest of the text, so the tags are looked up when the weights are loaded. T5's feed-forward layers overflow in float16,
hence bfloat16. The weights are Apache-2.0, says their model card.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from octavia_dag.errors import ModelError
from octavia_dag.resources.engines import Licence
from octavia_dag.resources.studio.sentence_translator import Loaded, SentenceTranslator, opened


class MadladTranslator(SentenceTranslator):
    """The smallest of its family, 2.9 billion parameters; `weights` may name a larger one."""

    weights: str = "google/madlad400-3b-mt@main"

    called: ClassVar[str] = "madlad-400"
    licence: ClassVar[Licence] = Licence(part="MADLAD-400", name="Apache-2.0")
    needs_gib: ClassVar[float] = 9.0
    codes: ClassVar[Mapping[str, str]] = {
        "en": "<2en>",
        "es": "<2es>",
        "fr": "<2fr>",
        "de": "<2de>",
        "it": "<2it>",
        "pt-BR": "<2pt>",
        "pl": "<2pl>",
        "tr": "<2tr>",
        "ru": "<2ru>",
        "nl": "<2nl>",
        "cs": "<2cs>",
        "ar": "<2ar>",
        "zh": "<2zh>",
        "hu": "<2hu>",
        "ko": "<2ko>",
        "ja": "<2ja>",
        "hi": "<2hi>",
    }

    def load(self, device: str) -> Loaded:
        """The model on `device`, in bfloat16 on a GPU; a ModelError where it lacks a tag of the table."""
        from transformers import T5ForConditionalGeneration

        loaded = opened(self, T5ForConditionalGeneration, device, "bfloat16")
        read = loaded.tokenizer.get_vocab()
        missing = [tag for tag in self.codes.values() if tag not in read]
        if missing:
            raise ModelError(
                f"The weights {self.weights} lack the tags {', '.join(missing)}, which every MADLAD-400 has; name "
                "whole weights in translation.options."
            )
        return loaded

    def encoded(self, loaded: Loaded, texts: Sequence[str], source: str, target: str, **shape: Any) -> Any:
        """The target's tag, text, end."""
        del source
        return loaded.tokenizer([f"{target} {text}" for text in texts], **shape)
