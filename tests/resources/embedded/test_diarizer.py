"""Real recordings: the right number of people, and turns where the truth has them."""

import json
from pathlib import Path

import numpy as np
import pytest
from diarizer_contract import Dialogue, DiarizerContract
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate
from recordings import regions_of, sound_16k

from octavia_dag.errors import EngineError
from octavia_dag.resources.embedded.diarizer import SpectralDiarizer
from octavia_dag.resources.engines import Diarizer
from octavia_dag.schema import Span, Turn

Truth = list[tuple[str, float, float]]


@pytest.fixture(scope="module")
def diarizer(models_dir: str) -> Diarizer:
    return SpectralDiarizer(models_dir=models_dir)


@pytest.fixture(scope="module")
def dialogue(media_dir: Path, models_dir: str) -> Dialogue:
    sound = sound_16k(media_dir / "dialogue" / "dialogue.mp4", models_dir)
    return sound, regions_of(sound)


def truth_of(path: Path) -> Truth:
    return [(one["speaker"], one["start"], one["end"]) for one in json.loads(path.read_text())["segments"]]


def der(truth: Truth, turns: list[Turn], seconds: float, speech: list[Span] | None = None) -> float:
    """pyannote.metrics, collar 0.25 s, overlap included; only `speech` of the true segments counts where given."""
    reference, found = Annotation(), Annotation()
    for number, (speaker, start, end) in enumerate(truth):
        reference[Segment(start, end), number] = speaker
    for number, turn in enumerate(turns):
        found[Segment(turn.start, turn.end), number] = turn.speaker
    if speech is not None:
        reference = reference.crop(Timeline([Segment(one.start, one.end) for one in speech]), mode="intersection")
    judge = DiarizationErrorRate(collar=0.25, skip_overlap=False)
    return float(judge(reference, found, uem=Timeline([Segment(0, seconds)])))  # pyright: ignore[reportArgumentType]


class TestTheSpectralDiarizerKeepsTheContract(DiarizerContract):
    """Every claim of the contract."""


def test_the_dialogue_over_music_has_two_people_and_a_der_of_8_percent_at_most(
    diarizer: Diarizer, dialogue: Dialogue, media_dir: Path
) -> None:
    sound, regions = dialogue
    turns = diarizer.diarize(sound, regions, minimum=1, maximum=8)
    assert len({turn.speaker for turn in turns}) == 2
    assert der(truth_of(media_dir / "dialogue" / "truth.json"), turns, len(sound) / 16000) <= 0.08


def test_four_people_are_four_with_a_der_of_10_percent_at_most(
    diarizer: Diarizer, media_dir: Path, models_dir: str
) -> None:
    sound = sound_16k(media_dir / "cast" / "cast4.mp4", models_dir)
    regions = regions_of(sound)
    turns = diarizer.diarize(sound, regions, minimum=1, maximum=8)
    assert len({turn.speaker for turn in turns}) == 4
    assert der(truth_of(media_dir / "cast" / "truth.json"), turns, len(sound) / 16000, regions) <= 0.10


@pytest.mark.parametrize("name", ["englishvideo.mp4", "jfk.flac"])
def test_one_man_is_one(diarizer: Diarizer, media_dir: Path, models_dir: str, name: str) -> None:
    sound = sound_16k(media_dir / name, models_dir)
    assert {turn.speaker for turn in diarizer.diarize(sound, regions_of(sound), minimum=1, maximum=8)} == {"A"}


def test_readers_joined_are_as_many_as_they_are(diarizer: Diarizer, media_dir: Path, models_dir: str) -> None:
    for readers in (["1688"], ["2033"], ["1998", "2414"]):
        paths = [path for one in readers for path in sorted((media_dir / "librispeech").glob(f"{one}-*.flac"))]
        sound = np.concatenate([sound_16k(path, models_dir) for path in paths])
        turns = diarizer.diarize(sound, regions_of(sound), minimum=1, maximum=8)
        assert len({turn.speaker for turn in turns}) == len(readers), readers


def test_a_hand_over_without_a_pause_is_placed_within_three_tenths_of_a_second(
    diarizer: Diarizer, media_dir: Path, models_dir: str
) -> None:
    one, other = (
        sound_16k(media_dir / "librispeech" / name, models_dir)[16000 : 16000 * 4]
        for name in ("1998-15444-0002.flac", "2414-128291-0002.flac")
    )
    turns = diarizer.diarize(np.concatenate([one, other]), [Span(start=0, end=6)], minimum=2, maximum=2)
    assert [turn.speaker for turn in turns] == ["A", "B"]
    assert turns[0].end == pytest.approx(3.0, abs=0.3)


def test_a_region_of_a_tenth_of_a_second_is_still_somebodys(diarizer: Diarizer, dialogue: Dialogue) -> None:
    turns = diarizer.diarize(dialogue[0], [Span(start=4.5, end=4.6)], minimum=1, maximum=4)
    assert [(turn.start, turn.end, turn.speaker) for turn in turns] == [(4.5, 4.6, "A")]


def test_bounds_that_cross_are_refused(diarizer: Diarizer, dialogue: Dialogue) -> None:
    with pytest.raises(EngineError, match="minimum"):
        diarizer.diarize(*dialogue, minimum=3, maximum=2)
