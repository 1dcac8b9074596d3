"""A raw search of everything a run leaves on disk for a speaker's voice: reference sound and embedding, in the clear.

Sound is looked for at its own rate and at 16 kHz, as int16 and float32, mono and interleaved; the embedding as float32,
float64 and JSON. The stems are left out: they are the programme itself. What is looked for is a stretch from the
middle, so that headers and cuts do not hide it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from finished import Dub

from octavia_dag.assets.analysis import VOCALS
from octavia_dag.dubbing.voices import reference_segments
from octavia_dag.resources.engines import Profile, Samples, VoiceCloner
from octavia_dag.resources.sound import info, read_blocks, read_mono
from octavia_dag.schema import SpeakerMap, Stems

HEARING_HZ = 16000
_STRETCH_S = 0.05
_VALUES = 6


@dataclass(frozen=True)
class Needle:
    """One thing that must not be found, and what it is."""

    what: str
    content: bytes


def needles(dub: Dub, cloner: VoiceCloner) -> list[Needle]:
    """Everything private of every speaker of a dub, in every form that is looked for."""
    people = dub.read("speaker_map", SpeakerMap)
    vocals = dub.artifact("stems").file(dub.read("stems", Stems).clean_vocals or VOCALS)
    rate = info(vocals).rate
    own = np.concatenate(list(read_blocks(vocals)))
    heard = read_mono(vocals, HEARING_HZ)
    found: list[Needle] = []
    for speaker in people.speakers:
        segments = reference_segments(people.turns, people.overlaps, speaker.id, seconds=30.0)
        profile = cloner.profile(speaker.id, heard, segments)
        middle = (segments[0].start + segments[0].end) / 2
        sounds = {"16 kHz": _cut(heard, middle, HEARING_HZ), "own rate": _cut(own, middle, rate)}
        sounds["own rate, mono"] = sounds["own rate"].mean(axis=1)
        for name, sound in sounds.items():
            found += [Needle(f"{name}, {kind}", raw) for kind, raw in _forms(sound)]
        half = len(profile.reference_wav) // 2 // 2 * 2
        found.append(Needle("reference in the profile", profile.reference_wav[half : half + 400]))
        found += list(_embedding(np.asarray(profile.embedding, np.float64)))
    return [needle for needle in found if len(set(needle.content)) > 4]  # silence is everywhere


def sample_needles(sound: Samples, profile: Profile) -> list[Needle]:
    """Everything private of a 16 kHz voice sample, of which `profile` was made: its middle, its embedding."""
    middle = len(sound) / HEARING_HZ / 2
    found = [Needle(f"16 kHz, {kind}", raw) for kind, raw in _forms(_cut(sound, middle, HEARING_HZ))]
    return [*found, *_embedding(np.asarray(profile.embedding, np.float64))]


def embedding_needles(profile: Profile) -> list[Needle]:
    """An embedding in every form that is looked for."""
    return list(_embedding(np.asarray(profile.embedding, np.float64)))


def search(root: Path, wanted: list[Needle]) -> list[str]:
    """Which of `wanted` lie below `root`, outside stems: "what in file"."""
    found: list[str] = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and "stems" not in path.parts:
            content = path.read_bytes()
            found += [f"{one.what} in {path.name}" for one in wanted if one.content in content]
    return found


def _cut(sound: Samples, middle: float, rate: int) -> Samples:
    return sound[int(middle * rate) : int((middle + _STRETCH_S) * rate)]


def _forms(sound: Samples) -> Iterator[tuple[str, bytes]]:
    yield "float32", sound.astype("<f4").tobytes()
    for scale in (32767, 32768):
        yield f"int16 by {scale}", np.clip(np.rint(sound * scale), -32768, 32767).astype("<i2").tobytes()
        yield f"int16 by {scale}, cut", np.clip(sound * scale, -32768, 32767).astype("<i2").tobytes()


def _embedding(vector: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Iterator[Needle]:
    part = vector[:_VALUES]
    yield Needle("embedding, float32", part.astype("<f4").tobytes())
    yield Needle("embedding, float64", part.astype("<f8").tobytes())
    yield Needle("embedding, JSON", json.dumps([float(x) for x in part])[1:-1].encode())
    yield Needle("embedding, JSON without spaces", ",".join(json.dumps(float(x)) for x in part).encode())
    yield Needle("embedding, JSON of float32", json.dumps([float(np.float32(x)) for x in part])[1:-1].encode())
