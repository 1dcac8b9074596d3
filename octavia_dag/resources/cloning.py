"""Synthesizers that clone: they have no catalogue, they speak in the voices of the speakers' profiles.

A cloned voice is named after its speaker, and its one style is a keyed mark of what it was cloned from. So cast and
lines know a voice that became another one, without the voice being shown; and a voice that was only derived again, with
other last digits, is the same one.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from octavia_dag.errors import EngineError
from octavia_dag.resources.engines import Profile, Samples, Synthesizer, Utterance
from octavia_dag.resources.vault import keyed_mark
from octavia_dag.schema import Voice

PREFIX = "cloned:"


def voice_id(speaker: str) -> str:
    """The name of a speaker's cloned voice."""
    return f"{PREFIX}{speaker}"


def cloned_voice(profile: Profile, cloner: str, key: bytes, speaker: str = "") -> Voice:
    """The voice of `profile`, which `cloner` (name and revision) made; its mark tells nothing without `key`.

    It is named after `speaker` where that is another name than the profile's.
    """
    mark = keyed_mark([cloner.encode(), profile.reference_wav], key)
    return Voice(id=voice_id(speaker or profile.speaker), styles=((mark, 1.0),), voice_class=profile.voice_class)


class CloningSynthesizer(Synthesizer):
    """Speaks in the voices of profiles alone: it has no catalogue, and every utterance brings its profile."""

    clones: ClassVar[bool] = True

    def voices(self, language: str) -> tuple[Voice, ...]:
        """None: the voices are the speakers'."""
        del language
        return ()

    @abstractmethod
    def speaks(self, language: str) -> bool:
        """Whether it can speak `language`."""

    def likeness(self, voice: Voice, language: str) -> tuple[Samples, float]:
        """An EngineError: a cloned voice sounds like its profile."""
        raise EngineError(f"Comparing the voice {voice.id} in {language}: {self.info().name} has no voices of its own.")

    def speak(self, text: str, voice: Voice, language: str, speed: float) -> Samples:
        """An EngineError: without a profile there is no voice."""
        del speed
        raise EngineError(
            f"Speaking {text!r} in {language}: {self.info().name} speaks only in cloned voices, and no profile was "
            f"given for {voice.id}."
        )

    @abstractmethod
    def speak_all(self, utterances: Sequence[Utterance]) -> list[Samples]:
        """As above; an EngineError for an utterance without a profile, a PairError for a language it cannot speak."""
