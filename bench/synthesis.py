"""How fast Kokoro speaks, how its speed dial behaves, how well its length is predicted, and whether it is understood.

    .venv/bin/python bench/synthesis.py [models_dir]

Prints a JSON object: real-time factor of one line after another, of two side by side on one session, of two one-thread
sessions and of one two-thread session; per speed asked for the mean and spread of the speed it gives; error of the
predicted length; word error rate of what whisper base hears.
"""

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import numpy as np

from octavia_dag.dubbing.lengths import predicted_seconds
from octavia_dag.dubbing.trimming import trimmed
from octavia_dag.resources.embedded import phonemes
from octavia_dag.resources.embedded.synthesizer import RATE_HZ, KokoroSynthesizer
from octavia_dag.schema import Voice

LANGUAGE = "pt-BR"
SENTENCES = (
    "Bom dia, meu nome é Jordi Mas.",
    "Eu sou de Barcelona e adoro esta cidade.",
    "O novo recurso consegue separar as pessoas em tempo real?",
    "Com certeza, isso é muito emocionante.",
    "Deixe-me tentar isso agora mesmo, antes da reunião.",
    "Você já experimentou a mais recente tecnologia em tempo real do serviço de fala da empresa?",
    "Ainda não, tenho usado a transcrição em lote, mas ela só produz o resultado no fim.",
    "Não pergunte o que o seu país pode fazer por você, mas o que você pode fazer pelo seu país.",
)
SPEEDS = (0.9, 1.1, 1.15, 1.3)


def main() -> None:
    """Measures and prints."""
    models_dir = sys.argv[1] if len(sys.argv) > 1 else str(Path.home() / ".octavia" / "models")
    kokoro = KokoroSynthesizer(models_dir=models_dir)
    voices = kokoro.voices(LANGUAGE)[:2]
    started = time.monotonic()
    kokoro.speak("Sim.", voices[0], LANGUAGE, 1.0)
    found: dict[str, Any] = {"load_and_first_word_s": round(time.monotonic() - started, 2)}
    found["real_time_factor"] = real_time_factors(kokoro, models_dir, voices[0])
    natural = {
        (text, voice.id): trimmed(kokoro.speak(text, voice, LANGUAGE, 1.0), RATE_HZ)
        for voice in voices
        for text in SENTENCES
    }
    found["speed"] = {str(speed): _dial(kokoro, voices, natural, speed) for speed in SPEEDS}
    errors = [abs(predicted_seconds(text, LANGUAGE) * RATE_HZ / len(sound) - 1) for (text, _), sound in natural.items()]
    found["predicted_length_error"] = {"mean": round(fmean(errors), 3), "max": round(max(errors), 3)}
    found["word_error_rate"] = {voice.id: word_error_rate(natural, voice, models_dir) for voice in voices}
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


def real_time_factors(kokoro: KokoroSynthesizer, models_dir: str, voice: Voice) -> dict[str, float]:
    """Seconds of work per second of sound, for ways to use two cores."""
    text = SENTENCES[5]

    def rtf(engines: list[Callable[[], float]]) -> float:
        started = time.monotonic()
        with ThreadPoolExecutor(len(engines)) as pool:
            seconds = sum(pool.map(_three_times, engines))
        return round((time.monotonic() - started) / seconds, 3)

    def spoken() -> float:
        return len(kokoro.speak(text, voice, LANGUAGE, 1.0)) / RATE_HZ

    def session(threads: int) -> Callable[[], float]:
        return bare_session(models_dir, voice, text, threads)

    return {
        "one line at a time": rtf([spoken]),
        "two lines, one session": rtf([spoken, spoken]),
        "two lines, two sessions": rtf([session(1), session(1)]),
        "one line, two threads": rtf([session(2)]),
    }


def _three_times(engine: Callable[[], float]) -> float:
    return sum(engine() for _ in range(3))


def bare_session(models_dir: str, voice: Voice, text: str, threads: int) -> Callable[[], float]:
    """A session of its own; calling it speaks `text` and returns the seconds of sound."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    folder = Path(models_dir)
    session = onnxruntime.InferenceSession(
        str(folder / "kokoro" / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    vocabulary: dict[str, int] = json.loads((folder / "kokoro" / "vocab.json").read_text(encoding="utf-8"))["vocab"]
    numbers = phonemes.tokens(phonemes.phonemes(text, LANGUAGE), vocabulary)
    style = np.fromfile(folder / "kokoro-voices" / f"{voice.id}.bin", np.float32).reshape(510, 256)
    inputs = {
        "tokens": np.array([[0, *numbers, 0]], np.int64),
        "style": style[len(numbers) - 1][np.newaxis],
        "speed": np.ones(1, np.float32),
    }
    return lambda: np.asarray(session.run(None, inputs)[0]).size / RATE_HZ


def word_error_rate(natural: dict[tuple[str, str], Any], voice: Voice, models_dir: str) -> float:
    """Of all sentences in one voice, lower case, without punctuation."""
    import jiwer
    import soxr
    from faster_whisper import WhisperModel

    whisper = WhisperModel(str(Path(models_dir) / "whisper-base"), device="cpu", compute_type="int8")
    heard: list[str] = []
    for text in SENTENCES:
        sound = soxr.resample(natural[text, voice.id], RATE_HZ, 16000)
        heard.append(" ".join(one.text for one in whisper.transcribe(sound, language="pt", beam_size=5)[0]))
    return round(float(jiwer.wer([_plain(text) for text in SENTENCES], [_plain(text) for text in heard])), 3)


def _plain(text: str) -> str:
    return " ".join("".join(letter for letter in text.lower() if letter.isalnum() or letter == " ").split())


def _dial(
    kokoro: KokoroSynthesizer, voices: tuple[Voice, ...], natural: dict[tuple[str, str], Any], speed: float
) -> dict[str, float]:
    ratios = [
        len(natural[text, voice.id]) / len(trimmed(kokoro.speak(text, voice, LANGUAGE, speed), RATE_HZ))
        for voice in voices
        for text in SENTENCES[:5]
    ]
    return {"mean": round(fmean(ratios), 3), "spread": round(pstdev(ratios), 3)}


if __name__ == "__main__":
    main()
