"""What every diarizer must keep, whichever engine answers.

A test class that inherits `DiarizerContract` gives it two fixtures: `diarizer`, and `dialogue`, a mono 16 kHz sound of
at least two people with its regions of speech.
"""

from itertools import pairwise

import numpy as np
import pytest

from octavia_dag.resources.engines import Diarizer, Samples
from octavia_dag.schema import Span, Turn

Dialogue = tuple[Samples, list[Span]]


def covered(turns: list[Turn], spans: list[Span]) -> float:
    """Seconds of `spans` that lie in at least one turn, to 10 ms."""
    moments = np.concatenate([np.arange(span.start + 0.005, span.end, 0.01) for span in spans])
    inside = np.zeros(len(moments), bool)
    for turn in turns:
        inside |= (moments >= turn.start) & (moments <= turn.end)
    return float(inside.sum()) * 0.01


class DiarizerContract:
    """Inherit it, and give it the fixtures."""

    def test_it_names_its_licence_and_revision(self, diarizer: Diarizer) -> None:
        info = diarizer.info()
        assert info.name
        assert info.revision
        assert info.licence

    def test_no_regions_give_no_turns(self, diarizer: Diarizer) -> None:
        assert diarizer.diarize(np.zeros(16000, np.float32), [], minimum=1, maximum=4) == []

    def test_turns_are_sorted_and_inside_the_regions(self, diarizer: Diarizer, dialogue: Dialogue) -> None:
        sound, regions = dialogue
        turns = diarizer.diarize(sound, regions, minimum=1, maximum=8)
        assert [turn.start for turn in turns] == sorted(turn.start for turn in turns)
        assert all(any(r.start <= turn.start < turn.end <= r.end for r in regions) for turn in turns)

    def test_every_region_is_somebodys(self, diarizer: Diarizer, dialogue: Dialogue) -> None:
        sound, regions = dialogue
        turns = diarizer.diarize(sound, regions, minimum=1, maximum=8)
        assert covered(turns, regions) == pytest.approx(
            sum(region.seconds for region in regions), abs=0.02 * len(regions)
        )

    def test_people_are_named_by_first_appearance(self, diarizer: Diarizer, dialogue: Dialogue) -> None:
        sound, regions = dialogue
        turns = diarizer.diarize(sound, regions, minimum=2, maximum=8)
        names = list(dict.fromkeys(turn.speaker for turn in turns))
        assert names == list("ABCDEFGH"[: len(names)])
        assert len(names) >= 2

    @pytest.mark.parametrize("count", [1, 2])
    def test_equal_bounds_fix_the_count(self, diarizer: Diarizer, dialogue: Dialogue, count: int) -> None:
        sound, regions = dialogue
        turns = diarizer.diarize(sound, regions, minimum=count, maximum=count)
        assert len({turn.speaker for turn in turns}) == count

    def test_the_same_sound_gives_the_same_turns(self, diarizer: Diarizer, dialogue: Dialogue) -> None:
        sound, regions = dialogue
        assert diarizer.diarize(sound, regions, minimum=1, maximum=8) == diarizer.diarize(
            sound, regions, minimum=1, maximum=8
        )

    def test_overlaps_lie_inside_the_regions_beside_the_same_turns(
        self, diarizer: Diarizer, dialogue: Dialogue
    ) -> None:
        sound, regions = dialogue
        turns, at_once = diarizer.diarize_with_overlaps(sound, regions, minimum=2, maximum=8)
        assert turns == diarizer.diarize(sound, regions, minimum=2, maximum=8)
        assert all(any(r.start <= span.start < span.end <= r.end for r in regions) for span in at_once)
        assert all(one.end <= other.start for one, other in pairwise(at_once))
