"""Diarization on recordings whose truth is known: the count of speakers and the DER, per recording.

    python bench/diarization.py MEDIA [--models DIR]

MEDIA is the folder of recordings; synthetic dialogues of two to five of its people are made with fixed seeds. DER is
pyannote.metrics', collar 0.25 s, overlap included; the reference is what VAD calls speech inside the true segments,
since a pause inside a segment is nobody's.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate

from octavia_dag.dubbing.regions import speech_regions
from octavia_dag.resources.embedded.diarizer import SpectralDiarizer
from octavia_dag.resources.engines import Samples
from octavia_dag.resources.media import Media
from octavia_dag.resources.vad import WINDOW_S, speech_probabilities
from octavia_dag.schema import Span, Turn

RATE_HZ = 16000
READERS = ("1688", "1998", "2033", "2414")
Truth = list[tuple[str, float, float]]


def main() -> None:
    """Prints one line per recording, then the share of right counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("media", type=Path)
    parser.add_argument("--models", default=str(Path.home() / ".octavia" / "models"))
    arguments = parser.parse_args()
    diarizer = SpectralDiarizer(models_dir=arguments.models)
    right, cases = 0, recordings(arguments.media, arguments.models)
    cases += [
        synthetic(arguments.media, arguments.models, people, seed) for people in (2, 3, 4, 5) for seed in range(5)
    ]
    for name, sound, people, truth in cases:
        regions = regions_of(sound)
        turns = diarizer.diarize(sound, regions, minimum=1, maximum=8)
        found = len({turn.speaker for turn in turns})
        right += found == people
        error = f"{der(truth, regions, turns):.3f}" if truth else "-"
        print(f"{name:28} speakers {people}, found {found}, DER {error}")  # noqa: T201
    print(f"count right: {right} of {len(cases)}")  # noqa: T201


def regions_of(sound: Samples) -> list[Span]:
    """What VAD calls speech, at the default settings."""
    return speech_regions(
        speech_probabilities(sound),
        window_s=WINDOW_S,
        threshold=0.5,
        min_silence_s=0.35,
        duration_s=len(sound) / RATE_HZ,
    )


def der(truth: Truth, regions: list[Span], turns: list[Turn]) -> float:
    """Diarization error rate against the true segments where VAD hears speech."""
    reference, heard = Annotation(), Annotation()
    for number, (speaker, start, end) in enumerate(truth):
        reference[Segment(start, end), number] = speaker
    for number, turn in enumerate(turns):
        heard[Segment(turn.start, turn.end), number] = turn.speaker
    speech = Timeline([Segment(region.start, region.end) for region in regions])
    inside = reference.crop(speech, mode="intersection")
    judge = DiarizationErrorRate(collar=0.25, skip_overlap=False)
    return float(judge(inside, heard, uem=Timeline([speech.extent() | reference.get_timeline().extent()])))  # pyright: ignore[reportArgumentType]


def recordings(media: Path, models: str) -> list[tuple[str, Samples, int, Truth]]:
    """The real recordings: name, sound, number of people, truth where it is known."""
    found: list[tuple[str, Samples, int, Truth]] = []
    for name, people, truth in (
        ("dialogue/dialogue.mp4", 2, "dialogue/truth.json"),
        ("cast/cast4.mp4", 4, "cast/truth.json"),
        ("englishvideo.mp4", 1, ""),
        ("jfk.flac", 1, ""),
        ("katiesteve.wav", 2, ""),
        ("pyannote_sample.wav", 2, "pyannote_sample.rttm"),
    ):
        found.append((name, load(media / name, models), people, read_truth(media / truth) if truth else []))
    for reader in READERS:
        found.append((f"reader {reader}", np.concatenate(utterances(media, reader, models)), 1, []))
    return found


def load(path: Path, models: str) -> Samples:
    """Mono 16 kHz sound of any media file."""
    import ffmpeg

    stream = ffmpeg.input(str(path)).output("pipe:", format="f32le", ac=1, ar=RATE_HZ)
    return np.frombuffer(b"".join(Media(models_dir=models).read(stream, f"Reading {path.name}")), np.float32)


def utterances(media: Path, reader: str, models: str) -> list[Samples]:
    """The two utterances of one reader."""
    return [load(path, models) for path in sorted((media / "librispeech").glob(f"{reader}-*.flac"))]


def read_truth(path: Path) -> Truth:
    """Segments from a truth.json or an RTTM file."""
    if path.suffix == ".json":
        return [(one["speaker"], one["start"], one["end"]) for one in json.loads(path.read_text())["segments"]]
    rows = [line.split() for line in path.read_text().splitlines()]
    return [(row[7], float(row[3]), float(row[3]) + float(row[4])) for row in rows]


def synthetic(media: Path, models: str, people: int, seed: int) -> tuple[str, Samples, int, Truth]:
    """A dialogue of about a minute: turns of 3 to 8 s of real speech, 0.1 to 1 s apart, speakers in random order."""
    dice = np.random.default_rng([people, seed])
    voices = {reader: np.concatenate(utterances(media, reader, models)) for reader in READERS}
    voices |= {name: load(media / f"enrollment_audio_{name}.wav", models) for name in ("katie", "steve")}
    cast = [str(name) for name in dice.choice(sorted(voices), people, replace=False)]
    sound, truth, last = [np.zeros(RATE_HZ // 2, np.float32)], [], ""
    while sum(map(len, sound)) < 60 * RATE_HZ:
        for name in dice.permutation(cast):
            if name == last:
                continue
            voice, frames = voices[name], round(dice.uniform(3, 8) * RATE_HZ)
            first = int(dice.integers(0, max(1, len(voice) - frames)))
            start = sum(map(len, sound)) / RATE_HZ
            part = voice[first : first + frames] * np.float32(0.05 / np.sqrt(np.mean(voice**2)))
            truth.append((str(name), start, start + len(part) / RATE_HZ))
            sound += [part, np.zeros(round(dice.uniform(0.1, 1.0) * RATE_HZ), np.float32)]
            last = name
    return f"synthetic {people} people, {seed}", np.concatenate(sound), people, truth


if __name__ == "__main__":
    main()
