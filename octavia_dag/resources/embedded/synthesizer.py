"""Kokoro-82M (int8, ONNX) speaks, a line per core at a time.

The model is loaded once, with one thread per run: lines run side by side on it, which beats one line on many
threads and holds the weights in memory once. Same text, voice and speed give the same samples, so a line's key is
enough to know its sound. A voice is a weighted sum of Kokoro's style vectors, which Kokoro keeps one per length of
text. What it speaks begins and ends with silence: trimming is the caller's.
"""

import json
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import PrivateAttr

from octavia_dag.dubbing.trimming import trimmed
from octavia_dag.errors import EngineError, ModelError
from octavia_dag.resources.embedded import phonemes, voice_table
from octavia_dag.resources.engines import EngineInfo, Samples, Synthesizer
from octavia_dag.resources.models import model, model_dir
from octavia_dag.resources.stopwatch import busy
from octavia_dag.schema import Voice

if TYPE_CHECKING:
    import onnxruntime

MODEL, VOICES = "kokoro", "kokoro-voices"
_METHOD = "espeak-1"  # phonemes, dial and pieces; another number where equal weights would speak otherwise
RATE_HZ = 24000
_STYLE_SHAPE = (510, 256)
# Kokoro's own dial -> how much faster it then speaks, the mean over 14 Portuguese lines (bench/synthesis.py). It rounds
# every sound to 25 ms, so the dial is not exact; between 0.8 and 1.2 the spread is 3 %, above it is 6 %.
_DIAL = (0.8, 0.85, 1.0, 1.1, 1.2, 1.3, 1.4)
_MEASURED = (0.785, 0.861, 1.0, 1.057, 1.139, 1.229, 1.485)
# What a reader leaves between two sentences of a text that had to be spoken in pieces.
_PAUSE_S = 0.25


class KokoroSynthesizer(Synthesizer):
    """Speaks pt-BR, es, en, fr and it; a line takes one thread, so `threads` is not read."""

    _lock: threading.RLock = PrivateAttr(default_factory=threading.RLock)

    def info(self) -> EngineInfo:
        """Kokoro-82M, Apache-2.0: its weights, its style vectors, and the table of how the voices sound."""
        weights, styles = (model(name).revision for name in (MODEL, VOICES))
        revision = f"{weights} {styles} {voice_table.table_revision()} {_METHOD}"
        return EngineInfo(name="kokoro", revision=revision, licence="Apache-2.0", languages=tuple(phonemes.ESPEAK))

    @property
    def rate_hz(self) -> int:
        """24 kHz."""
        return RATE_HZ

    def voices(self, language: str) -> tuple[Voice, ...]:
        """Voices that speak `language`, pure ones first, mixtures after; empty where it cannot speak it."""
        return voice_table.voices(language)

    def likeness(self, voice: Voice, language: str) -> tuple[Samples, float]:
        """Unit-length embedding (256,) and pitch in Hz, measured beforehand; an EngineError for an unknown voice."""
        return voice_table.likeness(voice, language)

    def phonemes(self, text: str, language: str) -> str:
        """The sounds of `text` in Kokoro's symbols."""
        return phonemes.phonemes(text, language)

    def speak(self, text: str, voice: Voice, language: str, speed: float) -> Samples:
        """Mono 24 kHz sound of `text`, with Kokoro's own silence at both ends; any number of threads may call.

        `speed` is how much faster than natural, in the mean, from 0.79 to 1.48.

        An EngineError where nothing of the text can be spoken; a PairError for a language it does not speak.
        """
        spoken = phonemes.phonemes(text, language)
        if not spoken:
            raise EngineError(
                f"Speaking {text!r} in {language}: there is nothing in it that can be spoken; mend the text."
            )
        style = self._style(voice)
        pieces = [piece for piece in phonemes.pieces(spoken, limit=phonemes.MAX_TOKENS) if phonemes.count(piece)]
        sounds = [self._run(piece, style, speed) for piece in pieces]
        if len(sounds) == 1:
            return sounds[0]
        pause = np.zeros(round(_PAUSE_S * RATE_HZ), np.float32)
        return np.concatenate([part for sound in sounds for part in (trimmed(sound, RATE_HZ), pause)])

    def _run(self, spoken: str, style: Samples, speed: float) -> Samples:
        session, vocabulary = self._model()
        numbers = phonemes.tokens(spoken, vocabulary)
        inputs = {
            "tokens": np.array([[0, *numbers, 0]], np.int64),
            "style": style[len(numbers) - 1][np.newaxis],
            "speed": np.array([np.interp(speed, _MEASURED, _DIAL)], np.float32),
        }
        with busy("engine", "kokoro"):
            sound = np.asarray(session.run(None, inputs)[0], np.float32).reshape(-1)
        if not np.isfinite(sound).all() or not np.abs(sound).max(initial=0.0) > 0.0:
            raise EngineError(f"Speaking {spoken!r} gave no sound; run 'octavia models verify' and try again.")
        return sound

    def _style(self, voice: Voice) -> Samples:
        """Style vectors of a voice by number of tokens, shape (510, 256)."""
        with self._lock:
            found = self._styles.get(voice.styles)
            if found is None:
                found = self._styles[voice.styles] = self._mixed(voice)
        return found

    def _mixed(self, voice: Voice) -> Samples:
        folder = model_dir(self.models_dir, VOICES)
        mixed = np.zeros(_STYLE_SHAPE, np.float32)
        for name, weight in voice.styles:
            mixed += np.float32(weight) * _style_file(folder / f"{name}.bin")
        return mixed

    @cached_property
    def _styles(self) -> dict[tuple[tuple[str, float], ...], Samples]:
        return {}

    def _model(self) -> "tuple[onnxruntime.InferenceSession, dict[str, int]]":
        with self._lock:
            return self._loaded

    @cached_property
    def _loaded(self) -> "tuple[onnxruntime.InferenceSession, dict[str, int]]":
        import onnxruntime

        folder = model_dir(self.models_dir, MODEL)
        with busy("load", "kokoro"):
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.inter_op_num_threads = 1
            session = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
            vocabulary: dict[str, int] = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        return session, vocabulary


def _style_file(path: Path) -> Samples:
    if not path.is_file():
        raise ModelError(f"There is no voice {path.stem} in the model store; run 'octavia models pull'.")
    return np.fromfile(path, np.float32).reshape(_STYLE_SHAPE)
