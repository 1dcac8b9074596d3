"""At risk: lines condensed for nothing, or too long because their length was guessed wrong."""

import numpy as np
import pytest

from octavia_dag.dubbing.lengths import HUMAN, predicted_seconds, rates
from octavia_dag.resources.embedded.synthesizer import KokoroSynthesizer

# Not among the sentences that the rates were fitted on.
UNSEEN = (
    "O gato dormiu o dia inteiro em cima da mesa.",
    "Amanhã de manhã vamos visitar a nossa tia em Salvador.",
    "Que pena!",
    "Ela comprou 12 livros, três cadernos e uma caneta azul.",
    "Quando a música parou, ninguém sabia o que fazer.",
)


def test_portuguese_as_kokoro_speaks_it_is_predicted_within_12_percent(models_dir: str) -> None:
    engine = KokoroSynthesizer(models_dir=models_dir)
    voices = engine.voices("pt-BR")
    errors: list[float] = []
    for place, text in enumerate(UNSEEN):
        sound = np.abs(engine.speak(text, voices[place % len(voices)], "pt-BR", 1.0))
        loud = np.flatnonzero(sound > sound.max() * 0.01)
        spoken_s = float(loud[-1] - loud[0]) / engine.rate_hz
        errors.append(abs(predicted_seconds(text, "pt-BR") / spoken_s - 1))
    assert np.mean(errors) < 0.12


def test_a_person_s_line_is_predicted_within_a_quarter() -> None:
    spoken_s, text = 4.0, "The sound of my voice will help the transcription service to recognize my unique voice."
    assert predicted_seconds(text, "en", HUMAN) == pytest.approx(spoken_s, rel=0.25)


@pytest.mark.parametrize("language", ["pt-BR", "en", "es", "fr", "it"])
def test_more_words_take_longer(language: str) -> None:
    assert predicted_seconds("uma casa", language) < predicted_seconds("uma casa amarela, por favor", language)
    assert 0 <= rates(language).error < 0.13


@pytest.mark.parametrize("text", ["", "  ", "...", "?!"])
def test_what_says_nothing_takes_no_time(text: str) -> None:
    assert predicted_seconds(text, "pt-BR") == 0.0


def test_a_language_without_rates_is_predicted_all_the_same() -> None:
    assert predicted_seconds("jedna dvě tři", "cs") > 0.5
