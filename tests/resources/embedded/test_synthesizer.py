"""Kokoro keeps the synthesizer's contract, is understood, and speaks a long text whole."""

import numpy as np
import pytest
from synthesizer_contract import Sentence, SynthesizerContract, heard_seconds

from octavia_dag.dubbing.lengths import predicted_seconds
from octavia_dag.errors import ModelError
from octavia_dag.resources.embedded import phonemes
from octavia_dag.resources.embedded.synthesizer import KokoroSynthesizer
from octavia_dag.resources.engines import Synthesizer
from octavia_dag.schema import Voice

SENTENCE = "O novo recurso consegue separar as pessoas."


@pytest.fixture(scope="module")
def synthesizer(models_dir: str) -> Synthesizer:
    return KokoroSynthesizer(models_dir=models_dir)


@pytest.fixture(scope="module")
def sentence() -> Sentence:
    return SENTENCE, "pt-BR"


class TestKokoroKeepsTheContract(SynthesizerContract):
    """Every claim of the contract."""


def test_a_mixture_lies_between_its_voices_and_is_neither(synthesizer: Synthesizer) -> None:
    pure = synthesizer.voices("pt-BR")[0]
    mixture = Voice(id="mix", styles=(("pf_dora", 0.6), ("af_bella", 0.4)), voice_class="female")
    sounds = [synthesizer.speak("Bom dia.", voice, "pt-BR", 1.0) for voice in (pure, mixture)]
    assert len(sounds[0]) != len(sounds[1]) or not np.array_equal(sounds[0], sounds[1])


def test_a_voice_that_is_not_in_the_store_is_named(synthesizer: Synthesizer) -> None:
    with pytest.raises(ModelError, match="xx_nobody"):
        synthesizer.speak("Sim.", Voice(id="x", styles=(("xx_nobody", 1.0),), voice_class="male"), "pt-BR", 1.0)


def test_a_text_longer_than_the_model_takes_is_spoken_whole(
    synthesizer: Synthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phonemes, "MAX_TOKENS", 34)
    text = "Bom dia, gente. Hoje vamos viajar de trem."
    sound = synthesizer.speak(text, synthesizer.voices("pt-BR")[0], "pt-BR", 1.0)
    # In two pieces the rhythm at the full stop is ours; a lost piece would be a third or two of the length.
    assert heard_seconds(sound, synthesizer.rate_hz) == pytest.approx(predicted_seconds(text, "pt-BR") + 0.4, abs=0.5)
