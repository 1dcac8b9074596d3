"""People of the recordings: their class, their pitch, and who is whom."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from recordings import regions_of, sound_16k
from voice_cloner_contract import VoiceClonerContract

from octavia_dag.errors import EngineError
from octavia_dag.resources.embedded.voice_cloner import DVectorCloner
from octavia_dag.resources.engines import Profile, Samples, VoiceCloner
from octavia_dag.schema import Span

# Class where it is known, and median pitch by another estimator (harvest), where that was taken from the same sound.
PEOPLE = {
    "enrollment_audio_katie.wav": ("female", None),
    "enrollment_audio_steve.wav": ("male", 118.0),
    "librispeech/1688-142285-0001.flac": (None, 170.0),
    "librispeech/1998-15444-0002.flac": ("female", 197.0),
    "librispeech/2033-164914-0002.flac": (None, None),
    "librispeech/2414-128291-0002.flac": ("male", 117.0),
    "jfk.flac": ("male", None),
    "englishvideo.mp4": ("male", None),
}


@pytest.fixture(scope="module")
def cloner(models_dir: str) -> VoiceCloner:
    return DVectorCloner(models_dir=models_dir)


@pytest.fixture(scope="module")
def speech(media_dir: Path, models_dir: str) -> Samples:
    return sound_16k(media_dir / "enrollment_audio_katie.wav", models_dir)[8000 : 8000 + 16000 * 5]


@pytest.fixture(scope="module")
def profiles(cloner: VoiceCloner, media_dir: Path, models_dir: str) -> dict[str, Profile]:
    sounds = {name: sound_16k(media_dir / name, models_dir) for name in PEOPLE}
    return {name: cloner.profile(name, sound, regions_of(sound)) for name, sound in sounds.items()}


class TestTheDVectorClonerKeepsTheContract(VoiceClonerContract):
    """Every claim of the contract."""


def test_everybody_is_of_their_class(profiles: dict[str, Profile]) -> None:
    known = {name: kind for name, (kind, _) in PEOPLE.items() if kind is not None}
    assert {name: profiles[name].voice_class for name in known} == known


def test_pitch_is_that_of_another_estimator(profiles: dict[str, Profile]) -> None:
    for name, (_, hz) in PEOPLE.items():
        if hz is not None:
            assert profiles[name].pitch_hz == pytest.approx(hz, rel=0.08), name


def test_no_two_people_are_taken_for_one(profiles: dict[str, Profile]) -> None:
    vectors = np.array([profile.embedding for profile in profiles.values()])
    assert (vectors @ vectors.T)[~np.eye(len(vectors), dtype=bool)].max() < 0.65


def test_the_reference_is_the_segments_sound_at_16_khz_and_16_bit(cloner: VoiceCloner, speech: Samples) -> None:
    profile = cloner.profile("A", speech, [Span(start=1, end=2.5), Span(start=3, end=4)])
    sound, rate = soundfile.read(io.BytesIO(profile.reference_wav), dtype="float32")
    assert rate == 16000
    expected = np.concatenate([speech[16000:40000], speech[48000:64000]])
    np.testing.assert_allclose(sound, expected, atol=1 / 32768)


def test_segments_without_sound_are_refused(cloner: VoiceCloner, speech: Samples) -> None:
    with pytest.raises(EngineError, match="hold no sound"):
        cloner.profile("A", speech, [])
    with pytest.raises(EngineError, match="hold no sound"):
        cloner.profile("A", np.zeros_like(speech), [Span(start=0, end=2)])
