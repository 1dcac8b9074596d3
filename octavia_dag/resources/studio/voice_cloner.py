"""XTTS v2's own encoders know people by their voice, and give its synthesizer what it speaks from.

The latents are computed once per speaker, from memory: the library's own way reads files, and a voice lies on no disk
in the clear. They need nothing above 8 kHz, so the 16 kHz that every cloner is given are enough. The voice class goes
by pitch alone: these weights come with no voices that somebody labelled.
"""

import io
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from zipfile import BadZipFile

import numpy as np

from octavia_dag.dubbing.pitch import median_pitch_hz
from octavia_dag.dubbing.references import best_segments
from octavia_dag.errors import EngineError
from octavia_dag.resources.engines import EngineInfo, Profile, Samples, VoiceCloner
from octavia_dag.resources.studio.xtts import LICENCE, XttsEngine
from octavia_dag.schema import Span, VoiceClass

if TYPE_CHECKING:
    import torch

_METHOD = "profile-1"  # another number where equal weights would give other profiles
RATE_HZ = 16000
REFERENCE_S = 30.0
# The encoder of the words ignores what is shorter than 0.33 s.
LEAST_S = 0.34
# Between the ranges of men and women (85 to 155 Hz, 165 to 255 Hz).
NEUTRAL_HZ = 160.0


class XttsCloner(XttsEngine, VoiceCloner):
    """Embeddings, and profiles with the latents that XTTS speaks from."""

    # A clone copies noise and distortion too: the clearest quarter is worth looking for.
    choice: ClassVar[float] = 4.0

    def info(self) -> EngineInfo:
        """The weights."""
        revision = f"{self.weights_revision()} {_METHOD}"
        return EngineInfo(name="xtts-encoder", revision=revision, licence=f"{LICENCE.name} (non-commercial)")

    def embed(self, sound: Samples) -> Samples:
        """Unit-length embedding (512,) of a mono 16 kHz sound of at least 0.4 s, else an EngineError."""
        what = "Knowing somebody by their voice"
        _refuse_short(sound, what)
        return _unit(self.alone(lambda model: timbre_of(model, sound), what))

    def profile(self, speaker: str, sound: Samples, segments: Sequence[Span]) -> Profile:
        """Profile from the clearest 30 s of the `segments` of a mono 16 kHz sound; an EngineError in silence."""
        chosen = best_segments(sound, RATE_HZ, segments, seconds=REFERENCE_S)
        parts = [sound[round(s.start * RATE_HZ) : round(s.end * RATE_HZ)] for s in chosen]
        reference = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        if not np.any(reference):
            raise EngineError(
                f"Profiling speaker {speaker}: the {len(parts)} reference segments hold no sound; "
                "check the diarization of this video."
            )
        what = f"Profiling speaker {speaker}"
        _refuse_short(reference, what)
        latents, timbre = self.alone(lambda model: clone_of(model, reference), what)
        pitch = median_pitch_hz(reference, RATE_HZ)
        return Profile(
            speaker=speaker,
            segments=chosen,
            embedding=tuple(float(value) for value in _unit(timbre)),
            pitch_hz=pitch,
            voice_class=voice_class(pitch),
            reference_wav=_wav(reference),
            clone=packed(self.weights_revision(), latents, timbre),
        )


def voice_class(pitch_hz: float) -> VoiceClass:
    """Female or male, by pitch; male where none was found."""
    return "female" if pitch_hz > NEUTRAL_HZ else "male"


def packed(revision: str, latents: Samples, timbre: Samples) -> bytes:
    """A clone as bytes: the same arrays, the same bytes. `revision` is that of the weights that made it."""
    file = io.BytesIO()
    np.savez(file, revision=np.array(revision), latents=latents, timbre=timbre)
    return file.getvalue()


def unpacked(clone: bytes) -> tuple[str, Samples, Samples]:
    """Revision, latents (1, 32, width) and timbre (1, 512, 1) of a clone; an EngineError for what is none."""
    try:
        with np.load(io.BytesIO(clone), allow_pickle=False) as told:
            return str(told["revision"]), told["latents"], told["timbre"]
    except (ValueError, TypeError, AttributeError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        raise EngineError(
            f"Reading the clone of a voice failed ({error}): it is damaged; have the voices of its video made again."
        ) from error


def clone_of(model: Any, reference: Samples) -> tuple[Samples, Samples]:
    """Latents and timbre of a mono 16 kHz sound."""
    told = model.config
    latents = model.get_gpt_cond_latents(
        _given(reference), RATE_HZ, length=int(REFERENCE_S), chunk_length=told.gpt_cond_chunk_len
    )
    return np.asarray(latents.cpu().numpy(), np.float32), timbre_of(model, reference)


def timbre_of(model: Any, sound: Samples) -> Samples:
    """What the speaker encoder makes of a mono 16 kHz sound, (1, 512, 1)."""
    return np.asarray(model.get_speaker_embedding(_given(sound), RATE_HZ).cpu().numpy(), np.float32)


def _given(sound: Samples) -> "torch.Tensor":
    import torch

    return torch.from_numpy(np.array(sound, np.float32))[None]


def _refuse_short(sound: Samples, asked: str) -> None:
    if len(sound) < LEAST_S * RATE_HZ:
        raise EngineError(f"{asked}: {len(sound) / RATE_HZ:.2f} s of sound are too short; {LEAST_S} s are the least.")


def _unit(timbre: Samples) -> Samples:
    vector = timbre.reshape(-1)
    return vector / np.float32(max(float(np.linalg.norm(vector)), 1e-12))


def _wav(sound: Samples) -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, sound, RATE_HZ, format="WAV", subtype="PCM_16")
    return file.getvalue()
