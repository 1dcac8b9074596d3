"""At risk: a key in the environment that ends a command, or that does not reach the server it is for.

The command as it is run, with a server of voices that answers only who has its key.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml
from octavia_command import Octavia, make_octavia
from octavia_fakes import ENGINES
from tiny import tiny_videos
from voice_server import HEALTH, PROPER, REVISION, Answer, Request, VoiceServer, health, send

pytestmark = pytest.mark.studio

KEY, CHAT_KEY = "sk-very-secret-0123", "ck-very-secret-0123"
MODULE = "octavia_dag.resources.studio.remote_voices:"


@dataclass(frozen=True)
class Keyed(Octavia):
    """The command with keys in its environment."""

    def environment(self) -> dict[str, str]:
        keys = {"OCTAVIA_REMOTE_KEY": KEY, "OCTAVIA_CHAT_KEY": CHAT_KEY}
        return super().environment() | keys | {"NO_PROXY": "127.0.0.1"}


def locked(proper: Answer) -> Answer:
    """`proper` for who has the key; a refusal for who has not."""

    def answer(handler: BaseHTTPRequestHandler, request: Request) -> None:
        opened = handler.headers["Authorization"] == f"Bearer {KEY}"
        (proper if opened else send(b"", status=401))(handler, request)

    return answer


@pytest.fixture
def server() -> Iterator[VoiceServer]:
    made = VoiceServer()
    proper = PROPER | {"health": health(languages=[*HEALTH["languages"], "es"])}
    made.answers = {part: [locked(answer)] for part, answer in proper.items()}
    yield made
    made.stop()


@pytest.fixture
def octavia(tmp_path: Path, models_dir: str) -> Keyed:
    made = make_octavia(tmp_path / "octavia", models_dir)
    return Keyed(made.home, made.models_dir, made.control)


@pytest.fixture
def settings(server: VoiceServer, tmp_path: Path) -> Path:
    options = {"address": server.address, "engine": "tone", "revision": REVISION, "languages": "en, pt, es"}
    chosen: dict[str, Any] = {
        **ENGINES,
        "voices": {"engine": f"{MODULE}RemoteCloner", "options": options},
        "synthesis": {"engine": f"{MODULE}RemoteSynthesizer", "options": options},
    }
    path = tmp_path / "remote.yaml"
    path.write_text(yaml.safe_dump(chosen), encoding="utf-8")
    return path


def test_a_dub_and_voices_derived_again_for_another_language_ask_with_the_key(
    octavia: Keyed, server: VoiceServer, settings: Path, models_dir: str, tmp_path: Path
) -> None:
    [video] = tiny_videos(models_dir, tmp_path, 1)
    for tag in ("pt-BR", "es"):
        embedded = server.count("embed")
        done = octavia("dub", video, "--to", tag, "--settings", settings, "--out", tmp_path / "out")
        assert done.returncode == 0, done.stderr
        assert server.count("embed") > embedded, "the voices of the first language are let go when it is delivered"
        assert server.keys == {f"Bearer {KEY}"}
        assert KEY not in done.stdout + done.stderr


def test_the_doctor_asks_both_servers_with_their_keys_and_shows_neither(
    octavia: Keyed, server: VoiceServer, settings: Path
) -> None:
    chosen: dict[str, Any] = yaml.safe_load(settings.read_text(encoding="utf-8"))
    chosen["translation"]["endpoint"] = "http://127.0.0.1:9/v1"
    fields = [f"{name}.{field}={json.dumps(one)}" for name, told in chosen.items() for field, one in told.items()]
    done = octavia("settings", "set", *fields)
    assert done.returncode == 0, done.stderr
    done = octavia("doctor")
    assert "Traceback" not in done.stderr
    assert "synthesizer: tone" in done.stdout
    assert "condenser: chat 127.0.0.1:9" in done.stdout
    assert "401" not in done.stdout
    assert server.keys == {f"Bearer {KEY}"}
    assert KEY not in done.stdout
    assert CHAT_KEY not in done.stdout
