"""Fits the rates of octavia_dag/dubbing/lengths.py on sentences spoken by Kokoro, and prints the table's rows.

    python bench/lengths.py [--models DIR] [LANGUAGE ...]

Every sentence is spoken once, voices in turn, trimmed at -40 dB of its own peak; the rates are non-negative least
squares on relative error. The error printed is leave-one-out: each sentence predicted by a fit that has not seen it.
Portuguese is the translator's own output for the English sentences, since that is what will be spoken. The rates of
people come from sentences/human-en.tsv: seconds and words of four speakers of recordings.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from octavia_dag.dubbing.lengths import Rates, counts
from octavia_dag.resources.embedded.synthesizer import KokoroSynthesizer
from octavia_dag.resources.embedded.translator import LocalTranslator

TRIM_DB = -40.0
SENTENCES = Path(__file__).with_name("sentences")


def spoken_seconds(engine: KokoroSynthesizer, texts: Sequence[str], language: str) -> list[float]:
    """Seconds of each text as spoken, without the silence around it."""
    voices = engine.voices(language)
    found: list[float] = []
    for place, text in enumerate(texts):
        sound = np.abs(engine.speak(text, voices[place % len(voices)], language, 1.0))
        loud = np.flatnonzero(sound > sound.max() * 10 ** (TRIM_DB / 20))
        found.append(float(loud[-1] - loud[0]) / engine.rate_hz)
    return found


def recorded() -> tuple[list[str], list[float]]:
    """Sentences of people and their seconds."""
    rows = [row.split("\t") for row in (SENTENCES / "human-en.tsv").read_text(encoding="utf-8").splitlines()]
    return [text for _, text in rows], [float(seconds) for seconds, _ in rows]


def spoken(engine: KokoroSynthesizer, language: str) -> tuple[list[str], list[float]]:
    """Sentences as the synthesizer speaks them and their seconds."""
    source = "en" if language == "pt-BR" else language
    texts = (SENTENCES / f"{source}.txt").read_text(encoding="utf-8").splitlines()
    if language == "pt-BR":
        texts = LocalTranslator(models_dir=engine.models_dir).translate(texts, "en", language)
    return texts, spoken_seconds(engine, texts, language)


def fit(texts: Sequence[str], seconds: Sequence[float]) -> NDArray[np.float64]:
    """Rates (base, letter, vowel group, digit, pause), non-negative, for the smallest relative error."""
    from scipy.optimize import nnls

    rows, measured = _rows(texts), np.asarray(seconds)
    return np.asarray(nnls(rows / measured[:, np.newaxis], np.ones(len(measured)))[0])


def left_out_error(texts: Sequence[str], seconds: Sequence[float]) -> float:
    """Mean absolute relative error of each text under the fit of all others."""
    rows, errors = _rows(texts), list[float]()
    for place in range(len(texts)):
        others = [at for at in range(len(texts)) if at != place]
        rates = fit([texts[at] for at in others], [seconds[at] for at in others])
        errors.append(abs(float(rows[place] @ rates) / seconds[place] - 1))
    return float(np.mean(errors))


def _rows(texts: Sequence[str]) -> NDArray[np.float64]:
    found = [counts(text) for text in texts]
    return np.array([[1, one.letters, one.vowel_groups, one.digits, one.pauses] for one in found], np.float64)


def main() -> None:
    """Prints one row of the table per language."""
    parser = argparse.ArgumentParser(description="Fit the rates of dubbing/lengths.py.")
    parser.add_argument("--models", default=str(Path.home() / ".octavia" / "models"))
    parser.add_argument("languages", nargs="*", default=["human", "pt-BR", "en", "es", "fr", "it"])
    chosen = parser.parse_args()
    engine = KokoroSynthesizer(models_dir=chosen.models)
    for language in chosen.languages:
        texts, seconds = recorded() if language == "human" else spoken(engine, language)
        found = Rates(
            *(round(float(rate), 4) for rate in fit(texts, seconds)), error=round(left_out_error(texts, seconds), 3)
        )
        sys.stdout.write(f"{language}: {found} on {len(texts)} sentences, {sum(seconds):.0f} s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
