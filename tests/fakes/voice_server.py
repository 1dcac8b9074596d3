"""A server of voices on the loopback: it speaks our protocol, as a tone whose pitch is the voice's, and misbehaves when
told to.
"""

import base64
import hashlib
import io
import json
import threading
import time
import wave
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 24000
REVISION = "0.1.7 abc"
HEALTH: dict[str, Any] = {
    "name": "tone",
    "revision": REVISION,
    "licence": "MIT",
    "commercial": True,
    "languages": ["en", "pt"],
    "rate_hz": RATE_HZ,
}
DIMENSIONS = 64
Request = dict[str, Any]
Answer = Callable[[BaseHTTPRequestHandler, Request], None]


class VoiceServer:
    """Answers `part` as told in `answers` in turn, the last one again and again; where nothing is told, properly."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, Request]] = []
        self.keys: set[str | None] = set()
        self.times: list[float] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self, {})

            def do_POST(self) -> None:
                outer.answer(self, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def count(self, part: str) -> int:
        return sum(one == part for one, _ in self.asked)

    def answer(self, handler: BaseHTTPRequestHandler, request: Request) -> None:
        part = handler.path.strip("/")
        before = self.count(part)
        self.asked.append((part, request))
        self.keys.add(handler.headers["Authorization"])
        self.times.append(time.monotonic())
        told = self.answers.get(part) or [PROPER[part]]
        try:
            told[min(before, len(told) - 1)](handler, request)
        except OSError:
            handler.close_connection = True


def send(body: bytes, kind: str = "audio/wav", status: int = 200, length: int | None = None, **headers: str) -> Answer:
    """An answer with this body; `length` is what is told of it, where that is a lie."""

    def answer(handler: BaseHTTPRequestHandler, _: Request) -> None:
        handler.send_response(status)
        for name, value in {"Content-Type": kind, "Revision": REVISION, **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = length is not None

    return answer


def health(**other: Any) -> Answer:
    return send(json.dumps({**HEALTH, **other}).encode(), "application/json; charset=utf-8")


def hang(handler: BaseHTTPRequestHandler, _: Request) -> None:
    time.sleep(3)


def drip(handler: BaseHTTPRequestHandler, _: Request) -> None:
    """Never a second without a byte, and never done."""
    handler.send_response(200)
    handler.send_header("Content-Type", "audio/wav")
    handler.send_header("Revision", REVISION)
    handler.end_headers()
    for _byte in range(30):
        handler.wfile.write(b"R")
        handler.wfile.flush()
        time.sleep(0.1)


def drip_headers(handler: BaseHTTPRequestHandler, _: Request) -> None:
    """A header that never ends."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Told: ")
    for _byte in range(30):
        handler.wfile.write(b"a")
        time.sleep(0.1)


def still_at_it(handler: BaseHTTPRequestHandler, _: Request) -> None:
    """Says again and again that it works on it."""
    for _time in range(30):
        handler.wfile.write(b"HTTP/1.1 102 Processing\r\n\r\n")
        time.sleep(0.1)


def drop(handler: BaseHTTPRequestHandler, _: Request) -> None:
    handler.close_connection = True
    handler.connection.close()


def wav(sound: NDArray[Any], rate_hz: int = RATE_HZ, channels: int = 1, width: int = 2) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width)
        writer.setframerate(rate_hz)
        writer.writeframes((sound * (2 ** (8 * width - 1) - 1)).astype(f"<i{width}").tobytes())
    return file.getvalue()


def read(held: str) -> tuple[NDArray[np.float32], int]:
    with wave.open(io.BytesIO(base64.b64decode(held))) as reader:
        samples = np.frombuffer(reader.readframes(reader.getnframes()), "<i2")
        return samples.astype(np.float32) / np.float32(32768), reader.getframerate()


def pitch_of(held: str) -> float:
    """The strongest frequency between 60 and 400 Hz of a sound that came with a request."""
    sound, rate_hz = read(held)
    spectrum = np.abs(np.fft.rfft(sound))
    hertz = np.fft.rfftfreq(len(sound), 1 / rate_hz)
    return float(hertz[np.argmax(np.where((hertz > 60) & (hertz < 400), spectrum, 0))])


def tone(seconds: float, pitch_hz: float, seed: int = 0) -> NDArray[np.float32]:
    """Five harmonics, the first the strongest, whose phases are the seed's."""
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, 5)
    told = [0.2 / n * np.sin(2 * np.pi * pitch_hz * n * at + phases[n - 1]) for n in range(1, 6)]
    return np.sum(told, axis=0).astype(np.float32)


def _speak(handler: BaseHTTPRequestHandler, request: Request) -> None:
    words = hashlib.sha256(f"{request['language']} {request['text']}".encode()).digest()[0]
    seconds = (0.06 * len(request["text"]) + words / 1000) / request["speed"]
    send(wav(tone(seconds, pitch_of(request["voice"]), request["seed"])))(handler, request)


def _embed(handler: BaseHTTPRequestHandler, request: Request) -> None:
    sound, _ = read(request["sound"])
    bands = np.array_split(np.abs(np.fft.rfft(sound, 16000)), DIMENSIONS)
    found = {"embedding": [float(band.mean()) for band in bands]}
    send(json.dumps(found).encode(), "application/json")(handler, request)


def _convert(handler: BaseHTTPRequestHandler, request: Request) -> None:
    sound, rate_hz = read(request["sound"])
    send(wav(tone(len(sound) / rate_hz, pitch_of(request["voice"]))))(handler, request)


PROPER: dict[str, Answer] = {"health": health(), "speak": _speak, "embed": _embed, "convert": _convert}
