"""Weights of a transcriber, as an operator would have them in folders: real whisper base, and a tiny wav2vec2.

The aligner is of the real class with random weights: its times mean nothing, but every step from file to word is run.
"""

import json
import shutil
from pathlib import Path

from octavia_dag.resources.models import model_dir
from octavia_dag.resources.weights import seal

LETTERS = "abcdefghijklmnopqrstuvwxyz'"


def whisper_base(folder: Path, models_dir: str) -> str:
    """A reference to whisper base; its files are linked, since nothing writes to them."""
    folder.mkdir(parents=True)
    for path in model_dir(models_dir, "whisper-base").iterdir():
        (folder / path.name).symlink_to(path)
    seal(folder, str(folder), "base")
    return str(folder)


def whisper_of_noise(folder: Path, models_dir: str) -> str:
    """Files that are sealed, but no model."""
    folder.mkdir(parents=True)
    for path in model_dir(models_dir, "whisper-base").iterdir():
        if path.name != "model.bin":
            shutil.copyfile(path, folder / path.name)
    (folder / "model.bin").write_bytes(b"no model")
    seal(folder, str(folder), "noise")
    return str(folder)


def tiny_aligner(folder: Path, *, norm: str) -> str:
    """A reference to a wav2vec2 for letters; `norm` "layer" as the large ones have it, "group" as the base ones."""
    import torch
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2CTCTokenizer,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForCTC,
        Wav2Vec2Processor,
    )

    folder.mkdir(parents=True)
    vocabulary = {sign: place for place, sign in enumerate(["<pad>", "<s>", "</s>", "<unk>", "|", *LETTERS])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    config = Wav2Vec2Config(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        conv_dim=(32,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        pad_token_id=0,
        feat_extract_norm=norm,
        do_stable_layer_norm=norm == "layer",
    )
    torch.manual_seed(0)
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    tokenizer = Wav2Vec2CTCTokenizer(str(folder / "vocab.json"), pad_token="<pad>", word_delimiter_token="|")
    extractor = Wav2Vec2FeatureExtractor(feature_size=1, sampling_rate=16000, do_normalize=True)
    Wav2Vec2Processor(extractor, tokenizer).save_pretrained(folder)
    seal(folder, str(folder), "tiny")
    return str(folder)
