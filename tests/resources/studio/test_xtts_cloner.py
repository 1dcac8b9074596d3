"""At risk: a profile that is not what the library computes, a voice that lies in a file, sealed weights changed."""

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recordings import sound_16k
from sealing import sealed
from tiny_xtts import shrink, tiny_xtts
from voice_cloner_contract import VoiceClonerContract

from octavia_dag.errors import EngineError
from octavia_dag.resources.engines import Samples, VoiceCloner
from octavia_dag.resources.studio.voice_cloner import REFERENCE_S, XttsCloner, unpacked, voice_class
from octavia_dag.schema import Span

pytestmark = pytest.mark.studio

HZ = 16000


@pytest.fixture(scope="module")
def cloner(tmp_path_factory: pytest.TempPathFactory) -> XttsCloner:
    shrink()
    weights = sealed(tiny_xtts(tmp_path_factory.mktemp("xtts"), pickled_config=True))
    return XttsCloner(models_dir=str(tmp_path_factory.mktemp("models")), weights=weights, device="cpu")


@pytest.fixture(scope="module")
def speech(media_dir: Path, models_dir: str) -> Samples:
    return sound_16k(media_dir / "enrollment_audio_katie.wav", models_dir)[8000 : 8000 + 4 * HZ]


class TestXttsKeepsTheContract(VoiceClonerContract):
    """Every claim of the contract; whose voice is nearer to whose random weights cannot tell."""


def test_latents_are_those_of_the_library_for_the_same_sound(
    cloner: XttsCloner, speech: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads files by a library that wants a system's ffmpeg: here it is handed what it would have read."""
    import torch
    from TTS.tts.models import xtts

    revision, latents, timbre = unpacked(cloner.profile("A", speech, [Span(start=0, end=4)]).clone)
    assert revision == cloner.weights_revision()
    assert latents.shape == (1, 32, 64)
    assert timbre.shape == (1, 512, 1)

    def read(path: str, rate: int) -> torch.Tensor:
        assert (path, rate) == ("reference.wav", HZ)
        return torch.from_numpy(speech.copy())[None]

    monkeypatch.setattr(xtts, "load_audio", read)
    with cloner.loaded() as held:
        told = held.model.config
        theirs = held.model.get_conditioning_latents(
            ["reference.wav"], load_sr=HZ, gpt_cond_len=30, gpt_cond_chunk_len=told.gpt_cond_chunk_len
        )
    np.testing.assert_allclose(latents, theirs[0].numpy(), atol=1e-6)
    np.testing.assert_allclose(timbre, theirs[1].numpy(), atol=1e-6)


def test_a_profile_writes_no_file(cloner: XttsCloner, speech: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    cloner.embed(speech)  # what it loads, it has loaded
    opened: list[str] = []
    real = builtins.open

    def opening(file: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if set(mode) & set("wax+"):
            opened.append(str(file))
        return real(file, mode, *rest, **more)

    monkeypatch.setattr(builtins, "open", opening)
    cloner.profile("A", speech, [Span(start=0, end=4)])
    assert opened == []


def test_of_much_speech_the_clearest_half_minute_is_taken(cloner: XttsCloner, speech: Samples) -> None:
    noise = np.random.default_rng(1).normal(0, 0.05, 12 * len(speech)).astype(np.float32)
    noise[: 9 * len(speech)] *= 0.02  # 36 s that are clear, and 12 s in a loud room
    sound = np.tile(speech, 12) + noise
    profile = cloner.profile("A", sound, [Span(start=0, end=48)])
    assert sum(one.seconds for one in profile.segments) == pytest.approx(REFERENCE_S, abs=3.0)
    assert all(one.end <= 36 for one in profile.segments)


def test_silence_and_a_breath_are_sentences(cloner: XttsCloner, speech: Samples) -> None:
    with pytest.raises(EngineError, match="Profiling speaker A: the 1 reference segments hold no sound"):
        cloner.profile("A", np.zeros(HZ, np.float32), [Span(start=0, end=1)])
    with pytest.raises(EngineError, match=r"Profiling speaker A: 0\.20 s of sound are too short"):
        cloner.profile("A", speech, [Span(start=1, end=1.2)])


def test_a_checkpoint_as_published_is_read_and_never_written(cloner: XttsCloner, speech: Samples) -> None:
    """The library's own loader would write it anew, without the configuration that is pickled into it."""
    before = (cloner.folder() / "model.pth").stat()
    cloner.embed(speech)
    after = (cloner.folder() / "model.pth").stat()
    assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)


@pytest.mark.parametrize(("pitch_hz", "kind"), [(110.0, "male"), (210.0, "female"), (0.0, "male")])
def test_the_class_of_a_voice_goes_by_its_pitch(pitch_hz: float, kind: str) -> None:
    assert voice_class(pitch_hz) == kind


def test_its_weights_are_shared_with_the_synthesizer(cloner: VoiceCloner) -> None:
    from octavia_dag.resources.studio.synthesizer import XttsSynthesizer

    assert isinstance(cloner, XttsCloner)
    synthesizer = XttsSynthesizer(models_dir=cloner.models_dir, weights=cloner.weights, device="cpu")
    with cloner.loaded() as ours, synthesizer.loaded() as theirs:
        assert ours is theirs
