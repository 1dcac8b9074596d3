"""What every synthesizer that clones must keep, whichever engine answers.

A test class that inherits `CloningSynthesizerContract` gives it three fixtures: `synthesizer`, `sentence`, a text of
about two seconds with its language, and `profile`, of a person in whose voice it is to be spoken.
"""

import numpy as np
import pytest

from octavia_dag.errors import EngineError, PairError
from octavia_dag.resources.cloning import CloningSynthesizer, cloned_voice
from octavia_dag.resources.engines import Profile, Utterance

Sentence = tuple[str, str]


def utterance(sentence: Sentence, profile: Profile, *, speed: float = 1.0, take: int = 0) -> Utterance:
    """A sentence in the voice of a profile."""
    voice = cloned_voice(profile, "a cloner", b"k" * 32)
    return Utterance(text=sentence[0], language=sentence[1], voice=voice, speed=speed, profile=profile, take=take)


class CloningSynthesizerContract:
    """Inherit it, and give it the fixtures."""

    def test_it_names_its_licence_revision_and_languages(self, synthesizer: CloningSynthesizer) -> None:
        info = synthesizer.info()
        assert info.name
        assert info.revision
        assert info.licence
        assert info.languages

    def test_it_has_no_voices_of_its_own_and_speaks_the_languages_it_names(
        self, synthesizer: CloningSynthesizer
    ) -> None:
        assert synthesizer.clones
        for language in synthesizer.info().languages:
            assert synthesizer.speaks(language)
            assert synthesizer.voices(language) == ()
        assert not synthesizer.speaks("tlh")

    def test_it_speaks_a_mono_float_sound_that_is_not_silent_nor_clipped(
        self, synthesizer: CloningSynthesizer, sentence: Sentence, profile: Profile
    ) -> None:
        [sound] = synthesizer.speak_all([utterance(sentence, profile)])
        assert sound.dtype == np.float32
        assert sound.ndim == 1
        assert np.isfinite(sound).all()
        assert 0 < float(np.abs(sound).max()) <= 1.0

    def test_a_line_is_the_same_alone_and_among_others_and_again(
        self, synthesizer: CloningSynthesizer, sentence: Sentence, profile: Profile
    ) -> None:
        wanted = utterance(sentence, profile)
        other = utterance((sentence[0][: len(sentence[0]) // 2], sentence[1]), profile)
        among = synthesizer.speak_all([other, wanted, other])
        [alone] = synthesizer.speak_all([wanted])
        np.testing.assert_array_equal(alone, among[1])
        np.testing.assert_array_equal(among[0], among[2])

    def test_nothing_to_say_is_nothing(self, synthesizer: CloningSynthesizer) -> None:
        assert synthesizer.speak_all([]) == []

    @pytest.mark.parametrize("text", ["", "   ", "\n", "..."])
    def test_a_text_without_sound_is_refused(
        self, synthesizer: CloningSynthesizer, sentence: Sentence, profile: Profile, text: str
    ) -> None:
        with pytest.raises(EngineError):
            synthesizer.speak_all([utterance((text, sentence[1]), profile)])

    def test_a_language_it_does_not_speak_is_refused(
        self, synthesizer: CloningSynthesizer, sentence: Sentence, profile: Profile
    ) -> None:
        with pytest.raises(PairError):
            synthesizer.speak_all([utterance((sentence[0], "tlh"), profile)])

    def test_without_a_profile_there_is_no_voice(
        self, synthesizer: CloningSynthesizer, sentence: Sentence, profile: Profile
    ) -> None:
        wanted = utterance(sentence, profile).model_copy(update={"profile": None})
        with pytest.raises(EngineError, match="no profile"):
            synthesizer.speak_all([wanted])
        with pytest.raises(EngineError, match="no profile"):
            synthesizer.speak(sentence[0], wanted.voice, sentence[1], 1.0)
