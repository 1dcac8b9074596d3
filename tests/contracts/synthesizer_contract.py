"""What every synthesizer must keep, whichever engine answers.

A test class that inherits `SynthesizerContract` gives it two fixtures: `synthesizer`, and `sentence`, a text of about
two seconds with its language.
"""

import threading

import numpy as np
import pytest

from octavia_dag.errors import EngineError
from octavia_dag.resources.engines import Samples, Synthesizer

Sentence = tuple[str, str]


def heard_seconds(sound: Samples, rate_hz: int) -> float:
    """From the first to the last sample above a hundredth of the peak."""
    loud = np.flatnonzero(np.abs(sound) > np.abs(sound).max() / 100)
    return float(loud[-1] - loud[0] + 1) / rate_hz


class SynthesizerContract:
    """Inherit it, and give it the fixtures."""

    def test_it_names_its_licence_revision_and_languages(self, synthesizer: Synthesizer) -> None:
        info = synthesizer.info()
        assert info.name
        assert info.revision
        assert info.licence
        assert info.languages

    def test_every_language_it_names_has_voices_and_an_unknown_one_none(self, synthesizer: Synthesizer) -> None:
        assert all(synthesizer.voices(language) for language in synthesizer.info().languages)
        assert synthesizer.voices("tlh") == ()

    def test_voices_have_a_name_each_and_weights_that_add_up_to_one(self, synthesizer: Synthesizer) -> None:
        for language in synthesizer.info().languages:
            voices = synthesizer.voices(language)
            assert len({voice.id for voice in voices}) == len(voices)
            assert all(sum(weight for _, weight in voice.styles) == pytest.approx(1.0) for voice in voices)
            assert all(voice.styles[0][1] == max(weight for _, weight in voice.styles) for voice in voices)

    def test_likeness_is_a_unit_vector_and_a_human_pitch(self, synthesizer: Synthesizer, sentence: Sentence) -> None:
        embedding, pitch_hz = synthesizer.likeness(synthesizer.voices(sentence[1])[0], sentence[1])
        assert float(np.linalg.norm(embedding)) == pytest.approx(1.0, abs=1e-3)
        assert 50 < pitch_hz < 400

    def test_it_speaks_a_mono_float_sound_that_is_heard_and_not_clipped(
        self, synthesizer: Synthesizer, sentence: Sentence
    ) -> None:
        text, language = sentence
        sound = synthesizer.speak(text, synthesizer.voices(language)[0], language, 1.0)
        assert sound.dtype == np.float32
        assert sound.ndim == 1
        assert 0.01 < float(np.abs(sound).max()) <= 1.0
        assert 0.5 < heard_seconds(sound, synthesizer.rate_hz) < 10

    def test_a_higher_speed_is_shorter_by_about_as_much(self, synthesizer: Synthesizer, sentence: Sentence) -> None:
        text, language = sentence
        voice = synthesizer.voices(language)[0]
        slow, fast = (
            heard_seconds(synthesizer.speak(text, voice, language, speed), synthesizer.rate_hz) for speed in (1.0, 1.15)
        )
        assert slow / fast == pytest.approx(1.15, rel=0.08)

    @pytest.mark.parametrize("text", ["", "   ", "\n"])
    def test_a_text_without_sound_is_refused(self, synthesizer: Synthesizer, sentence: Sentence, text: str) -> None:
        with pytest.raises(EngineError):
            synthesizer.speak(text, synthesizer.voices(sentence[1])[0], sentence[1], 1.0)

    def test_side_by_side_or_alone_gives_the_same_sound(self, synthesizer: Synthesizer, sentence: Sentence) -> None:
        text, language = sentence
        voices = synthesizer.voices(language)[:2]
        alone = [synthesizer.speak(text, voice, language, 1.0) for voice in voices]
        together: dict[int, Samples] = {}

        def speak(place: int) -> None:
            together[place] = synthesizer.speak(text, voices[place], language, 1.0)

        threads = [threading.Thread(target=speak, args=(place,)) for place in range(len(voices))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(np.array_equal(alone[place], together[place]) for place in range(len(voices)))
