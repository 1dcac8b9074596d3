"""Recordings with known truth: what was said and when, who spoke, what the music was."""

import json
import statistics
from pathlib import Path

import numpy as np
import pytest
import soundfile
from finished import Dub, DubVideo, check
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate

from octavia_dag.assets.analysis import BACKGROUND
from octavia_dag.dubbing.hearing import word_error_rate
from octavia_dag.dubbing.trimming import onset_s
from octavia_dag.resources.media import Media
from octavia_dag.resources.sound import read_mono
from octavia_dag.schema import (
    Casting,
    Chunks,
    DubbedChunks,
    DuckedMix,
    SourceVideo,
    SpeakerMap,
    Stems,
    SyncedSpeech,
    Transcript,
)

ENGLISH_TEXT = "Good morning, my name is Jordi Mas. I am from Barcelona. And I love this city."
ENGLISH_STARTS = (1.263, 5.245, 7.608)


@pytest.fixture(scope="module")
def english(dub_video: DubVideo, media_dir: Path) -> Dub:
    return dub_video(media_dir / "englishvideo.mp4")


@pytest.fixture(scope="module")
def dialogue(dub_video: DubVideo, media_dir: Path) -> Dub:
    return dub_video(media_dir / "dialogue" / "dialogue.mp4")


@pytest.fixture(scope="module")
def cast(dub_video: DubVideo, media_dir: Path) -> Dub:
    return dub_video(media_dir / "cast" / "cast4.mp4")


def _truth(media_dir: Path, name: str) -> dict[str, object]:
    return json.loads((media_dir / name / "truth.json").read_text())


def _annotation(turns: list[tuple[str, float, float]]) -> Annotation:
    annotation = Annotation()
    for number, (speaker, start, end) in enumerate(turns):
        annotation[Segment(start, end), number] = speaker
    return annotation


def _der(dub: Dub, truth: list[tuple[str, float, float]], speech: Timeline | None = None) -> float:
    found = _annotation([(t.speaker, t.start, t.end) for t in dub.read("speaker_map", SpeakerMap).turns])
    reference = _annotation(truth)
    if speech is not None:
        reference = reference.crop(speech)
        found = found.crop(speech)
    # "collar 0.25 s" is 0.25 s around each boundary in pyannote.metrics' own terms: half of it on either side
    rate = DiarizationErrorRate(collar=0.25, skip_overlap=False)(reference, found)
    assert isinstance(rate, float)
    return rate


def _wer(dub: Dub, truth: str) -> float:
    return word_error_rate(truth, " ".join(line.text for line in dub.read("transcript", Transcript).lines))


def _segments(truth: dict[str, object]) -> list[dict[str, object]]:
    segments = truth["segments"]
    assert isinstance(segments, list)
    return segments


def _turns(truth: dict[str, object]) -> list[tuple[str, float, float]]:
    return [(str(s["speaker"]), float(str(s["start"])), float(str(s["end"]))) for s in _segments(truth)]


@pytest.mark.parametrize("name", ["english", "dialogue", "cast"])
def test_every_promise_holds_on_the_two_files(name: str, request: pytest.FixtureRequest, media: Media) -> None:
    dub: Dub = request.getfixturevalue(name)
    check(media, dub.source, dub.deliverable)


@pytest.mark.parametrize(("name", "people"), [("english", 1), ("dialogue", 2), ("cast", 4)])
def test_the_hint_of_speakers_is_right(name: str, people: int, request: pytest.FixtureRequest) -> None:
    dub: Dub = request.getfixturevalue(name)
    assert dub.read("source_video", SourceVideo).speakers_hint == people


def test_english_has_three_lines_that_start_when_the_man_speaks(english: Dub) -> None:
    lines = english.read("transcript", Transcript).lines
    assert len(lines) == 3
    for line, start in zip(lines, ENGLISH_STARTS, strict=True):
        assert line.start == pytest.approx(start, abs=0.20)


def test_english_is_understood(english: Dub) -> None:
    assert _wer(english, ENGLISH_TEXT) <= 0.10


def test_dialogue_has_two_speakers_at_the_right_times(dialogue: Dub, media_dir: Path) -> None:
    assert len(dialogue.read("speaker_map", SpeakerMap).speakers) == 2
    assert _der(dialogue, _turns(_truth(media_dir, "dialogue"))) <= 0.08


def test_dialogue_is_understood(dialogue: Dub, media_dir: Path) -> None:
    text = " ".join(str(s["text"]) for s in _segments(_truth(media_dir, "dialogue")))
    assert _wer(dialogue, text) <= 0.15


def test_dialogue_lines_start_when_the_person_starts(dialogue: Dub) -> None:
    placed = dialogue.read("synced_speech", SyncedSpeech, "pt-BR").lines
    originals = {line.id: line for line in dialogue.read("transcript", Transcript).lines}
    sounds = {line.id: line.sound for line in dialogue.read("dubbed_chunks", DubbedChunks, "pt-BR").lines}
    artifact = dialogue.artifact("dubbed_chunks", "pt-BR")
    errors: list[float] = []
    for line in placed:
        begin = onset_s(read_mono(artifact.file(sounds[line.id]), 16000), 16000)
        assert begin is not None
        errors.append(abs(line.start + begin - originals[line.id].start))
    assert statistics.median(errors) <= 0.10
    assert max(errors) <= 0.4


def test_dialogue_has_two_voices(dialogue: Dub) -> None:
    roles = dialogue.read("casting", Casting, "pt-BR").roles
    assert len({role.voice.id for role in roles}) == 2
    assert {role.voice.voice_class for role in roles} == {"female", "male"}


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("round trip WER", 0.20),
        ("original words left in the bed", 0.05),
        ("fastest line", 1.305),
    ],
)
def test_dialogue_measures_are_at_most(name: str, most: float, dialogue: Dub) -> None:
    value = dialogue.measure(name).value
    assert value is not None
    assert value <= most


def test_dialogue_speaks_when_the_original_speaks(dialogue: Dub) -> None:
    value = dialogue.measure("speech IoU").value
    assert value is not None
    assert value >= 0.70


def test_dialogue_has_at_most_one_line_over_1_2(dialogue: Dub) -> None:
    rates = [line.rate for line in dialogue.read("synced_speech", SyncedSpeech, "pt-BR").lines]
    assert sum(rate > 1.2 for rate in rates) <= 1


def test_dialogue_speaks_as_loud_as_the_original(dialogue: Dub) -> None:
    difference = dialogue.measure("dubbed speech against the original").value
    assert difference is not None
    assert abs(difference) <= 1.0


def test_dialogue_bed_in_gaps_is_the_sources(dialogue: Dub) -> None:
    level, shape = (dialogue.measure(f"bed {what} in gaps").value for what in ("level", "correlation"))
    assert level is not None
    assert shape is not None
    assert abs(level) <= 0.5
    assert shape >= 0.98


def test_dialogue_background_is_as_loud_as_the_true_music_under_speech(dialogue: Dub, media_dir: Path) -> None:
    music, rate = soundfile.read(media_dir / "dialogue" / "music.flac", dtype="float32", always_2d=True)
    stems = dialogue.read("stems", Stems)
    bed, bed_rate = soundfile.read(dialogue.artifact("stems").file(BACKGROUND), dtype="float32", always_2d=True)
    assert bed.shape[1] == stems.channels == 2
    levels: list[float] = []
    for sound, hz in ((music, rate), (bed, bed_rate)):
        parts = [sound[int(a * hz) : int(b * hz)] for _, a, b in _turns(_truth(media_dir, "dialogue"))]
        levels.append(10 * float(np.log10(np.mean(np.concatenate(parts).astype(np.float64) ** 2))))
    assert abs(levels[1] - levels[0]) <= 3.0


def test_dialogue_bed_steps_back_by_the_set_depth(dialogue: Dub) -> None:
    mixed = dialogue.read("ducked_mix", DuckedMix, "pt-BR")
    assert mixed.median_reduction_db == pytest.approx(6.0, abs=1.0)


def test_four_people_are_four_speakers(cast: Dub) -> None:
    assert len(cast.read("speaker_map", SpeakerMap).speakers) == 4


def test_four_people_speak_at_the_right_times(cast: Dub, media_dir: Path) -> None:
    speech = Timeline([Segment(r.start, r.end) for r in cast.read("chunks", Chunks).regions])
    assert _der(cast, _turns(_truth(media_dir, "cast")), speech) <= 0.10


def test_four_people_have_four_voices_of_their_own_class(cast: Dub, media_dir: Path) -> None:
    truth = _truth(media_dir, "cast")
    classes = truth["classes"]
    assert isinstance(classes, dict)
    roles = {role.speaker: role.voice for role in cast.read("casting", Casting, "pt-BR").roles}
    assert len({voice.id for voice in roles.values()}) == 4
    turns = cast.read("speaker_map", SpeakerMap).turns
    for person, start, end in _turns(truth):
        shared = {t.speaker: 0.0 for t in turns}
        for turn in turns:
            shared[turn.speaker] += max(0.0, min(end, turn.end) - max(start, turn.start))
        speaker = max(shared, key=lambda name: shared[name])
        assert roles[speaker].voice_class == classes[person]


def test_four_voices_are_apart(cast: Dub) -> None:
    found = cast.measure("voices apart")
    assert found.value is not None
    assert found.value < 0.75
