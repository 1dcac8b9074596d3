"""SeamlessM4T v2 and MADLAD-400 in small: the real classes and files, with weights from a seed.

They translate nothing, but what they say depends on every word, on the target and, in SeamlessM4T, on the source. They
would go on for ever, so their last token is forced, unless a test wants to see that.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

_CORPUS = (
    "good morning my name is jordi mas and i love this city",
    "we need 3.5 metres of it, don't we? Yes! 1 2 3 4 5 6 7 8 9 0",
    "bonjour le monde ceci est un petit test",
    "hola mundo esto es una prueba",
    "Good And We Not yet. the quick brown fox jumps over a lazy dog",
)


def tiny_seamless(folder: Path, codes: Iterable[str], *, ends: bool = True) -> Path:
    """Weights that know `codes`, in `folder`."""
    import torch
    from transformers import GenerationConfig, SeamlessM4TTokenizer, SeamlessM4Tv2Config, SeamlessM4Tv2ForTextToText

    codes = list(codes)
    tokenizer = SeamlessM4TTokenizer(
        str(_sentencepiece(folder)), additional_special_tokens=[f"__{code}__" for code in codes]
    )
    torch.manual_seed(7)
    ids: dict[str, Any] = {
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "decoder_start_token_id": tokenizer.eos_token_id,
    }
    config = SeamlessM4Tv2Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        initializer_range=0.3,
        max_position_embeddings=256,
        **ids,
    )
    model: Any = SeamlessM4Tv2ForTextToText(config)
    with torch.no_grad():  # else the word before outweighs all that was read
        for layer in model.text_decoder.layers:
            layer.cross_attention.out_proj.weight.mul_(30.0)
    # Not one made of the model's configuration: what that one holds beyond its own is lost when it is saved.
    model.generation_config = GenerationConfig(**ids, forced_eos_token_id=tokenizer.eos_token_id if ends else None)
    spoken = {code: tokenizer.convert_tokens_to_ids(f"__{code}__") for code in codes}
    vars(model.generation_config)["text_decoder_lang_to_code_id"] = spoken
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_madlad(folder: Path, tags: Iterable[str], *, ends: bool = True) -> Path:
    """Weights that know `tags`, in `folder`."""
    import torch
    from transformers import GenerationConfig, T5Config, T5ForConditionalGeneration, T5Tokenizer

    tokenizer = T5Tokenizer(str(_sentencepiece(folder, tags)), extra_ids=0, pad_token="<s>", legacy=False)
    torch.manual_seed(7)
    ids: dict[str, Any] = {"pad_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 0}
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=32,
        d_kv=16,
        d_ff=64,
        num_layers=2,
        num_heads=2,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        initializer_factor=3.0,
        **ids,
    )
    model = T5ForConditionalGeneration(config)
    model.generation_config = GenerationConfig(**ids, forced_eos_token_id=2 if ends else None)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _sentencepiece(folder: Path, symbols: Iterable[str] = ()) -> Path:
    import sentencepiece

    trainer: Any = sentencepiece.SentencePieceTrainer
    folder.mkdir(parents=True, exist_ok=True)
    corpus = folder / "corpus.txt"
    corpus.write_text("\n".join(_CORPUS * 50), encoding="utf-8")
    trainer.train(
        input=str(corpus),
        model_prefix=str(folder / "trained"),
        vocab_size=300,
        hard_vocab_limit=False,
        character_coverage=1.0,
        user_defined_symbols=list(symbols),
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        minloglevel=2,
    )
    corpus.unlink()
    (folder / "trained.vocab").unlink()
    return (folder / "trained.model").rename(folder / "pieces.model")
