"""A voice put over another: one synthesizer speaks well in a voice of its own, a server makes the speaker's of it.

That is how RVC and its like clone in languages that no cloning engine speaks. Length and rhythm are those of the
synthesizer that spoke; what it knows of speeds holds.
"""

from collections.abc import Sequence

from octavia_dag.resources.cloning import CloningSynthesizer
from octavia_dag.resources.engine_room import EngineRoom
from octavia_dag.resources.engines import EngineInfo, Licence, Samples, Synthesizer, Utterance
from octavia_dag.resources.stopwatch import busy
from octavia_dag.resources.studio.remote import encoded, wav
from octavia_dag.resources.studio.remote_voices import RemoteEngine, checked


class RemoteConverter(RemoteEngine, CloningSynthesizer):
    """Another synthesizer speaks, in its voice of the speaker's class, and the server makes the speaker's voice of it.

    `speaker` is that synthesizer's import path; its languages are those of both.
    """

    engine: str = "rvc"
    licence: str = ""
    commercial: bool = False
    languages: str = ""
    speaker: str = "octavia_dag.resources.embedded.synthesizer:KokoroSynthesizer"

    @property
    def rate_hz(self) -> int:
        """The server's."""
        return self.rate

    def info(self) -> EngineInfo:
        """Both engines."""
        told, spoken = super().info(), self._speaker().info()
        return EngineInfo(
            name=f"{spoken.name}+{told.name}",
            revision=f"{spoken.revision} {told.revision}",
            licence=f"{spoken.licence}; {told.licence or 'not told'}",
            languages=spoken.languages,
        )

    def licences(self, language: str | None = None) -> tuple[Licence, ...]:
        """Those of both."""
        return (*self._speaker().licences(language), *super().licences(language))

    def missing(self) -> tuple[str, ...]:
        """What either lacks."""
        return (*self._speaker().missing(), *super().missing())

    def speaks(self, language: str) -> bool:
        """Whether the speaking one does: to whoever converts, a language is sound."""
        return self._speaker().speaks(language)

    def speak_all(self, utterances: Sequence[Utterance]) -> list[Samples]:
        """The sound of each, one after the other."""
        return [self._converted(one) for one in utterances]

    def _converted(self, one: Utterance) -> Samples:
        profile, asked = checked(self, one)
        speaker = self._speaker()
        there = speaker.voices(one.language)
        voice = next((one for one in there if one.voice_class == profile.voice_class), there[0])
        sound = speaker.speak(one.text, voice, one.language, one.speed)
        request = {"sound": encoded(wav(sound, speaker.rate_hz)), "voice": encoded(profile.reference_wav)}
        with busy("engine", self.engine):
            return self.server().sound(asked, "convert", request, self.told)

    def _speaker(self) -> Synthesizer:
        room = EngineRoom(models_dir=self.models_dir, threads=self.threads, device=self.device)
        return room.get(Synthesizer, self.speaker)
