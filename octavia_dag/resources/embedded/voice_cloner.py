"""Knows people by their voice; gives the casting what it needs to find the nearest voice.

The embedded set matches voices, it does not clone: no sound of a person reaches the synthesizer. The reference sound
is kept in the profile all the same (16 kHz, 16 bit), because it is what an engine that clones needs.
"""

import io
from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np

from octavia_dag.dubbing.pitch import median_pitch_hz
from octavia_dag.errors import EngineError
from octavia_dag.resources.embedded import voice_table
from octavia_dag.resources.embedded.voiceprint import RATE_HZ, Voiceprint, revision
from octavia_dag.resources.engines import EngineInfo, Profile, Samples, VoiceCloner
from octavia_dag.schema import Span

_METHOD = "profile-1"  # another number where equal voiceprints would give other profiles


class DVectorCloner(VoiceCloner):
    """Profiles from d-vectors and pitch."""

    # Of parts of 4 s of one recording, one person's are 0.80 alike at least; two people of a class, 0.61 at the most.
    # Over a telephone two people were 0.90 alike, and one person before two microphones 0.45.
    same_voice: ClassVar[float] = 0.7

    def info(self) -> EngineInfo:
        """The d-vector model, Apache-2.0, and the table that tells voice classes apart."""
        revisions = f"{revision()} {voice_table.table_revision()} {_METHOD}"
        return EngineInfo(name="dvector", revision=revisions, licence="Apache-2.0")

    def embed(self, sound: Samples) -> Samples:
        """Unit-length embedding (256,) of a mono 16 kHz sound of at least 0.4 s, else an EngineError."""
        return self._voiceprint.embed(sound)

    def profile(self, speaker: str, sound: Samples, segments: Sequence[Span]) -> Profile:
        """Profile from the `segments` of a mono 16 kHz sound; they must hold 0.4 s or more, else an EngineError."""
        parts = [sound[round(s.start * RATE_HZ) : round(s.end * RATE_HZ)] for s in segments]
        reference = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        if not np.any(reference):
            raise EngineError(
                f"Profiling speaker {speaker}: the {len(parts)} reference segments hold no sound; "
                "check the diarization of this video."
            )
        embedding = self._voiceprint.embed(reference)
        pitch = median_pitch_hz(reference, RATE_HZ)
        return Profile(
            speaker=speaker,
            segments=tuple(segments),
            embedding=tuple(float(value) for value in embedding),
            pitch_hz=pitch,
            voice_class=voice_table.voice_class(embedding, pitch),
            reference_wav=_wav(reference),
        )

    @cached_property
    def _voiceprint(self) -> Voiceprint:
        return Voiceprint(self.models_dir, self.threads)


def _wav(sound: Samples) -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, sound, RATE_HZ, format="WAV", subtype="PCM_16")
    return file.getvalue()
