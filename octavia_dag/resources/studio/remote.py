"""A server of voices, for engines that do not fit into this environment: one small protocol, and its client.

    GET  /health   {"name", "revision", "licence", "commercial", "languages", "rate_hz"}; 503 while it loads
    POST /speak    {"text", "language", "speed", "seed", "voice"} -> sound; speed 1.0 is natural, pitch stays as it is
    POST /embed    {"sound"} of 16 kHz -> {"embedding": [...]}, of any length; who is alike is near
    POST /convert  {"sound", "voice"} -> sound: the same words in that voice

A sound is a WAV, mono, 16 bit: base64 in what is asked, bytes of type audio/wav at `rate_hz` in what is answered. Every
answer names its revision in the header `Revision`. Where there is a key it comes as a bearer token.

What goes wrong is sorted in two. A server that is away, busy or cut short is asked again, later and later, inside a
limit. All else a repetition cannot mend (a refusal, an answer that is no sound, silence, another rate or revision):
one sentence at once. An answer is read no further than a sound could be long, and none is ever quoted: what a server
says may hold what it was sent.
"""

import base64
import io
import time
import wave
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import tenacity
from pydantic import BaseModel, ConfigDict, ValidationError

from octavia_dag.errors import EngineError
from octavia_dag.resources.asking import CompressedError, body_of
from octavia_dag.resources.engines import Samples

LONGEST_S = 120
SILENCE = 1e-3
_BUSY = (408, 409, 425, 429)
_MOST_TEXT_BYTES = 1 << 16
_WAV_HEAD_BYTES = 1 << 10
_CAUSES = {
    401: "the key was refused; set OCTAVIA_REMOTE_KEY",
    403: "the key was refused; set OCTAVIA_REMOTE_KEY",
    404: "it has no such part; run a server that has",
}


class Health(BaseModel):
    """What a server says of itself."""

    model_config = ConfigDict(frozen=True)

    name: str
    revision: str
    licence: str
    commercial: bool
    languages: tuple[str, ...]
    rate_hz: int


class _Embedding(BaseModel):
    """What /embed answers."""

    model_config = ConfigDict(strict=True)

    embedding: list[float]


class _TryAgainError(Exception):
    """The server is away or busy; `after_s` is how long it asked to be left alone."""

    def __init__(self, cause: str, after_s: float = 0.0) -> None:
        super().__init__(cause)
        self.after_s = after_s


class _UselessError(Exception):
    """An answer that a repetition would not mend."""


@dataclass(frozen=True)
class VoiceServer:
    """`limit_s` bounds a piece of work with all its repetitions, `request_s` one of them."""

    address: str
    key: str = field(default="", repr=False)
    limit_s: float = 300.0
    request_s: float = 120.0
    backoff_s: float = 0.5

    @property
    def host(self) -> str:
        """Host and port."""
        told = httpx.URL(self.address)
        return f"{told.host}:{told.port}" if told.port else told.host

    def health(self) -> Health:
        """What the server says of itself; an EngineError where it says nothing that can be read."""
        asked = "Asking how it does"
        body = self._ask(asked, "GET", "health", None, "application/json", _MOST_TEXT_BYTES, "")
        try:
            return Health.model_validate_json(body)
        except ValidationError as error:
            wrong = ", ".join(sorted({str(one["loc"][0]) for one in error.errors() if one["loc"]})) or "all of it"
            raise self.failure(asked, f"its answer cannot be read ({wrong})") from error

    def sound(self, asked: str, part: str, request: dict[str, Any], told: Health) -> Samples:
        """The sound that `part` answers with; `asked` begins the sentence of an error."""
        most = LONGEST_S * told.rate_hz * 2 + _WAV_HEAD_BYTES
        body = self._ask(asked, "POST", part, request, "audio/wav", most, told.revision)
        try:
            return _sound(body, told.rate_hz)
        except _UselessError as error:
            raise self.failure(asked, str(error)) from error

    def embedding(self, asked: str, sound: bytes, told: Health) -> Samples:
        """The embedding of a WAV, unit-length."""
        request = {"sound": encoded(sound)}
        body = self._ask(asked, "POST", "embed", request, "application/json", _MOST_TEXT_BYTES, told.revision)
        try:
            vector = np.array(_Embedding.model_validate_json(body).embedding, np.float64)
        except ValidationError as error:
            raise self.failure(asked, "its answer is no embedding") from error
        length = float(np.linalg.norm(vector))
        if not np.isfinite(length) or not length > 0.0:
            raise self.failure(asked, "its embedding has no direction")
        return (vector / length).astype(np.float32)

    def _ask(self, asked: str, method: str, part: str, request: Any, kind: str, most: int, revision: str) -> bytes:
        deadline = time.monotonic() + self.limit_s
        growing = tenacity.wait_random_exponential(multiplier=self.backoff_s, max=10)

        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            return max(error.after_s if isinstance(error, _TryAgainError) else 0.0, growing(state))

        def over(state: tenacity.RetryCallState) -> bool:
            return time.monotonic() + state.upcoming_sleep >= deadline

        repeated = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_TryAgainError), wait=wait, stop=over, reraise=True
        )
        try:
            return repeated(self._once, method, part, request, kind, most, revision, deadline)
        except _TryAgainError as error:
            raise EngineError(
                f"{asked}: the server of voices at {self.host} gave nothing within {self.limit_s:.0f} s ({error}); see "
                "that it runs and is not overloaded, then try again.",
                passing=True,
            ) from error
        except _UselessError as error:
            raise self.failure(asked, str(error)) from error

    def _once(
        self, method: str, part: str, request: Any, kind: str, most: int, revision: str, deadline: float
    ) -> bytes:
        left = max(0.1, min(self.request_s, deadline - time.monotonic()))
        headers = {"Accept": kind, **({"Authorization": f"Bearer {self.key}"} if self.key else {})}
        address = f"{self.address.rstrip('/')}/{part}"
        try:
            body = body_of(
                method,
                address,
                seconds=left,
                most=most,
                judge=lambda answer: _judge(answer, kind, revision),
                request=request,
                headers=headers,
            )
        except httpx.RequestError as error:
            raise _TryAgainError(type(error).__name__) from error
        except TimeoutError as error:
            raise _TryAgainError("its answer took too long") from error
        except CompressedError as error:
            raise _UselessError(str(error)) from error
        if len(body) > most:
            raise _UselessError(f"its answer is longer than {most} bytes")
        return body

    def failure(self, asked: str, cause: str) -> EngineError:
        """The sentence about a server that a repetition would not mend."""
        return EngineError(f"{asked}: the server of voices at {self.host} cannot be used: {cause}.")


def encoded(sound: bytes) -> str:
    """Bytes as a request holds them."""
    return base64.b64encode(sound).decode()


def wav(sound: Samples, rate_hz: int) -> bytes:
    """A mono sound as a WAV of 16 bit."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes((np.clip(sound, -1.0, 1.0) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def _judge(answer: httpx.Response, kind: str, revision: str) -> None:
    """Refuses what is no answer, before any of it is read."""
    status = answer.status_code
    if status in _BUSY or status >= 500:
        value = answer.headers.get("retry-after", "").strip()
        raise _TryAgainError(f"it answered {status}", float(value) if value.isdecimal() else 0.0)
    if status != 200:
        raise _UselessError(f"it answered {status}{' (' + _CAUSES[status] + ')' if status in _CAUSES else ''}")
    if answer.headers.get("content-type", "").partition(";")[0].strip().lower() != kind:
        raise _UselessError(f"its answer is not of the type {kind}")
    if revision and answer.headers.get("revision", "") != revision:
        raise _UselessError("it is of another revision than when it was first asked; run the dub again")


def _sound(body: bytes, rate_hz: int) -> Samples:
    try:
        with wave.open(io.BytesIO(body)) as reader:
            told = reader.getparams()
            frames = reader.readframes(told.nframes)
    except (wave.Error, EOFError, RuntimeError) as error:  # RuntimeError: of a chunk that ends beyond its end
        raise _UselessError("its answer is no WAV") from error
    if (told.nchannels, told.sampwidth) != (1, 2):
        raise _UselessError("its sound is not mono with 16 bit")
    if told.framerate != rate_hz:
        raise _UselessError(f"its sound has {told.framerate} Hz, and {rate_hz} Hz were told")
    if len(frames) != 2 * told.nframes:
        raise _UselessError("its sound ends before its end")
    sound = np.frombuffer(frames, "<i2").astype(np.float32) / np.float32(32768)
    if not np.abs(sound).max(initial=0.0) > SILENCE:
        raise _UselessError("its sound is silence")
    return sound
