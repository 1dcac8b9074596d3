"""A server of voices around Chatterbox Multilingual and its voice conversion, as octavia_dag asks one.

The protocol is told in octavia_dag/resources/studio/remote.py. This file imports nothing of octavia_dag and needs
nothing but what chatterbox-tts brings, so it runs alone in its container. It uses `from_pretrained` and `generate` of
`ChatterboxMultilingualTTS` and `ChatterboxVC`, and the speaker encoder `ve`; it was tested around stand-ins for these,
and never with the real weights.

One thing is done at a time: there is one card, and the library keeps the voice of a call in the model. Its functions
take paths, so a voice lies in /dev/shm, which is memory, while it is used. Chatterbox knows no speed; a sound is
stretched afterwards.
"""

import base64
import hmac
import io
import json
import os
import tempfile
import threading
import wave
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

PORT = 8400
PACKAGE, WEIGHTS = "chatterbox-tts", "models--ResembleAI--chatterbox"
MOST_BYTES = 32 << 20
MEMORY = "/dev/shm"  # noqa: S108 - memory, and of this container alone
HEARING_HZ = 16000


class RequestError(Exception):
    """What was asked cannot be done; the status tells why."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Voices:
    """The models, and what is asked of them."""

    def __init__(self, device: str) -> None:
        from chatterbox.mtl_tts import ChatterboxMultilingualTTS
        from chatterbox.vc import ChatterboxVC

        self.speaking: Any = ChatterboxMultilingualTTS.from_pretrained(device=device)
        self.converting: Any = ChatterboxVC.from_pretrained(device)
        self.languages = sorted(ChatterboxMultilingualTTS.get_supported_languages())
        self.revision = revision()
        self.lock = threading.Lock()

    def health(self) -> dict[str, Any]:
        """What this server is."""
        return {
            "name": "chatterbox-multilingual",
            "revision": self.revision,
            "licence": "MIT",
            "commercial": True,
            "languages": self.languages,
            "rate_hz": self.speaking.sr,
        }

    def speak(self, asked: dict[str, Any]) -> tuple[bytes, str]:
        """The text in the voice; the same seed, the same sound."""
        import librosa
        import torch

        text, language, speed, seed = asked["text"], asked["language"], float(asked["speed"]), int(asked["seed"])
        if not isinstance(text, str) or language not in self.languages or not 0.5 <= speed <= 2.0:
            raise RequestError(422)
        with in_memory(asked["voice"]) as voice:
            torch.manual_seed(seed)
            made = self.speaking.generate(text, language_id=language, audio_prompt_path=voice)
        sound = made.squeeze().cpu().numpy()
        if speed != 1.0:
            sound = librosa.effects.time_stretch(sound, rate=speed)
        return wav(sound, self.speaking.sr), "audio/wav"

    def embed(self, asked: dict[str, Any]) -> tuple[bytes, str]:
        """Who is heard, as numbers."""
        sound = heard(asked["sound"])
        embedding = self.speaking.ve.embeds_from_wavs([sound], sample_rate=HEARING_HZ)[0]
        return json.dumps({"embedding": [float(one) for one in embedding]}).encode(), "application/json"

    def convert(self, asked: dict[str, Any]) -> tuple[bytes, str]:
        """The sound in another voice."""
        with in_memory(asked["sound"]) as sound, in_memory(asked["voice"]) as voice:
            made = self.converting.generate(sound, target_voice_path=voice)
        return wav(made.squeeze().cpu().numpy(), self.converting.sr), "audio/wav"


class Server(ThreadingHTTPServer):
    """Answers 503 until `voices` are there."""

    daemon_threads = True

    def __init__(self, host: str, port: int, key: str) -> None:
        super().__init__((host, port), Handler)
        self.key = key
        self.voices: Voices | None = None


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def do_GET(self) -> None:
        """Only /health."""
        self._answered(lambda voices: (json.dumps(voices.health()).encode(), "application/json"), "/health")

    def do_POST(self) -> None:
        """/speak, /embed and /convert."""
        parts: dict[str, Callable[[Voices, dict[str, Any]], tuple[bytes, str]]] = {
            "/speak": Voices.speak,
            "/embed": Voices.embed,
            "/convert": Voices.convert,
        }
        part = parts.get(self.path)

        def work(voices: Voices) -> tuple[bytes, str]:
            asked = self._request()
            if part is None:
                raise RequestError(404)
            try:
                with voices.lock:
                    return part(voices, asked)
            except (KeyError, TypeError, ValueError) as error:
                raise RequestError(422) from error

        self._answered(work, self.path)

    def log_message(self, format: str, *args: object) -> None:
        """Which part was asked for and what came of it; never what was said."""
        print(self.path, *args[1:2], flush=True)  # noqa: T201 - a container's log is what it prints

    def _answered(self, work: Callable[[Voices], tuple[bytes, str]], path: str) -> None:
        try:
            if self.path != path:
                raise RequestError(404)
            told = self.headers.get("Authorization", "").encode()
            wanted = f"Bearer {self.server.key}".encode()
            # How it does is told to everybody: the container's own health check has no key.
            if self.command == "POST" and self.server.key and not hmac.compare_digest(told, wanted):
                raise RequestError(401)
            voices = self.server.voices
            if voices is None:
                raise RequestError(503)
            body, kind = work(voices)
        except RequestError as error:
            self.send_response(error.status)
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")  # what was sent may not have been read
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Revision", voices.revision)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _request(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            raise RequestError(413)
        try:
            asked = json.loads(self.rfile.read(int(length)))
        except ValueError as error:
            raise RequestError(400) from error
        if not isinstance(asked, dict):
            raise RequestError(400)
        return asked


def revision() -> str:
    """The package's version and the commit of the weights that it fetched."""
    from huggingface_hub.constants import HF_HUB_CACHE

    commit = (Path(HF_HUB_CACHE) / WEIGHTS / "refs" / "main").read_text(encoding="utf-8").strip()
    return f"{version(PACKAGE)} {commit[:12]}"


@contextmanager
def in_memory(held: str) -> Generator[str]:
    """Path of what `held` (base64) holds, for as long as it is used."""
    with tempfile.NamedTemporaryFile(dir=MEMORY, suffix=".wav") as file:
        file.write(base64.b64decode(held, validate=True))
        file.flush()
        yield file.name


def heard(held: str) -> Any:
    """A mono sound of 16 kHz from what `held` (base64) holds."""
    import numpy as np

    try:
        with wave.open(io.BytesIO(base64.b64decode(held, validate=True))) as reader:
            told, frames = reader.getparams(), reader.readframes(reader.getnframes())
    except (wave.Error, EOFError) as error:
        raise RequestError(422) from error
    if (told.nchannels, told.sampwidth, told.framerate) != (1, 2, HEARING_HZ):
        raise RequestError(422)
    return np.frombuffer(frames, "<i2").astype(np.float32) / np.float32(32768)


def wav(sound: Any, rate_hz: int) -> bytes:
    """A mono sound as a WAV of 16 bit."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes((sound.clip(-1.0, 1.0) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def main() -> None:
    """Listens at once, so that who asks is told to wait, and loads then."""
    server = Server("0.0.0.0", PORT, os.environ.get("OCTAVIA_REMOTE_KEY", ""))  # noqa: S104 - the container's own
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.voices = Voices(os.environ.get("DEVICE", "cuda"))
    print(f"revision: {server.voices.revision}", flush=True)  # noqa: T201
    threading.Event().wait()


if __name__ == "__main__":
    main()
