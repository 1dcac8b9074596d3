"""SeamlessM4T v2, text to text: a hundred languages with one model, not for sale.

It knows languages by ISO 639-3 codes of its own choice (Arabic is `arb`, Chinese `cmn`). Source and target are told
beside the text: the tokenizer puts the one before it, the decoder begins with the other. Codes that the weights lack
would be taken for unknown words without a sound, so they are looked up when the weights are loaded.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from octavia_dag.errors import ModelError
from octavia_dag.resources.engines import Licence
from octavia_dag.resources.studio.sentence_translator import Loaded, SentenceTranslator, opened


class SeamlessTranslator(SentenceTranslator):
    """The large model's text encoder and decoder; what it has for speech is not loaded."""

    weights: str = "facebook/seamless-m4t-v2-large@main"

    called: ClassVar[str] = "seamless-m4t-v2"
    licence: ClassVar[Licence] = Licence(
        part="SeamlessM4T v2",
        name="CC-BY-NC-4.0",
        commercial=False,
        instead="the profile studio-commercial (MADLAD-400)",
    )
    # 1.4 billion parameters in half precision, and a batch of 32 sentences in five beams.
    needs_gib: ClassVar[float] = 5.0
    codes: ClassVar[Mapping[str, str]] = {
        "en": "eng",
        "es": "spa",
        "fr": "fra",
        "de": "deu",
        "it": "ita",
        "pt-BR": "por",
        "pl": "pol",
        "tr": "tur",
        "ru": "rus",
        "nl": "nld",
        "cs": "ces",
        "ar": "arb",
        "zh": "cmn",
        "zh-Hant": "cmn_Hant",
        "hu": "hun",
        "ko": "kor",
        "ja": "jpn",
        "hi": "hin",
    }

    def load(self, device: str) -> Loaded:
        """The model on `device`, in half precision on a GPU; a ModelError where it lacks a language of the table."""
        from transformers import SeamlessM4Tv2ForTextToText

        loaded = opened(self, SeamlessM4Tv2ForTextToText, device, "float16")
        spoken = getattr(loaded.model.generation_config, "text_decoder_lang_to_code_id", {})
        read = loaded.tokenizer.get_vocab()
        missing = [code for code in self.codes.values() if code not in spoken or f"__{code}__" not in read]
        if missing:
            raise ModelError(
                f"The weights {self.weights} lack the languages {', '.join(missing)}, which every SeamlessM4T v2 has; "
                "name whole weights in translation.options."
            )
        return loaded

    def encoded(self, loaded: Loaded, texts: Sequence[str], source: str, target: str, **shape: Any) -> Any:
        """Source code, text, end."""
        del target
        return loaded.tokenizer(list(texts), src_lang=source, **shape)

    def steered(self, target: str) -> dict[str, Any]:
        """The decoder begins with the target's code."""
        return {"tgt_lang": target}
