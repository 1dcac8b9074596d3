"""What every transcriber must keep, whichever engine answers.

A test class that inherits `TranscriberContract` gives it two fixtures: `transcriber`, and `spoken`, a mono 16 kHz sound
with the regions of its speech and its language.
"""

import numpy as np
import pytest

from octavia_dag.resources.engines import Samples, Transcriber
from octavia_dag.schema import Span

Spoken = tuple[Samples, list[Span], str]
RATE_HZ = 16000


class TranscriberContract:
    """Inherit it, and give it the fixtures."""

    def test_it_names_its_licence_and_revision(self, transcriber: Transcriber) -> None:
        info = transcriber.info()
        assert info.name
        assert info.revision
        assert info.licence

    def test_an_empty_sound_gives_an_empty_list(self, transcriber: Transcriber) -> None:
        assert transcriber.transcribe(np.zeros(0, np.float32), [], "en") == []

    def test_no_region_gives_an_empty_list(self, transcriber: Transcriber, spoken: Spoken) -> None:
        assert transcriber.transcribe(spoken[0], [], spoken[2]) == []

    def test_segments_are_in_order_and_inside_the_sound(self, transcriber: Transcriber, spoken: Spoken) -> None:
        sound, regions, language = spoken
        segments = transcriber.transcribe(sound, regions, language)
        assert segments
        assert [one.start for one in segments] == sorted(one.start for one in segments)
        assert all(0 <= one.start < one.end <= len(sound) / RATE_HZ + 0.001 for one in segments)

    def test_words_lie_in_their_segment_and_near_speech(self, transcriber: Transcriber, spoken: Spoken) -> None:
        sound, regions, language = spoken
        for segment in transcriber.transcribe(sound, regions, language):
            assert segment.words
            for word in segment.words:
                assert segment.start <= word.start <= word.end <= segment.end
                assert any(word.start < region.end + 0.5 and word.end > region.start - 0.5 for region in regions)
                assert 0 <= word.confidence <= 1

    def test_what_is_heard_is_the_same_every_time(self, transcriber: Transcriber, spoken: Spoken) -> None:
        assert transcriber.transcribe(*spoken) == transcriber.transcribe(*spoken)

    def test_a_later_sound_is_heard_later(self, transcriber: Transcriber, spoken: Spoken) -> None:
        sound, regions, language = spoken
        later = np.concatenate([np.zeros(2 * RATE_HZ, np.float32), sound])
        moved = [Span(start=one.start + 2, end=one.end + 2) for one in regions]
        first = transcriber.transcribe(sound, regions, language)[0]
        assert transcriber.transcribe(later, moved, language)[0].start == pytest.approx(first.start + 2, abs=0.3)

    def test_the_language_is_a_code_with_a_probability(self, transcriber: Transcriber, spoken: Spoken) -> None:
        language, probability = transcriber.detect_language(spoken[0])
        assert 2 <= len(language) <= 3
        assert 0 < probability <= 1
