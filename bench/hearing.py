"""What the transcriber hears of recordings whose words are known, from the mix and from the separated voice.

    python bench/hearing.py MEDIA [--models DIR]

MEDIA is the folder of recordings. Printed per recording: word error rate from both, seconds per second of sound, the
onset error of lines against the true starts (median, maximum), and the cost of hearing a sound of 2 s alone.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import ffmpeg
import numpy as np
import soxr

from octavia_dag.dubbing.hearing import accept, hear_text, word_error_rate
from octavia_dag.dubbing.lines import make_lines
from octavia_dag.dubbing.regions import speech_regions
from octavia_dag.resources.embedded.separator import DeepFilterSeparator
from octavia_dag.resources.embedded.transcriber import RATE_HZ, WhisperTranscriber
from octavia_dag.resources.engines import Samples
from octavia_dag.resources.media import Media
from octavia_dag.resources.vad import WINDOW_S, speech_probabilities
from octavia_dag.schema import Turn

VOICE_HZ = 48000
TEXTS = {
    "englishvideo.mp4": "Good morning, my name is Jordi Mas. I am from Barcelona. And I love this city.",
    "jfk.flac": "And so my fellow Americans, ask not what your country can do for you, "
    "ask what you can do for your country.",
}
STARTS = {"englishvideo.mp4": (1.263, 5.245, 7.608)}


def truth(media: Path, name: str) -> tuple[str, list[Turn]]:
    """The words of a recording and its turns, as far as they are known."""
    if name in TEXTS:
        return TEXTS[name], [Turn(speaker="A", start=at, end=at + 0.5) for at in STARTS.get(name, ())]
    segments = json.loads((media / "dialogue" / "truth.json").read_text(encoding="utf-8"))["segments"]
    turns = [Turn(speaker=one["speaker"], start=one["start"], end=one["end"]) for one in segments]
    return " ".join(one["text"] for one in segments), turns


def read(path: Path, models: str) -> Samples:
    """The first audio track, mono, at `VOICE_HZ`."""
    graph = ffmpeg.input(str(path)).output("pipe:", map="0:a:0", format="f32le", ac=1, ar=VOICE_HZ)
    return np.frombuffer(b"".join(Media(models_dir=models).read(graph, f"Reading {path.name}")), np.float32)


def voice(mix: Samples, models: str) -> Samples:
    """The mix less its background."""
    engine = DeepFilterSeparator(models_dir=models)
    background = np.concatenate(list(engine.background([mix[:, None]], VOICE_HZ)))[:, 0]
    return mix - background


def measure(engine: WhisperTranscriber, sound_48k: Samples, text: str, turns: Sequence[Turn]) -> str:
    """One row: word error rate, seconds per second, onset errors."""
    sound = soxr.resample(sound_48k, VOICE_HZ, RATE_HZ)
    begun = time.monotonic()
    length_s = len(sound) / RATE_HZ
    probabilities = speech_probabilities(sound)
    vad_s = time.monotonic() - begun
    regions = speech_regions(probabilities, window_s=WINDOW_S, threshold=0.5, min_silence_s=0.35, duration_s=length_s)
    segments, dropped = accept(engine.transcribe(sound, regions, "en"), regions, clip_s=length_s)
    spent_s = time.monotonic() - begun
    lines = make_lines([word for one in segments for word in one.words], turns, regions, gap_s=0.7, max_s=12)
    errors = [min(abs(line.start - turn.start) for line in lines) for turn in turns] or [float("nan")]
    return (
        f"WER {word_error_rate(text, hear_text(segments)):.3f}  lines {len(lines)}  dropped {len(dropped)}  "
        f"onset {np.median(errors):.3f} / {max(errors):.3f} s  "
        f"vad {vad_s / length_s:.3f}  all {spent_s / length_s:.2f} x"
    )


def main(arguments: Sequence[str]) -> int:
    """Prints the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("media", type=Path)
    parser.add_argument("--models", default=str(Path.home() / ".octavia" / "models"))
    options = parser.parse_args(arguments)
    engine = WhisperTranscriber(models_dir=options.models)
    for name in ("englishvideo.mp4", "jfk.flac", "dialogue/dialogue.mp4", "dialogue/speech.flac"):
        mix = read(options.media / name, options.models)
        text, turns = truth(options.media, name)
        for kind, sound in (("mix", mix), ("voice", voice(mix, options.models))):
            sys.stdout.write(f"{name:24s} {kind:6s} {measure(engine, sound, text, turns)}\n")
    short = soxr.resample(read(options.media / "jfk.flac", options.models), VOICE_HZ, RATE_HZ)[: 2 * RATE_HZ]
    regions = speech_regions(speech_probabilities(short), window_s=WINDOW_S, threshold=0.5, min_silence_s=0.35)
    begun = time.monotonic()
    for _ in range(5):
        engine.transcribe(short, regions, "en")
    sys.stdout.write(f"a sound of 2 s alone: {(time.monotonic() - begun) / 5:.2f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
