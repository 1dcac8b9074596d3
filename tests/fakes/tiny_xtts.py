"""XTTS v2 in miniature: the real classes with random weights, in a folder as the hub's looks.

The decoder's size is no setting of the checkpoint: `shrink` makes the class build a thin one, when weights are made and
when they are loaded. What is loaded stays a real decoder, of the same steps in time.
"""

from functools import partial
from pathlib import Path
from typing import Any

LETTERS = "abcdefghijklmnopqrstuvwxyz.,?!'áéíóúñçàèùâêîôûëïüöäãõ"
TEXTS = ("hello world this is a small test", "bonjour le monde", "hola mundo", "olá mundo, isto é um teste")


def shrink() -> None:
    """From here on XTTS is built, and loaded, with a decoder of 32 channels for 512: seconds become moments."""
    from TTS.tts.layers.xtts.hifigan_decoder import HifiDecoder
    from TTS.tts.models import xtts

    xtts.HifiDecoder = partial(HifiDecoder, upsample_initial_channel_decoder=32)  # pyright: ignore[reportAttributeAccessIssue]


def tiny_xtts(
    folder: Path, *, seed: int = 0, pickled_config: bool = False, stop_bias: float = 0.0, **config: Any
) -> Path:
    """Fills `folder`; `config` are fields of XttsConfig.

    `pickled_config` lays it into the checkpoint, as published; `stop_bias` makes lines longer, up to a second.
    """
    import torch
    from TTS.tts.configs.xtts_config import XttsAudioConfig, XttsConfig
    from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer
    from TTS.tts.models.xtts import Xtts, _legacy_safe_globals  # pyright: ignore[reportPrivateUsage]

    folder.mkdir(parents=True, exist_ok=True)
    words = _tokenizer(folder / "vocab.json", XttsConfig().languages)
    torch.manual_seed(seed)
    chosen: dict[str, Any] = {"temperature": 0.75, "repetition_penalty": 5.0, "gpt_cond_chunk_len": 4, **config}
    audio = XttsAudioConfig(sample_rate=22050, output_sample_rate=24000)
    told = XttsConfig(model_args=_args(words), audio=audio, **chosen)
    model = Xtts(told)
    model.tokenizer = VoiceBpeTokenizer(vocab_file=folder / "vocab.json")
    model.init_models()
    with torch.no_grad():
        # Untrained, it would stop after a few codes: the bias lets a line go on.
        gpt: Any = model.gpt
        gpt.mel_head.bias[told.model_args.gpt_stop_audio_token] -= stop_bias
    state = {name: value for name, value in model.state_dict().items() if not name.startswith("gpt.gpt_inference")}
    with _legacy_safe_globals():  # which names the classes as they were called when XTTS v2 was published
        torch.save({"model": state, **({"config": told} if pickled_config else {})}, folder / "model.pth")
    told.save_json(str(folder / "config.json"))
    return folder


def _tokenizer(path: Path, languages: list[str]) -> int:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    specials = ["[STOP]", "[UNK]", "[SPACE]", "[START]", *(f"[{language}]" for language in languages)]
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=specials, initial_alphabet=list(LETTERS))
    tokenizer.train_from_iterator(list(TEXTS) * 20, trainer)
    tokenizer.save(str(path))
    return tokenizer.get_vocab_size()


def _args(words: int) -> Any:
    from TTS.tts.configs.xtts_config import XttsArgs

    return XttsArgs(
        gpt_layers=2, gpt_n_model_channels=64, gpt_n_heads=4, gpt_max_audio_tokens=24, gpt_max_text_tokens=402,
        gpt_max_prompt_tokens=70, gpt_num_audio_tokens=34, gpt_start_audio_token=32, gpt_stop_audio_token=33,
        gpt_use_perceiver_resampler=True, gpt_use_masking_gt_prompt_approach=True, gpt_number_text_tokens=words,
        decoder_input_dim=64,
    )  # fmt: skip
