"""Voices that a server speaks and knows (studio/remote.py): for engines that need an environment of their own.

Name, revision, licence and languages stand in the settings, because plan and licence gate must know them when no server
runs; the server is held to them before the first word. So a key never names weights that did not speak. The voice goes
along with each line, from memory to memory; the server keeps none. The same line and take have the same seed.
"""

import hashlib
import threading
from collections.abc import Sequence
from typing import ClassVar

import httpx
import numpy as np
from pydantic import Field, PrivateAttr, field_validator

from octavia_dag.dubbing.numerals import base
from octavia_dag.dubbing.pitch import median_pitch_hz
from octavia_dag.dubbing.references import best_segments
from octavia_dag.errors import EngineError, OctaviaError, PairError, SettingsError
from octavia_dag.resources.cloning import CloningSynthesizer
from octavia_dag.resources.engines import Engine, EngineInfo, Licence, Profile, Samples, Utterance, VoiceCloner
from octavia_dag.resources.stopwatch import busy
from octavia_dag.resources.studio.remote import Health, VoiceServer, encoded, wav
from octavia_dag.resources.studio.voice_cloner import voice_class
from octavia_dag.schema import Span

_METHOD = "remote-1"  # seeds and what is sent; another number where the same server would say it otherwise
HEARING_HZ = 16000
REFERENCE_S = 30.0
_LOOK_S = 5.0
_LEAST_S = 0.4
_LONGEST_SHOWN = 200
_CHATTERBOX = "ar, da, de, el, en, es, fi, fr, he, hi, it, ja, ko, ms, nl, no, pl, pt, ru, sv, sw, tr, zh"


class RemoteEngine(Engine):
    """What the settings say of the server at `address`; what is set here is that of deploy/chatterbox, but for the
    `revision`, which depends on when it was built.
    """

    address: str = "http://127.0.0.1:8400"
    engine: str = "chatterbox-multilingual"
    revision: str = ""
    licence: str = "MIT"
    commercial: bool = True
    languages: str = _CHATTERBOX
    rate: int = Field(default=24000, ge=8000, le=96000)
    api_key: str = Field(default="", repr=False)
    limit_s: float = Field(default=300.0, gt=0)
    request_s: float = Field(default=120.0, gt=0)
    backoff_s: float = Field(default=0.5, gt=0)

    _known: bool = PrivateAttr(default=False)
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @field_validator("address")
    @classmethod
    def _bare(cls, address: str) -> str:
        try:
            told = httpx.URL(address)
        except httpx.InvalidURL as error:
            raise ValueError("no address") from error
        if told.scheme not in ("http", "https") or not told.host or told.userinfo or told.query:
            raise ValueError("not a bare http(s) address")
        return address

    def info(self) -> EngineInfo:
        """What the settings say; nothing is asked."""
        told = f"{self.revision or 'unset'} {_METHOD}"
        return EngineInfo(name=self.engine, revision=told, licence=self.licence, languages=self.tongues)

    def licences(self, language: str | None = None) -> tuple[Licence, ...]:
        """What the settings say, which the server is held to."""
        kept = "a server whose engine may be sold"
        return (Licence(part=self.engine, name=self.licence, commercial=self.commercial, instead=kept),)

    def missing(self) -> tuple[str, ...]:
        """A sentence where the server is away, or another one than the settings say."""
        try:
            self._hold(self._server(_LOOK_S).health())
        except OctaviaError as error:
            return (str(error),)
        return ()

    @property
    def tongues(self) -> tuple[str, ...]:
        """The languages, by the server's codes."""
        return tuple(sorted({one.strip() for one in self.languages.split(",") if one.strip()}))

    @property
    def told(self) -> Health:
        """What the settings say of the server, in its own words."""
        return Health(
            name=self.engine,
            revision=self.revision,
            licence=self.licence,
            commercial=self.commercial,
            languages=self.tongues,
            rate_hz=self.rate,
        )

    def server(self) -> VoiceServer:
        """The server, held to the settings once per process; its revision is looked at in every answer."""
        server = self._server(self.limit_s)
        with self._lock:
            if not self._known:
                self._hold(server.health())
                self._known = True
        return server

    def _server(self, limit_s: float) -> VoiceServer:
        return VoiceServer(self.address, self.api_key, limit_s, min(self.request_s, limit_s), self.backoff_s)

    def _hold(self, found: Health) -> None:
        """A SettingsError that names what differs."""
        wanted, there = self.told.model_dump(), found.model_dump()
        differs = [
            f"{name} is {self._shown(there[name])} and not {wanted[name]!r}"
            for name in ("name", "revision", "licence", "commercial", "rate_hz")
            if there[name] != wanted[name]
        ]
        lacking = set(wanted["languages"]) - set(there["languages"])
        differs += [f"it lacks {', '.join(sorted(lacking))}"] if lacking else []
        if differs:
            raise SettingsError(
                f"The server of voices at {self._server(_LOOK_S).host} is not the one that the settings name: "
                f"{'; '.join(differs)}; correct the options (engine, revision, licence, commercial, languages, rate), "
                "or run the server that they name."
            )

    def _shown(self, value: object) -> str:
        """What the server says, unless it says what it was sent; a sign that would move the cursor is spelled out."""
        told = repr(value)
        return "something else" if len(told) > _LONGEST_SHOWN or (self.api_key and self.api_key in str(value)) else told


class RemoteSynthesizer(RemoteEngine, CloningSynthesizer):
    """Speaks in the voices of profiles, whose reference sounds the server is given."""

    samples: ClassVar[bool] = True

    @property
    def rate_hz(self) -> int:
        """The server's."""
        return self.rate

    def speaks(self, language: str) -> bool:
        """Whether the settings list it."""
        return base(language) in self.tongues

    def speak_all(self, utterances: Sequence[Utterance]) -> list[Samples]:
        """The sound of each, one after the other; an EngineError without profile or text, a PairError else."""
        return [self._spoken(one) for one in utterances]

    def _spoken(self, one: Utterance) -> Samples:
        profile, asked = checked(self, one)
        request = {
            "text": one.text,
            "language": base(one.language),
            "speed": one.speed,
            "seed": _seed(one),
            "voice": encoded(profile.reference_wav),
        }
        with busy("engine", self.engine):
            return self.server().sound(asked, "speak", request, self.told)


class RemoteCloner(RemoteEngine, VoiceCloner):
    """Knows people by the server's embeddings; a voice is its reference sound. Its class goes by pitch alone."""

    choice: ClassVar[float] = 4.0

    _numbers: int = PrivateAttr(default=0)

    def embed(self, sound: Samples) -> Samples:
        """Unit-length embedding of a mono 16 kHz sound of at least 0.4 s, else an EngineError."""
        if len(sound) < _LEAST_S * HEARING_HZ or not np.any(sound):
            raise EngineError(
                f"Knowing somebody by {len(sound) / HEARING_HZ:.2f} s of sound: {_LEAST_S} s are the least, and they "
                "must not be silent."
            )
        return self._embedded(wav(sound, HEARING_HZ), "Knowing somebody by their voice")

    def profile(self, speaker: str, sound: Samples, segments: Sequence[Span]) -> Profile:
        """Profile from the clearest 30 s of the `segments` of a mono 16 kHz sound; an EngineError below 0.4 s."""
        chosen = best_segments(sound, HEARING_HZ, segments, seconds=REFERENCE_S)
        parts = [sound[round(s.start * HEARING_HZ) : round(s.end * HEARING_HZ)] for s in chosen]
        reference = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        if len(reference) < _LEAST_S * HEARING_HZ or not np.any(reference):
            raise EngineError(
                f"Profiling speaker {speaker}: the {len(parts)} reference segments hold "
                f"{len(reference) / HEARING_HZ:.2f} s of sound, and {_LEAST_S} s are the least; check the diarization "
                "of this video."
            )
        held = wav(reference, HEARING_HZ)
        pitch = median_pitch_hz(reference, HEARING_HZ)
        return Profile(
            speaker=speaker,
            segments=chosen,
            embedding=tuple(float(value) for value in self._embedded(held, f"Profiling speaker {speaker}")),
            pitch_hz=pitch,
            voice_class=voice_class(pitch),
            reference_wav=held,
        )

    def _embedded(self, held: bytes, asked: str) -> Samples:
        server = self.server()
        with busy("engine", self.engine):
            found = server.embedding(asked, held, self.told)
        with self._lock:
            self._numbers = self._numbers or len(found)
        if len(found) != self._numbers:
            raise server.failure(asked, f"its embedding has {len(found)} numbers, and another had {self._numbers}")
        return found


def checked(synthesizer: CloningSynthesizer, one: Utterance) -> tuple[Profile, str]:
    """Whose voice it is, and how a sentence about it begins; what cannot be spoken is refused."""
    asked = f"Speaking {one.text!r} in {one.language}"
    if not any(letter.isalnum() for letter in one.text):
        raise EngineError(f"{asked}: there is nothing in it that can be spoken; mend the text.")
    told = synthesizer.info()
    if not synthesizer.speaks(one.language):
        raise PairError(f"{asked}: {told.name} speaks {', '.join(told.languages)}; choose another synthesizer.")
    if one.profile is None:
        raise EngineError(
            f"{asked}: {told.name} speaks only in cloned voices, and no profile came with {one.voice.id}."
        )
    return one.profile, asked


def _seed(one: Utterance) -> int:
    told = "\0".join((one.text, one.language, one.voice.id, str(one.take)))
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:4], "big") >> 1
