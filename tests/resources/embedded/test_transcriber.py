"""The real transcriber on real recordings: the words, whose they are and when, and no word where nobody speaks."""

import json
from pathlib import Path

import numpy as np
import pytest
from recordings import noise, regions_of, sound_16k
from transcriber_contract import Spoken, TranscriberContract

from octavia_dag.dubbing.hearing import accept, hear_text, normalize_words, verdict, word_error_rate
from octavia_dag.dubbing.lines import make_lines
from octavia_dag.errors import EngineError, SettingsError
from octavia_dag.resources.embedded.transcriber import WhisperTranscriber
from octavia_dag.resources.engines import HeardSegment, Samples, Transcriber
from octavia_dag.schema import Line, Span, Turn

RATE_HZ = 16000
ENGLISH_VIDEO = "Good morning, my name is Jordi Mas. I am from Barcelona. And I love this city."
JFK = "And so my fellow Americans, ask not what your country can do for you, ask what you can do for your country."


@pytest.fixture(scope="module")
def transcriber(models_dir: str) -> Transcriber:
    return WhisperTranscriber(models_dir=models_dir)


@pytest.fixture(scope="module")
def spoken(media_dir: Path, models_dir: str) -> Spoken:
    sound = sound_16k(media_dir / "englishvideo.mp4", models_dir)
    return sound, regions_of(sound), "en"


class TestWhisperKeepsTheContract(TranscriberContract):
    """Every claim of the contract."""


def believed(transcriber: Transcriber, sound: Samples, regions: list[Span]) -> list[HeardSegment]:
    return accept(transcriber.transcribe(sound, regions, "en"), regions, clip_s=len(sound) / RATE_HZ)[0]


def lines_of(segments: list[HeardSegment], turns: list[Turn], regions: list[Span]) -> list[Line]:
    return make_lines([word for one in segments for word in one.words], turns, regions, gap_s=0.7, max_s=12)


def test_the_three_lines_of_a_hand_timed_recording_are_found(transcriber: Transcriber, spoken: Spoken) -> None:
    sound, regions, _ = spoken
    segments = believed(transcriber, sound, regions)
    lines = lines_of(segments, [Turn(speaker="A", start=1.2, end=8.8)], regions)
    assert word_error_rate(ENGLISH_VIDEO, hear_text(segments)) <= 0.10
    assert [round(line.start, 1) for line in lines] == pytest.approx([1.263, 5.245, 7.608], abs=0.2)
    assert verdict(lines, regions, "en").ok


def test_a_dialogue_over_music_is_heard_and_timed(media_dir: Path, models_dir: str, transcriber: Transcriber) -> None:
    truth = json.loads((media_dir / "dialogue" / "truth.json").read_text(encoding="utf-8"))["segments"]
    turns = [Turn(speaker=one["speaker"], start=one["start"], end=one["end"]) for one in truth]
    sound = sound_16k(media_dir / "dialogue" / "dialogue.mp4", models_dir)
    regions = regions_of(sound)
    segments = believed(transcriber, sound, regions)
    lines = lines_of(segments, turns, regions)
    assert word_error_rate(" ".join(one["text"] for one in truth), hear_text(segments)) <= 0.15
    errors = [min(abs(line.start - turn.start) for line in lines) for turn in turns]
    assert float(np.median(errors)) <= 0.10
    assert max(errors) <= 0.4
    for turn in turns:
        inside = [line for line in lines if turn.start - 0.4 <= line.start < turn.end]
        assert {line.speaker for line in inside} == {turn.speaker}


def test_long_pauses_cost_no_word(media_dir: Path, models_dir: str, transcriber: Transcriber) -> None:
    sound = sound_16k(media_dir / "jfk.flac", models_dir)
    assert word_error_rate(JFK, hear_text(believed(transcriber, sound, regions_of(sound)))) <= 0.05


def test_no_speech_is_passed_over_behind_a_goodbye(media_dir: Path, models_dir: str, transcriber: Transcriber) -> None:
    """Whisper stops behind 'Thank you and goodbye', twice: two people's clips follow it."""
    sound = sound_16k(media_dir / "cast" / "cast4.mp4", models_dir)
    regions = regions_of(sound)
    segments = transcriber.transcribe(sound, regions, "en")
    assert accept(segments, regions)[1] == []
    for region in regions:
        assert any(one.start < region.end and one.end > region.start for one in segments)
    assert len(normalize_words(hear_text(segments))) >= 170


def test_a_quiet_telephone_talk_keeps_its_words(media_dir: Path, models_dir: str, transcriber: Transcriber) -> None:
    sound = sound_16k(media_dir / "pyannote_sample.wav", models_dir)
    regions = regions_of(sound)
    segments = transcriber.transcribe(sound, regions, "en")
    assert accept(segments, regions)[1] == []
    assert len(normalize_words(hear_text(segments))) >= 70


@pytest.mark.parametrize("kind", ["white", "pink"])
def test_noise_gives_no_line(transcriber: Transcriber, kind: str) -> None:
    sound = noise(kind, 60)
    assert believed(transcriber, sound, regions_of(sound)) == []


@pytest.mark.parametrize("name", ["tone_no_speech.mp4", "dialogue/music.flac", "pink"])
def test_what_is_invented_where_voice_activity_was_wrong_is_refused(
    media_dir: Path, models_dir: str, transcriber: Transcriber, name: str
) -> None:
    """The gates alone: everything is claimed to be speech, and the transcriber does invent words."""
    sound = noise(name, 5) if name == "pink" else sound_16k(media_dir / name, models_dir)[: 5 * RATE_HZ]
    everything = [Span(start=0, end=len(sound) / RATE_HZ)]
    assert transcriber.transcribe(sound, everything, "en")
    assert believed(transcriber, sound, everything) == []


def test_the_language_of_accented_speech_is_told_by_what_is_heard(transcriber: Transcriber, spoken: Spoken) -> None:
    """The sound alone is 0.23 English, 0.18 Greek."""
    language, probability = transcriber.detect_language(spoken[0])
    assert language == "en"
    assert probability > 0.5


def test_a_region_tag_is_heard_as_its_language(transcriber: Transcriber, spoken: Spoken) -> None:
    sound, regions, _ = spoken
    assert transcriber.transcribe(sound, regions, "en-GB") == transcriber.transcribe(sound, regions, "en")


def test_an_unknown_language_is_refused_by_name(transcriber: Transcriber, spoken: Spoken) -> None:
    with pytest.raises(SettingsError, match="Klingon"):
        transcriber.transcribe(spoken[0], spoken[1], "Klingon")


def test_the_language_of_nothing_is_refused(transcriber: Transcriber) -> None:
    with pytest.raises(EngineError, match="empty"):
        transcriber.detect_language(np.zeros(0, np.float32))
