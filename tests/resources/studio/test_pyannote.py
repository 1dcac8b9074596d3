"""At risk: people mixed up or lost, overlaps lost, weights that nobody checked, a card that is too small."""

import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from diarizer_contract import Dialogue, DiarizerContract, covered
from sealing import sealed
from tiny_diarizer import make_tiny_pipeline, write_config
from tiny_voices import Ear, Said, spoken

from octavia_dag.errors import EngineError, ModelError, SettingsError
from octavia_dag.resources.engine_room import EngineRoom
from octavia_dag.resources.engines import Diarizer
from octavia_dag.resources.studio.diarizer import COMMUNITY, PyannoteDiarizer
from octavia_dag.resources.studio.engine import StudioEngine
from octavia_dag.schema import Span, Turn

pytestmark = pytest.mark.studio

# Three people in turn; A falls into B's words from 14 to 15.
PLAN: list[Said] = [
    ("A", 1.0, 6.0), ("B", 6.5, 15.0), ("A", 14.0, 19.0), ("C", 20.0, 26.0), ("B", 26.5, 31.0), ("A", 32.0, 36.0),
]  # fmt: skip
REGIONS = [Span(start=1.0, end=19.0), Span(start=20.0, end=31.0), Span(start=32.0, end=36.0)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("diarization")
    return sealed(make_tiny_pipeline(folder))


@pytest.fixture(scope="module")
def diarizer(tiny: str) -> Diarizer:
    return engine(tiny)


@pytest.fixture(scope="module")
def dialogue() -> Dialogue:
    noise = np.random.default_rng(4).normal(0, 0.1, 16000 * 15)
    louder = np.repeat(np.random.default_rng(5).uniform(0.1, 1.0, 30), 8000)
    return (noise * louder).astype(np.float32), [Span(start=1, end=4), Span(start=5, end=9), Span(start=10, end=14)]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Weights that a test may spoil."""
    return make_tiny_pipeline(tmp_path)


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> Ear:
    made = Ear()
    made.put_in(monkeypatch)
    return made


def engine(weights: str, **options: object) -> PyannoteDiarizer:
    return PyannoteDiarizer.model_validate({"models_dir": str(Path(weights).parent), "weights": weights, **options})


def der(plan: Sequence[Said], turns: Sequence[Turn], *, overlap: bool = False) -> float:
    """pyannote.metrics, collar 0.25 s."""
    from pyannote.core import Annotation, Segment
    from pyannote.metrics.diarization import DiarizationErrorRate

    reference, found = Annotation(), Annotation()
    for number, (person, start, end) in enumerate(plan):
        reference[Segment(start, end), number] = person
    for number, turn in enumerate(turns):
        found[Segment(turn.start, turn.end), number] = turn.speaker
    return float(DiarizationErrorRate(collar=0.25, skip_overlap=not overlap)(reference, found))  # pyright: ignore[reportArgumentType]


class TestThePyannoteDiarizerKeepsTheContract(DiarizerContract):
    """Every claim of the contract, with random weights: whatever the networks say."""


# The statistics behind the pipeline's own count are random here, so it is told how many there are at least.
@pytest.mark.parametrize(("clustering", "least"), [("spectral", 1), ("vbx", 3)])
def test_three_people_are_three_where_the_truth_has_them(tiny: str, ear: Ear, clustering: str, least: int) -> None:
    turns = engine(tiny, clustering=clustering).diarize(spoken(PLAN, 37.0), REGIONS, minimum=least, maximum=8)
    assert {turn.speaker for turn in turns} == set("ABC")
    assert der(PLAN, turns) < 0.02


def test_turns_never_overlap_and_the_overlap_is_told_beside_them(tiny: str, ear: Ear) -> None:
    turns, at_once = engine(tiny).diarize_with_overlaps(spoken(PLAN, 37.0), REGIONS, minimum=1, maximum=8)
    assert all(one.end <= other.start for one, other in pairwise(turns))
    assert [(span.start, span.end) for span in at_once] == [
        (pytest.approx(14.0, abs=0.1), pytest.approx(15.0, abs=0.1))
    ]


def test_both_clusterings_are_what_they_say(tiny: str, ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyannote.audio.pipelines.clustering import VBxClustering

    asked: list[str] = []

    def count(*_: object, **__: object) -> None:
        asked.append("vbx")
        raise EngineError("asked")

    monkeypatch.setattr(VBxClustering, "__call__", count)
    assert engine(tiny).diarize(spoken(PLAN, 37.0), REGIONS, minimum=1, maximum=8)
    with pytest.raises(EngineError, match="asked"):
        engine(tiny, clustering="vbx").diarize(spoken(PLAN, 37.0), REGIONS, minimum=1, maximum=8)
    assert asked == ["vbx"]


@pytest.mark.parametrize(("minimum", "maximum", "found"), [(1, 1, 1), (2, 2, 2), (1, 2, 2), (4, 8, 4)])
def test_bounds_hold_against_what_is_heard(tiny: str, ear: Ear, minimum: int, maximum: int, found: int) -> None:
    turns = engine(tiny).diarize(spoken(PLAN, 37.0), REGIONS, minimum=minimum, maximum=maximum)
    assert len({turn.speaker for turn in turns}) == found
    assert covered(turns, REGIONS) == pytest.approx(sum(region.seconds for region in REGIONS), abs=0.1)


def test_one_person_is_one(tiny: str, ear: Ear) -> None:
    plan = [("A", 1.0, 9.0), ("A", 11.0, 25.0)]
    regions = [Span(start=start, end=end) for _, start, end in plan]
    turns = engine(tiny).diarize(spoken(plan, 26.0), regions, minimum=1, maximum=8)
    assert [(turn.speaker, turn.start, turn.end) for turn in turns] == [("A", 1.0, 9.0), ("A", 11.0, 25.0)]


def test_two_people_in_a_clip_of_one_chunk_are_two(tiny: str, ear: Ear) -> None:
    plan = [("B", 0.5, 3.5), ("A", 4.0, 7.5)]
    turns = engine(tiny).diarize(spoken(plan, 8.0), [Span(start=0.5, end=7.5)], minimum=1, maximum=8)
    assert [turn.speaker for turn in turns] == ["A", "B"]
    assert turns[0].end == pytest.approx(3.75, abs=0.1)


def test_whoever_speaks_only_outside_the_regions_is_nobody(tiny: str, ear: Ear) -> None:
    regions = [REGIONS[0], Span(start=26.5, end=31.0), REGIONS[2]]
    turns = engine(tiny).diarize(spoken(PLAN, 37.0), regions, minimum=1, maximum=8)
    inside = [one for one in PLAN if one[0] != "C"]
    assert {turn.speaker for turn in turns} == {"A", "B"}
    assert der(inside, turns) < 0.02


def test_only_what_lies_around_the_regions_is_heard(tiny: str, ear: Ear) -> None:
    sound = np.concatenate([spoken(PLAN, 37.0), np.zeros(16000 * 120, np.float32)])
    engine(tiny).diarize(sound, [Span(start=1.0, end=6.0)], minimum=1, maximum=8)
    assert sum(ear.batches) < 20


def test_a_region_without_any_sound_has_nobody(tiny: str) -> None:
    silence = np.zeros(16000 * 12, np.float32)
    assert engine(tiny).diarize_with_overlaps(silence, [Span(start=1, end=9)], minimum=1, maximum=4) == ([], [])


def test_where_the_networks_hear_nobody_one_person_has_it_all(tiny: str, ear: Ear) -> None:
    hiss = np.random.default_rng(3).normal(0, 0.001, 16000 * 12).astype(np.float32)
    turns = engine(tiny).diarize(hiss, [Span(start=1, end=4), Span(start=5, end=9)], minimum=1, maximum=4)
    assert [(turn.speaker, turn.start, turn.end) for turn in turns] == [("A", 1, 4), ("A", 5, 9)]


def test_a_word_of_a_tenth_of_a_second_is_still_somebodys(tiny: str) -> None:
    word = np.random.default_rng(3).normal(0, 0.1, 1600).astype(np.float32)
    turns = engine(tiny).diarize(word, [Span(start=0, end=0.1)], minimum=1, maximum=4)
    assert [(turn.speaker, turn.start, turn.end) for turn in turns] == [("A", 0, 0.1)]


def test_bounds_that_cross_are_refused(tiny: str) -> None:
    with pytest.raises(EngineError, match="Between 3 and 2 speakers"):
        engine(tiny).diarize(spoken(PLAN, 37.0), REGIONS, minimum=3, maximum=2)


def test_where_memory_gives_out_the_batch_is_halved_and_the_turns_are_the_same(tiny: str, ear: Ear) -> None:
    sound = spoken(PLAN, 37.0)
    whole = engine(tiny).diarize(sound, REGIONS, minimum=1, maximum=8)
    ear.batches.clear()
    ear.gives_out = 8
    assert engine(tiny).diarize(sound, REGIONS, minimum=1, maximum=8) == whole
    assert ear.batches[:3] == [28, 16, 8]  # chunks in all, then what half of 32 and of 16 allows
    assert max(ear.batches[3:]) == 4


def test_a_chunk_that_does_not_fit_alone_is_an_error_that_says_so(tiny: str, ear: Ear) -> None:
    ear.gives_out = 1
    with pytest.raises(EngineError, match="37 s of sound: memory of the device gave out even with one chunk"):
        engine(tiny, batch=4).diarize(spoken(PLAN, 37.0), [*REGIONS[:2], Span(start=32, end=37)], minimum=1, maximum=8)
    assert ear.batches == [4, 2, 1, 1]  # once more without what is idle


@pytest.mark.parametrize("allowed", [True, False])
def test_the_cpu_helps_out_only_where_it_may(
    tiny: str, ear: Ear, monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    monkeypatch.setattr(StudioEngine, "home", "cpu:0")  # the card
    ear.gives_out, ear.fails = 1, 3
    card = engine(tiny, batch=2, cpu_fallback=allowed)
    if allowed:
        assert {turn.speaker for turn in card.diarize(spoken(PLAN, 37.0), REGIONS, minimum=1, maximum=8)} == set("ABC")
    else:
        with pytest.raises(EngineError, match="cpu_fallback"):
            card.diarize(spoken(PLAN, 37.0), REGIONS, minimum=1, maximum=8)


def test_a_file_with_another_hash_is_refused(copy: Path) -> None:
    weights = sealed(copy)
    path = copy / "embedding" / "pytorch_model.bin"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"embedding/pytorch_model\.bin has another sha256"):
        engine(weights).diarize(spoken(PLAN, 37.0), REGIONS, minimum=1, maximum=8)


def test_weights_of_another_digest_than_asked_for_are_refused(tiny: str) -> None:
    held = engine(tiny).model_copy(update={"weights": f"{tiny}#sha256={'0' * 64}"})
    with pytest.raises(ModelError, match="was asked for"):
        held.diarize(spoken(PLAN, 37.0), REGIONS, minimum=1, maximum=8)


def test_weights_that_are_not_there_are_named_with_what_fetches_them(tmp_path: Path) -> None:
    absent = PyannoteDiarizer(models_dir=str(tmp_path))
    assert absent.info().revision.startswith("absent")
    with pytest.raises(ModelError, match=f"octavia models pull {COMMUNITY}@"):
        absent.diarize(spoken(PLAN, 37.0), REGIONS, minimum=1, maximum=8)


@pytest.mark.parametrize("part", ["segmentation/pytorch_model.bin", "plda/plda.npz", "config.yaml"])
def test_a_pipeline_that_was_sealed_with_a_part_missing_is_refused(copy: Path, part: str) -> None:
    (copy / part).unlink()
    with pytest.raises(ModelError, match=part):
        engine(sealed(copy)).diarize(spoken(PLAN, 37.0), REGIONS, minimum=1, maximum=8)


def test_weights_outside_of_the_verified_folder_are_never_fetched(copy: Path) -> None:
    write_config(copy, segmentation="pyannote/segmentation-3.0")
    with pytest.raises(ModelError, match=r"segmentation from pyannote/segmentation-3\.0, which nobody verified"):
        engine(sealed(copy)).diarize(spoken(PLAN, 37.0), REGIONS, minimum=1, maximum=8)


def test_another_kind_of_pipeline_is_refused(copy: Path) -> None:
    write_config(copy, name="pyannote.audio.pipelines.VoiceActivityDetection")
    with pytest.raises(ModelError, match="VoiceActivityDetection, and diarization needs"):
        engine(sealed(copy)).diarize(spoken(PLAN, 37.0), REGIONS, minimum=1, maximum=8)


@pytest.mark.parametrize("content", ["pipeline: {name: x.SpeakerDiarization}", "[", "3", ""])
def test_a_configuration_that_names_no_parts_is_refused(copy: Path, content: str) -> None:
    (copy / "config.yaml").write_text(content)
    with pytest.raises(ModelError, match=r"config\.yaml does not name the segmentation, embedding, plda"):
        engine(sealed(copy)).diarize(spoken(PLAN, 37.0), REGIONS, minimum=1, maximum=8)


def test_a_pipeline_that_pyannote_refuses_is_told_with_its_terms(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyannote.audio import Pipeline

    def refuse(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr(Pipeline, "from_pretrained", refuse)
    with pytest.raises(ModelError, match=f"accept the terms of {COMMUNITY}.*HF_TOKEN"):
        engine(sealed(copy)).diarize(spoken(PLAN, 37.0), REGIONS, minimum=1, maximum=8)


def test_nothing_is_told_to_its_makers(tiny: str, ear: Ear, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from pyannote.audio.telemetry.metrics import is_metrics_enabled

    monkeypatch.setenv("PYANNOTE_METRICS_ENABLED", "1")
    elsewhere = sealed(make_tiny_pipeline(tmp_path))
    engine(elsewhere).diarize(spoken(PLAN, 37.0), REGIONS, minimum=1, maximum=8)
    assert not is_metrics_enabled()
    assert os.environ["PYANNOTE_METRICS_ENABLED"] == "0"


def test_whatever_changes_the_turns_changes_the_revision(tiny: str, copy: Path) -> None:
    (copy / "more.txt").write_text("other weights")
    made = [engine(tiny), engine(tiny, clustering="vbx"), engine(tiny, alike=0.6), engine(sealed(copy))]
    assert len({one.info().revision for one in made}) == 4
    assert engine(tiny, batch=1).info() == engine(tiny).info()


def test_settings_choose_its_options_as_text(tiny: str) -> None:
    path = f"{PyannoteDiarizer.__module__}:PyannoteDiarizer"
    room = EngineRoom(models_dir=str(Path(tiny).parent))
    made = room.get(Diarizer, path, {"weights": tiny, "clustering": "vbx", "alike": "0.6", "cpu_fallback": "true"})
    assert made == engine(tiny, clustering="vbx", alike=0.6, cpu_fallback=True)
    for option, value in (("clustering", "kmeans"), ("alike", "2"), ("batch", "0")):
        with pytest.raises(SettingsError, match=option):
            room.get(Diarizer, path, {"weights": tiny, option: value})


def test_its_licences_may_be_sold() -> None:
    told = PyannoteDiarizer().licences("en")
    assert ("CC-BY-4.0", True) in [(one.name, one.commercial) for one in told]
    assert all(one.commercial for one in told)
