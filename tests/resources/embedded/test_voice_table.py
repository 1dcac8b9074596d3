"""The cast's table belongs to the weights in the store, and its voices are apart from each other."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from octavia_dag.dubbing.voices import Candidate, Person, cast_voices
from octavia_dag.errors import EngineError
from octavia_dag.resources.embedded import voice_table
from octavia_dag.resources.embedded.voiceprint import unit
from octavia_dag.resources.models import model_dir
from octavia_dag.schema import Voice, VoiceClass

LANGUAGES = ("pt-BR", "es", "en", "fr", "it")


@pytest.mark.parametrize("language", LANGUAGES)
def test_at_least_half_of_every_mixture_is_the_languages_own_voice(language: str) -> None:
    pure = {voice.id for voice in voice_table.voices(language) if len(voice.styles) == 1}
    assert pure
    for voice in voice_table.voices(language):
        assert voice.styles[0][0] in pure
        assert voice.styles[0][1] >= 0.5
        assert sum(weight for _, weight in voice.styles) == pytest.approx(1.0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_pure_voices_come_first_and_names_are_unique(language: str) -> None:
    sizes = [len(voice.styles) for voice in voice_table.voices(language)]
    assert sizes == sorted(sizes)
    assert len({voice.id for voice in voice_table.voices(language)}) == len(sizes)


def test_brazilian_portuguese_has_a_cast_for_a_video_of_many_people() -> None:
    classes = [voice.voice_class for voice in voice_table.voices("pt-BR")]
    assert classes.count("female") >= 6
    assert classes.count("male") >= 6


def test_a_voice_is_heard_as_the_class_it_is_labelled() -> None:
    cast = [(voice, *voice_table.likeness(voice, tag)) for tag in LANGUAGES for voice in voice_table.voices(tag)]
    wrong = [voice.id for voice, vector, hz in cast if voice_table.voice_class(vector, hz) != voice.voice_class]
    assert wrong == []


@pytest.mark.parametrize("language", ["pt-BR", "es", "en"])
def test_two_women_and_two_men_get_voices_that_are_apart_whoever_they_are(language: str) -> None:
    dice = np.random.default_rng(1)
    cast = [Candidate(voice, *voice_table.likeness(voice, language)) for voice in voice_table.voices(language)]
    vectors = {candidate.voice.id: candidate.embedding for candidate in cast}
    kinds: list[VoiceClass] = ["female", "male", "female", "male"]
    for _ in range(10):
        people = [
            Person(str(n), unit(dice.normal(size=256)), float(dice.uniform(90, 240)), kind, float(dice.uniform(2, 60)))
            for n, kind in enumerate(kinds)
        ]
        roles = cast_voices(people, cast, {})
        chosen = np.stack([vectors[role.voice.id] for role in roles])
        assert float(np.max(chosen @ chosen.T - 2 * np.eye(4))) <= 0.70
        assert [role.voice.voice_class for role in roles] == kinds


def test_likeness_is_a_unit_vector_that_nobody_can_change() -> None:
    vector, hz = voice_table.likeness(voice_table.voices("pt-BR")[0], "pt-BR")
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)
    assert 60 < hz < 400
    with pytest.raises(ValueError, match="read-only"):
        vector[0] = 1.0


def test_an_unknown_voice_or_language_is_named() -> None:
    nobody = Voice(id="nobody", styles=(("nobody", 1.0),), voice_class="male")
    with pytest.raises(EngineError, match=r"nobody in pt-BR.*pf_dora"):
        voice_table.likeness(nobody, "pt-BR")
    assert voice_table.voices("tlh") == ()


def test_the_table_was_measured_with_the_weights_in_the_store(models_dir: str) -> None:
    files = {"kokoro": "model.onnx", "dvector": "embedder.int8.onnx"}
    for name, file in files.items():
        path = Path(model_dir(models_dir, name)) / file
        assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(voice_table.revisions()[name])
