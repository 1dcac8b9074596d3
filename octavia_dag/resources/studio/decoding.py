"""Whisper through whisperx: windows of speech decoded together, each as if it were alone.

whisperx's own pipeline tells the text of a window and how far it is believed, but neither when each word is said nor
how probable it is that nobody speaks, and the hallucination gates need both. So its model is asked through
faster-whisper's batched decoder, which whisperx is built on. Decoding is greedily safe: one temperature, no memory of
the window before, no timestamps asked of the decoder.
"""

import math
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from octavia_dag.errors import EngineError, ModelError, SettingsError
from octavia_dag.resources.engines import Samples
from octavia_dag.resources.studio.quiet import whisperx_quiet
from octavia_dag.resources.whisper import LANGUAGE_WINDOW_S, LANGUAGE_WINDOWS, LANGUAGES, RATE_HZ

# Files without which a library would fetch its own from the network.
_NEEDED = ("model.bin", "config.json", "tokenizer.json")
_FRAMES_PER_S = 100
_MOST_FRAMES = 3000
# Cantonese is heard as Chinese, as by the models that do not tell them apart.
_SAME_AS = {"yue": "zh"}


@dataclass(frozen=True)
class SaidWord:
    """A word at the times of its window; a leading space parts it from the one before."""

    word: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True)
class Decoded:
    """What was heard in one window; `no_speech` is the probability that nobody speaks."""

    words: tuple[SaidWord, ...]
    no_speech: float


def load_whisper(folder: Path, device: str, *, compute_type: str, threads: int, vad: Any) -> Any:
    """whisperx's pipeline of a CTranslate2 folder; a ModelError where it is none."""
    absent = [name for name in _NEEDED if not (folder / name).is_file()]
    if absent:
        raise ModelError(
            f"The weights in {folder} are no whisper model of faster-whisper: {absent[0]} is not there; name a folder "
            "or a repository that holds a CTranslate2 conversion."
        )
    kind, _, index = device.partition(":")
    with whisperx_quiet():
        from whisperx import load_model

        try:
            return load_model(
                str(folder),
                kind,
                device_index=int(index or 0),
                compute_type=compute_type or ("int8" if kind == "cpu" else "float16"),
                asr_options={"temperatures": [0.0]},
                vad_model=vad,
                threads=threads,
                local_files_only=True,
            )
        except (ValueError, RuntimeError) as error:
            if _gave_out(error):
                raise EngineError(
                    f"Loading the whisper model in {folder}: memory of {device} gave out; use a smaller model or a "
                    "larger card, or set OCTAVIA_DEVICE=cpu."
                ) from error
            raise ModelError(f"The whisper model in {folder} cannot be loaded ({_first_line(error)}).") from error


def decode(pipeline: Any, sounds: Sequence[Samples], language: str, *, beam: int, hotwords: str) -> list[Decoded]:
    """What is said in each of `sounds`, windows of at most 30 s of mono 16 kHz; a MemoryError where they do not fit."""
    from faster_whisper import BatchedInferencePipeline
    from faster_whisper.tokenizer import Tokenizer

    model = pipeline.model
    tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language)
    told = _hotwords(model, tokenizer, hotwords)
    options = replace(pipeline.options, multilingual=False, beam_size=beam, hotwords=told)
    with out_of_memory():
        encoded, found = BatchedInferencePipeline(model).generate_segment_batched(
            features_of(model, sounds), tokenizer, options
        )
        texts = [[token for token in one["tokens"] if token < tokenizer.eot] for one in found]
        frames = [min(_MOST_FRAMES, math.ceil(len(sound) / RATE_HZ * _FRAMES_PER_S)) for sound in sounds]
        timed: list[list[dict[str, Any]]] = model.find_alignment(tokenizer, texts, encoded, frames)
    return [
        Decoded(_words(words, options), float(one["no_speech_prob"])) for words, one in zip(timed, found, strict=True)
    ]


def language_probabilities(pipeline: Any, sound: Samples) -> dict[str, float]:
    """Mean probability of each language over the first 2 minutes, in windows of 30 s."""
    model = pipeline.model
    step = LANGUAGE_WINDOW_S * RATE_HZ
    windows = [sound[start : start + step] for start in range(0, min(len(sound), LANGUAGE_WINDOWS * step), step)]
    with out_of_memory():
        found = model.model.detect_language(model.encode(features_of(model, windows)))
    mean: dict[str, float] = dict.fromkeys(LANGUAGES, 0.0)
    for window in found:
        for token, probability in window:
            code = str(token).strip("<|>")
            mean[_SAME_AS.get(code, code)] += probability / len(windows)
    return mean


@contextmanager
def out_of_memory() -> Generator[None]:
    """CTranslate2 says that the card's memory gave out by the words of an error; here it becomes a MemoryError."""
    try:
        yield
    except RuntimeError as error:
        if _gave_out(error):
            raise MemoryError(_first_line(error)) from error
        raise


def _gave_out(error: Exception) -> bool:
    return "out of memory" in str(error).lower()


def features_of(model: Any, sounds: Sequence[Samples]) -> Any:
    """What the model sees of each sound, filled up to 30 s."""
    from faster_whisper.audio import pad_or_trim

    return np.stack([pad_or_trim(model.feature_extractor(sound)[..., :-1]) for sound in sounds])


def _hotwords(model: Any, tokenizer: Any, hotwords: str) -> str | None:
    """The hot words as whisper is shown them; it would cut off in silence what it cannot hold."""
    if not hotwords:
        return None
    most = model.max_length // 2 - 1
    tokens = len(tokenizer.encode(f" {hotwords}"))
    if tokens > most:
        raise SettingsError(
            f"Hearing with the hot words of transcription.options.hotwords: they are {tokens} tokens long, and whisper "
            f"holds {most}; name fewer."
        )
    return hotwords


def _words(timed: list[dict[str, Any]], options: Any) -> tuple[SaidWord, ...]:
    from faster_whisper.transcribe import merge_punctuations

    merge_punctuations(timed, options.prepend_punctuations, options.append_punctuations)
    return tuple(
        SaidWord(one["word"], float(one["start"]), float(one["end"]), min(1.0, float(one["probability"])))
        for one in timed
        if one["word"]
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
