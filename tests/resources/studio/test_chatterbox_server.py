"""At risk: a server that speaks another protocol than its client, or leaves a voice behind.

The server of deploy/chatterbox runs around stand-ins for the two models, whose functions have the real ones' names and
parameters; what the real ones say is not heard here.
"""

import importlib.util
import json
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import httpx
import numpy as np
import pytest
from cloning_synthesizer_contract import CloningSynthesizerContract, Sentence, utterance
from voice_cloner_contract import VoiceClonerContract
from voice_server import RATE_HZ, tone, wav

from octavia_dag.errors import EngineError
from octavia_dag.resources.engines import Profile, Samples, VoiceCloner
from octavia_dag.resources.studio.remote import encoded
from octavia_dag.resources.studio.remote_voices import RemoteCloner, RemoteSynthesizer
from octavia_dag.schema import Span

pytestmark = pytest.mark.studio

FILE = Path(__file__).parents[3] / "deploy" / "chatterbox" / "server.py"
KEY = "sk-very-secret-0123"
REVISION = "0.1.7 0123456789ab"
TEXT = "A sentence that is heard."


class StandIn:
    """Both models: a tone as long as the text or the sound, with noise from torch's own stream."""

    sr = RATE_HZ
    paths: ClassVar[list[str]] = []

    @classmethod
    def from_pretrained(cls, device: str) -> "StandIn":
        assert device == "cpu"
        return cls()

    @classmethod
    def get_supported_languages(cls) -> dict[str, str]:
        return {"en": "English", "pt": "Portuguese"}

    @property
    def ve(self) -> "StandIn":
        return self

    def embeds_from_wavs(self, wavs: list[Any], sample_rate: int) -> Any:
        assert sample_rate == 16000
        return np.array([[band.mean() for band in np.array_split(np.abs(np.fft.rfft(one, 16000)), 32)] for one in wavs])

    def generate_speech(self, text: str, language_id: str, audio_prompt_path: str) -> Any:
        import torch

        return self._made(torch.tensor(tone(0.08 * len(text), 150.0)), audio_prompt_path)

    def generate_converted(self, audio: str, target_voice_path: str) -> Any:
        import torch

        assert Path(audio).read_bytes().startswith(b"RIFF")
        return self._made(torch.tensor(tone(0.5, 150.0)), target_voice_path)

    def _made(self, sound: Any, voice: str) -> Any:
        import torch

        self.paths.append(voice)
        assert Path(voice).read_bytes().startswith(b"RIFF")
        return (sound + 0.01 * torch.randn(len(sound))).unsqueeze(0)


class Speaking(StandIn):
    generate = StandIn.generate_speech


class Converting(StandIn):
    generate = StandIn.generate_converted


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """The server's module, listening, with nothing loaded yet."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name, told in {"mtl_tts": {"ChatterboxMultilingualTTS": Speaking}, "vc": {"ChatterboxVC": Converting}}.items():
        module = types.ModuleType(f"chatterbox.{name}")
        vars(module).update(told)
        monkeypatch.setitem(sys.modules, f"chatterbox.{name}", module)
    monkeypatch.setitem(sys.modules, "chatterbox", types.ModuleType("chatterbox"))
    spec = importlib.util.spec_from_file_location("chatterbox_server", FILE)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    refs = tmp_path / module.WEIGHTS / "refs"
    refs.mkdir(parents=True)
    (refs / "main").write_text("0123456789abcdef\n", encoding="utf-8")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "version", {"chatterbox-tts": "0.1.7"}.__getitem__)
    made = module.Server("127.0.0.1", 0, KEY)
    made.module = module
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def ready(server: Any) -> dict[str, Any]:
    """The options that name the server, which has loaded its models."""
    server.voices = server.module.Voices("cpu")
    return options(server)


def options(server: Any) -> dict[str, Any]:
    return {
        "address": f"http://127.0.0.1:{server.server_address[1]}",
        "revision": REVISION,
        "languages": "en, pt",
        "api_key": KEY,
        "limit_s": 60.0,
        "backoff_s": 0.01,
    }


@pytest.fixture
def profile() -> Profile:
    return Profile(
        speaker="A",
        segments=(Span(start=0, end=2),),
        embedding=(1.0,),
        pitch_hz=120.0,
        voice_class="male",
        reference_wav=wav(tone(2.0, 120.0)),
    )


class TestSpeaking(CloningSynthesizerContract):
    @pytest.fixture
    def synthesizer(self, ready: dict[str, Any]) -> RemoteSynthesizer:
        return RemoteSynthesizer(**ready)

    @pytest.fixture
    def sentence(self) -> Sentence:
        return TEXT, "en"


class TestKnowing(VoiceClonerContract):
    @pytest.fixture
    def cloner(self, ready: dict[str, Any]) -> VoiceCloner:
        return RemoteCloner(**ready)

    @pytest.fixture
    def speech(self) -> Samples:
        loud = np.repeat(np.random.default_rng(3).uniform(0.2, 1.0, 50), 1600)
        return (0.5 * np.sin(2 * np.pi * 200 * np.arange(80000) / 16000) * loud).astype(np.float32)


def test_the_client_s_own_settings_name_it_but_for_the_revision(ready: dict[str, Any]) -> None:
    assert RemoteSynthesizer(**ready).missing() == ()


def test_while_it_loads_it_says_so(server: Any, profile: Profile) -> None:
    told: dict[str, Any] = {**options(server), "limit_s": 0.3}
    synthesizer = RemoteSynthesizer(**told)
    with pytest.raises(EngineError, match="it answered 503"):
        synthesizer.speak_all([utterance((TEXT, "en"), profile)])


def test_speed_shortens_by_as_much(ready: dict[str, Any], profile: Profile) -> None:
    slow, fast = RemoteSynthesizer(**ready).speak_all(
        [utterance((TEXT, "en"), profile, speed=speed) for speed in (1.0, 1.15)]
    )
    assert len(slow) / len(fast) == pytest.approx(1.15, rel=0.01)


def test_another_take_is_another_sound(ready: dict[str, Any], profile: Profile) -> None:
    first, other = RemoteSynthesizer(**ready).speak_all(
        [utterance((TEXT, "en"), profile, take=take) for take in (0, 1)]
    )
    assert not np.array_equal(first, other)


def test_a_voice_lies_in_memory_and_is_gone_afterwards(ready: dict[str, Any], profile: Profile) -> None:
    StandIn.paths.clear()
    RemoteSynthesizer(**ready).speak_all([utterance((TEXT, "en"), profile)])
    [path] = StandIn.paths
    assert path.startswith("/dev/shm/")
    assert not Path(path).exists()


def post(ready: dict[str, Any], part: str, key: str = KEY, **body: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.post(f"{ready['address']}/{part}", json=body, headers=headers)


def test_a_sound_is_converted(ready: dict[str, Any], profile: Profile) -> None:
    held = encoded(profile.reference_wav)
    answer = post(ready, "convert", sound=held, voice=held)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
    assert answer.headers["revision"] == REVISION
    assert len(answer.content) == 44 + RATE_HZ


GOOD: dict[str, Any] = {
    "text": "Hello.",
    "language": "en",
    "speed": 1.0,
    "seed": 1,
    "voice": encoded(wav(tone(1.0, 100.0))),
}


@pytest.mark.parametrize(
    ("wrong", "status"),
    [({"language": "tlh"}, 422), ({"speed": 9}, 422), ({"voice": "!"}, 422), ({"text": 3}, 422), ({}, 200)],
)
def test_a_request_that_cannot_be_served_is_refused(ready: dict[str, Any], wrong: dict[str, Any], status: int) -> None:
    assert post(ready, "speak", **{**GOOD, **wrong}).status_code == status


@pytest.mark.parametrize("sound", [wav(tone(1.0, 100.0)), wav(tone(1.0, 100.0), 16000, channels=2), b"no sound"])
def test_only_a_sound_of_16_khz_is_known(ready: dict[str, Any], sound: bytes) -> None:
    assert post(ready, "embed", sound=encoded(sound)).status_code == 422


def test_a_part_that_there_is_not_and_a_wrong_key_are_refused(ready: dict[str, Any]) -> None:
    assert post(ready, "sing", **GOOD).status_code == 404
    assert post(ready, "speak", key="another", **GOOD).status_code == 401
    assert httpx.get(f"{ready['address']}/other").status_code == 404
    assert json.loads(httpx.get(f"{ready['address']}/health").content)["rate_hz"] == RATE_HZ


def test_what_was_said_and_the_key_stay_out_of_the_log(
    ready: dict[str, Any], profile: Profile, capfd: pytest.CaptureFixture[str]
) -> None:
    RemoteSynthesizer(**ready).speak_all([utterance((TEXT, "en"), profile)])
    told = "".join(capfd.readouterr())
    assert "/speak 200" in told
    assert TEXT not in told
    assert KEY not in told
