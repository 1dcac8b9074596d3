"""A personal voice is two files that count only together: a sealed profile, and who consented to what beside it.

    STORE/personal/                  for every video
    STORE/videos/VIDEO/personal/     for one video, where it wins over the other

The profile is biometric and never lies in the clear. The consent names the profile by its keyed hash, so that it cannot
come to stand beside another sample, and so that a plan can be made without the key.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from octavia_dag.dubbing.voices import reference_segments
from octavia_dag.errors import InputError, MediaError, StorageError
from octavia_dag.resources.artifacts import ArtifactStore, guarded, write_atomically
from octavia_dag.resources.engines import Profile, Samples, VoiceCloner
from octavia_dag.resources.listening import HEARING_HZ, speech_in
from octavia_dag.resources.media import Media, url
from octavia_dag.resources.vault import keyed_hash, open_sealed, seal
from octavia_dag.schema import Document, Span, Turn

SEALED = "voice.sealed"
CONSENT = "consent.json"
LEAST_SPEECH_S = 3.0
_NAME = "personal"


class Consent(Document):
    """Whose voice may be used for what, when that was recorded and by whom; `voice` is the profile's keyed hash.

    `engine` made the profile: another one cannot compare it, and makes its own from the sealed sound.
    """

    who: str
    purpose: str
    when: str
    recorded_by: str
    voice: str
    engine: str


def folder_of(store: ArtifactStore, video: str | None) -> Path:
    """Where the personal voice of one video lies, or that of all."""
    return (store.video_folder(video) if video else Path(store.root)) / "personal"


def registered(store: ArtifactStore, video: str | None) -> Consent | None:
    """The consent of the personal voice that lies in exactly this place; None where sample or consent is missing."""
    folder = folder_of(store, video)
    with guarded(f"Looking for a personal voice in {folder}"):
        if not (folder / SEALED).is_file() or not (folder / CONSENT).is_file():
            return None
        try:
            return Consent.model_validate_json((folder / CONSENT).read_bytes())
        except ValidationError as error:
            raise StorageError(
                f"The consent record {folder / CONSENT} is damaged; add the personal voice again, or remove it."
            ) from error


def in_effect(store: ArtifactStore, video: str) -> tuple[Consent, Path] | None:
    """The personal voice that counts for `video`, its own before the one of all; None where there is none."""
    for place in (video, None):
        consent = registered(store, place)
        if consent is not None:
            return consent, folder_of(store, place)
    return None


def sound_of(media: Media, sample: Path) -> Samples:
    """A sample as mono 16 kHz sound, decoded in memory; an InputError where it is no sound."""
    import ffmpeg

    if not sample.is_file():
        raise InputError(f"Reading the voice sample {sample}: there is no such file; name a recording.")
    sound = ffmpeg.input(url(sample)).audio
    raw = ffmpeg.output(sound, "pipe:", format="f32le", acodec="pcm_f32le", ac=1, ar=HEARING_HZ)
    try:
        return np.frombuffer(b"".join(media.read(raw, f"Reading the voice sample {sample.name}")), np.float32)
    except MediaError as error:
        raise InputError(
            f"Reading the voice sample {sample}: it holds no sound that can be decoded; give a wav, flac, mp3 or mp4."
        ) from error


def profile_of(sound: Samples, cloner: VoiceCloner, seconds: float) -> Profile:
    """The profile of up to `seconds` of the speech in a sample; an InputError where it is less than 3 s."""
    spans = speech_in(sound)
    spoken = sum(span.seconds for span in spans)
    if spoken < LEAST_SPEECH_S:
        raise InputError(
            f"Registering a personal voice: {spoken:.1f} s of speech were found in the sample, and "
            f"{LEAST_SPEECH_S:g} s are needed; record some sentences in a quiet room."
        )
    turns = [Turn(speaker=_NAME, start=span.start, end=span.end) for span in spans]
    segments = reference_segments(turns, [], _NAME, seconds=seconds)
    return cloner.profile(_NAME, sound, segments).model_copy(update={"reference_wav": _wav(sound, segments)})


def keep(store: ArtifactStore, video: str | None, profile: Profile, consent: Consent, key: bytes) -> None:
    """Puts both files into place. The old consent goes first: killed in between, no sample has a wrong one."""
    folder = folder_of(store, video)
    with guarded(f"Keeping the personal voice of {consent.who}"):
        (folder / CONSENT).unlink(missing_ok=True)
        write_atomically(folder / SEALED, seal([profile], key))
        write_atomically(folder / CONSENT, consent.model_dump_json(indent=1).encode())


def remove(store: ArtifactStore, video: str | None) -> bool:
    """Deletes sample and consent, the sample first; False where neither was there."""
    files = [folder_of(store, video) / name for name in (SEALED, CONSENT)]
    with guarded("Removing a personal voice"):
        there = [path for path in files if path.exists()]
        for path in there:
            path.unlink()
    return bool(there)


def opened(folder: Path, consent: Consent, cloner: VoiceCloner, key: bytes) -> Profile:
    """The profile as `cloner` can compare it; a StorageError where it is not the one that was consented to."""
    with guarded(f"Reading the personal voice of {consent.who}"):
        payload = (folder / SEALED).read_bytes()
    [profile] = open_sealed(payload, key)
    if keyed_hash([profile], key) != consent.voice:
        raise StorageError(
            f"The personal voice in {folder} is not the one that {consent.who} consented to; "
            "add it again, or remove it."
        )
    if consent.engine == engine_name(cloner):
        return profile
    sound = _samples(profile.reference_wav)
    return cloner.profile(_NAME, sound, [Span(start=0, end=len(sound) / HEARING_HZ)])


def engine_name(cloner: VoiceCloner) -> str:
    """Name and revision of what makes a profile."""
    told = cloner.info()
    return f"{told.name} {told.revision}"


def _wav(sound: Samples, segments: Sequence[Span]) -> bytes:
    import soundfile

    file = io.BytesIO()
    parts = [sound[round(s.start * HEARING_HZ) : round(s.end * HEARING_HZ)] for s in segments]
    soundfile.write(file, np.concatenate(parts), HEARING_HZ, format="WAV", subtype="PCM_16")
    return file.getvalue()


def _samples(wav: bytes) -> Samples:
    import soundfile

    return np.asarray(soundfile.read(io.BytesIO(wav), dtype="float32")[0], np.float32)
