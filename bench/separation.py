"""What the embedded separator does to the recordings of the shared media: words left, levels, SI-SDR, time, memory.

    python bench/separation.py MEDIA [--models DIR] [--minutes N]

Words: of the words in the original (the truth's text, else what is heard in the original), how many whisper base
hears in the background. Level, SI-SDR: of the background against the true music while somebody speaks. Gaps: where
nobody does. Memory: the peak of a process that separates one minute and ten.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click
import ffmpeg
import jiwer
import numpy as np
import soundfile
from numpy.typing import NDArray

from octavia_dag.resources.embedded.separator import DeepFilterSeparator
from octavia_dag.resources.media import Media
from octavia_dag.resources.models import model_dir

RATE_HZ = 48_000
BLOCK = 1 << 16
Sound = NDArray[np.float32]

ENGLISHVIDEO = "Good morning, my name is Jordi Mas. I am from Barcelona. And I love this city."
JFK = "And so my fellow Americans, ask not what your country can do for you, ask what you can do for your country."


@dataclass(frozen=True)
class Case:
    """One recording at 48 kHz, (frames, channels); `music` and `speech` where the truth is known."""

    name: str
    sound: Sound
    text: str | None = None
    music: Sound | None = None
    speech: Sound | None = None
    speaking: NDArray[np.bool_] | None = None


@click.command()
@click.argument("media", type=click.Path(path_type=Path))
@click.option("--models", default=str(Path.home() / ".octavia" / "models"), show_default=True)
@click.option("--minutes", type=int, help="Only separate this many minutes and print the peak memory in MiB.")
def main(media: Path, models: str, minutes: int | None) -> None:
    """Prints the table."""
    engine = DeepFilterSeparator(models_dir=models)
    if minutes is not None:
        click.echo(f"{_peak_mib(engine, media, minutes):.0f}")
        return
    row = "{:<26}{:>9}{:>8}{:>9}{:>9}{:>8}{:>9}{:>9}{:>7}"
    head = ("recording", "words", "level", "SI-SDR", "vocals", "gaps", "corr", "bg/src", "RTF")
    click.echo(row.format(*head))
    for case in _cases(media, models):
        started = time.perf_counter()
        background = np.concatenate(list(engine.background(_blocks(case.sound), RATE_HZ)))
        seconds = time.perf_counter() - started
        click.echo(
            row.format(case.name, *_figures(case, background, models), f"{seconds * RATE_HZ / len(background):.3f}")
        )
    one, ten = (int(_child(media, models, minutes)) for minutes in (1, 10))
    click.echo(f"peak memory: 1 minute {one} MiB, 10 minutes {ten} MiB, ratio {ten / one:.3f}")


def _cases(media: Path, models: str) -> Iterator[Case]:
    folder = media / "dialogue"
    mix, music, speech = (_sound(folder / f"{name}.flac", 2, models) for name in ("mix", "music", "speech"))
    truth: dict[str, Any] = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    speaking = np.zeros(len(mix), np.bool_)
    for turn in truth["segments"]:
        speaking[int(turn["start"] * RATE_HZ) : int(turn["end"] * RATE_HZ)] = True
    text = " ".join(turn["text"] for turn in truth["segments"])
    yield Case("dialogue, stems", mix, text, music, speech, speaking)
    yield _turned("dialogue, hard left", text, music, speech * np.array([1.4, 0], np.float32), speaking)
    late = np.stack([speech[:, 0], np.roll(speech[:, 1], 20)], axis=1)
    yield _turned("dialogue, 0.4 ms aside", text, music, late, speaking)
    yield _turned("dialogue, one inverted", text, music, speech * np.array([1, -1], np.float32), speaking)
    zero = np.zeros_like(music[:, :1])
    bed, centre = (
        np.hstack([music, zero + music[:, :1] / 3, music[:, :1] / 2, music * 0.7]),
        np.zeros((len(music), 6), np.float32),
    )
    centre[:, 2] = speech[:, 0]
    yield _turned("dialogue, 5.1", text, bed.astype(np.float32), centre, speaking)
    yield Case("dialogue.mp4", _sound(folder / "dialogue.mp4", 2, models), text)
    yield Case("dialogue, music alone", music, "", music)
    yield Case("cast4.mp4", _sound(media / "cast" / "cast4.mp4", 2, models))
    yield Case("englishvideo.mp4", _sound(media / "englishvideo.mp4", 1, models), ENGLISHVIDEO)
    yield Case("jfk.flac", _sound(media / "jfk.flac", 2, models), JFK)


def _turned(name: str, text: str, music: Sound, speech: Sound, speaking: NDArray[np.bool_]) -> Case:
    return Case(name, music + speech, text, music, speech, speaking)


def _figures(case: Case, background: Sound, models: str) -> Iterator[str]:
    text = _heard(case.sound, models) if case.text is None else case.text
    total = len(_words(text))
    yield f"{_recovered(text, _heard(background, models))}/{total}"
    if case.music is None or case.speech is None or case.speaking is None:
        yield from ["-"] * 5
    else:
        on, off = case.speaking, ~_widened(case.speaking)
        yield f"{_db(background[on]) - _db(case.music[on]):+.2f}"
        yield f"{_si_sdr(background[on], case.music[on]):.2f}"
        yield f"{_si_sdr(case.sound[on] - background[on], case.speech[on]):.2f}"
        yield f"{_db(background[off]) - _db(case.music[off]):+.3f}"
        yield f"{np.corrcoef(background[off].ravel(), case.music[off].ravel())[0, 1]:.5f}"
    yield f"{_db(background) - _db(case.sound):+.2f}"


def _widened(speaking: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A second more on either side: pauses inside the talk and breaths are no gaps."""
    edges = np.convolve(speaking[:: RATE_HZ // 100], np.ones(201), "same") > 0
    return np.repeat(edges, RATE_HZ // 100)[: len(speaking)]


def _heard(sound: Sound, models: str) -> str:
    import soxr

    mono = soxr.resample(sound.mean(axis=1), RATE_HZ, 16_000).astype(np.float32)
    segments, _ = _whisper(models).transcribe(mono, language="en", beam_size=5, vad_filter=False)
    return " ".join(segment.text for segment in segments)


@cache
def _whisper(models: str) -> Any:
    from faster_whisper import WhisperModel

    return WhisperModel(str(model_dir(models, "whisper-base")), device="cpu", compute_type="int8")


def _words(text: str) -> list[str]:
    kept = "".join(sign if sign.isalnum() or sign == "'" else " " for sign in text.lower())
    return kept.split()


def _recovered(original: str, heard: str) -> int:
    if not _words(original) or not _words(heard):
        return len(_words(heard))
    return int(jiwer.process_words(" ".join(_words(original)), " ".join(_words(heard))).hits)


def _db(sound: Sound) -> float:
    return float(10 * np.log10(np.mean(np.square(sound, dtype=np.float64)) + 1e-20))


def _si_sdr(estimate: Sound, truth: Sound) -> float:
    """Scale-invariant SDR in dB (Le Roux et al., 2019) over all channels."""
    found, wanted = estimate.ravel().astype(np.float64), truth.ravel().astype(np.float64)
    target = wanted * (found @ wanted) / (wanted @ wanted)
    return float(10 * np.log10(np.sum(target**2) / np.sum((found - target) ** 2)))


def _blocks(sound: Sound) -> Iterator[Sound]:
    for start in range(0, len(sound), BLOCK):
        yield sound[start : start + BLOCK]


def _sound(path: Path, channels: int, models: str) -> Sound:
    if path.suffix == ".flac" and soundfile.info(str(path)).samplerate == RATE_HZ:
        return np.asarray(soundfile.read(str(path), dtype="float32", always_2d=True)[0], np.float32)
    stream = ffmpeg.input(str(path)).output("pipe:", format="f32le", ac=channels, ar=RATE_HZ)
    read = b"".join(Media(models_dir=models).read(stream, f"Reading {path.name}"))
    return np.frombuffer(read, np.float32).reshape(-1, channels)


def _child(media: Path, models: str, minutes: int) -> str:
    command = [sys.executable, __file__, str(media), "--models", models, "--minutes", str(minutes)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _peak_mib(engine: DeepFilterSeparator, media: Path, minutes: int) -> float:
    """Peak memory of this process after separating the dialogue, repeated, read from the file block by block."""

    def repeated() -> Iterator[Sound]:
        left = minutes * 60 * RATE_HZ
        while left > 0:
            for block in soundfile.blocks(str(media / "dialogue" / "mix.flac"), BLOCK, dtype="float32"):
                yield np.asarray(block[:left], np.float32)
                left -= len(block)
                if left <= 0:
                    return

    for _ in engine.background(repeated(), RATE_HZ):
        pass
    # Not ru_maxrss: a child begins with its parent's.
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(peak[1]) / 1024 if peak else float("nan")


if __name__ == "__main__":
    main()
