"""What every voice cloner must keep, whichever engine answers.

A test class that inherits `VoiceClonerContract` gives it two fixtures: `cloner`, and `speech`, a mono 16 kHz sound of
one person, 4 s or more.
"""

import numpy as np
import pytest

from octavia_dag.resources.engines import Samples, VoiceCloner
from octavia_dag.schema import Span

RATE_HZ = 16000


class VoiceClonerContract:
    """Inherit it, and give it the fixtures."""

    def test_it_names_its_licence_and_revision(self, cloner: VoiceCloner) -> None:
        info = cloner.info()
        assert info.name
        assert info.revision
        assert info.licence

    @pytest.mark.parametrize("seconds", [0.4, 0.8, 4.0])
    def test_an_embedding_is_a_unit_vector_of_one_size(
        self, cloner: VoiceCloner, speech: Samples, seconds: float
    ) -> None:
        embedding = cloner.embed(speech[: round(seconds * RATE_HZ)])
        assert embedding.dtype == np.float32
        assert embedding.shape == cloner.embed(speech).shape
        assert float(np.linalg.norm(embedding)) == pytest.approx(1.0, abs=1e-3)

    def test_the_same_sound_has_the_same_embedding(self, cloner: VoiceCloner, speech: Samples) -> None:
        np.testing.assert_array_equal(cloner.embed(speech), cloner.embed(speech.copy()))

    def test_a_profile_is_of_its_segments_alone(self, cloner: VoiceCloner, speech: Samples) -> None:
        segments = [Span(start=0.0, end=1.0), Span(start=2.0, end=4.0)]
        ruined = speech.copy()
        ruined[RATE_HZ : 2 * RATE_HZ] = 0.0
        profile = cloner.profile("B", speech, segments)
        assert profile == cloner.profile("B", ruined, segments)
        assert (profile.speaker, profile.segments) == ("B", tuple(segments))
        assert len(profile.reference_wav) >= 3 * RATE_HZ * 2
        assert float(np.linalg.norm(profile.embedding)) == pytest.approx(1.0, abs=1e-3)
        assert profile.voice_class in ("female", "male")
