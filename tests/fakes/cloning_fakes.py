"""A synthesizer that clones, samples, speaks in batches and stretches, as honest as the other fakes.

It hums at the pitch of the profile's own sound; a take is heard in its first tone. What it was asked is counted, each
utterance for itself: only one that it has not just spoken at another speed is "spoken".
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from octavia_fakes import _called, _info  # pyright: ignore[reportPrivateUsage]
from pydantic import PrivateAttr

from octavia_dag.errors import EngineError, PairError
from octavia_dag.resources.cloning import CloningSynthesizer
from octavia_dag.resources.engines import EngineInfo, Profile, Samples, Utterance

HZ = 24000


class FakeCloning(CloningSynthesizer):
    """A hum per word, as long as its letters, at the pitch of the profile."""

    samples: ClassVar[bool] = True
    batch: ClassVar[int] = 4
    stretch: ClassVar[tuple[float, float] | None] = (0.85, 1.2)

    _spoken: set[tuple[str, str, int]] = PrivateAttr(default_factory=set)
    _batches: list[int] = PrivateAttr(default_factory=list)

    @property
    def batches(self) -> list[int]:
        """How many utterances each call held."""
        return self._batches

    def info(self) -> EngineInfo:
        return _info(self)

    @property
    def rate_hz(self) -> int:
        return HZ

    def speaks(self, language: str) -> bool:
        return language in self.info().languages

    def speak_all(self, utterances: Sequence[Utterance]) -> list[Samples]:
        self._batches.append(len(utterances))
        return [self._hum(one) for one in utterances]

    def _hum(self, one: Utterance) -> Samples:
        if not self.speaks(one.language):
            raise PairError(f"Speaking {one.language}: the fake speaks {', '.join(self.info().languages)}.")
        if not any(letter.isalnum() for letter in one.text):
            raise EngineError("Speaking an empty text is not possible; give it words.")
        if one.profile is None:
            raise EngineError(f"Speaking {one.text!r}: there is no profile for {one.voice.id}.")
        known = (one.text, one.voice.id, one.take)
        what = "stretch" if known in self._spoken else "speak"
        self._spoken.add(known)
        _called(self, f"{what} {len(one.text)} {one.voice.id} {one.language} {one.speed:.3f} {one.take}")
        pitch = pitch_of(one.profile)
        parts = [tone(pitch * (2 + one.take), 0.05 / one.speed)]
        for word in one.text.split():
            parts += [tone(pitch, 0.07 * len(word) / one.speed), np.zeros(int(0.02 / one.speed * HZ), np.float32)]
        return np.concatenate(parts)


def pitch_of(profile: Profile) -> float:
    """A pitch that follows from the profile's sound."""
    return 100.0 + sum(profile.reference_wav) % 100


def tone(hz: float, seconds: float) -> Samples:
    frames = int(seconds * HZ)
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(frames) / HZ) * np.hanning(frames)).astype(np.float32)
