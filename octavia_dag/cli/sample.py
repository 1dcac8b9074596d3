"""`octavia sample`: a short video to try everything on, made on the spot, so that no recording lies in the repository.

A real voice, since the engines are to be tried on one: the opening of "A Tale of Two Cities" as a package of
models.lock carries it (CC0 by its own tags). A bed of slow chords that sounds before, under and after the speech, in
stereo so that a dub that loses a channel is noticed. A moving test picture with its time in it. The same every time.
"""

import math
import os
import tempfile
from pathlib import Path
from typing import Any

import click
import ffmpeg
import numpy as np
from numpy.typing import NDArray

from octavia_dag.cli.models import models_option
from octavia_dag.errors import InputError
from octavia_dag.resources import models
from octavia_dag.resources.media import Media

RECORDING = "two_cities.wav"
RATE_HZ = 48_000
FRAMES_PER_S = 25
SIZE = (640, 360)
LENGTH_S = 29.6  # 740 pictures
LEAD_S = 3.0
# Inside the recording: cut in the pauses before the first sentence and after the sixth (1.21 to 23.96 s is speech).
CUT_S = (0.75, 24.3)
SPEECH_S = (LEAD_S + 1.21 - CUT_S[0], LEAD_S + 23.96 - CUT_S[0])
TEXT = (
    "It was the best of times, it was the worst of times. It was the age of wisdom, it was the age of foolishness. "
    "It was the epoch of belief, it was the epoch of incredulity. It was the season of light, it was the season of "
    "darkness. It was the spring of hope, it was the winter of despair. We had everything before us, we had nothing "
    "before us."
)
SPEECH_LUFS = -23.0  # EBU R 128; the recording itself is at -37
BED_BELOW_SPEECH_DB = 18.0
TITLE = "A Tale of Two Cities"
SUBTITLE = "a sample for octavia"
# A minor, F, C, G, twice: one chord every 3.7 s, each note as MIDI number, in open position, low to high.
STEPS = 8
CHORDS = ((45, 57, 60, 64), (41, 53, 60, 65), (48, 55, 60, 64), (43, 55, 59, 62))

Sound = NDArray[np.float64]


@click.command()
@click.argument("out", metavar="OUT.mp4", type=click.Path(dir_okay=False, path_type=Path))
@models_option
def sample(out: Path, models_dir: Path) -> None:
    """Builds a short English video with speech, music and picture at OUT.mp4."""
    build(out, str(models_dir))
    click.echo(out)


def build(out: Path, models_dir: str) -> None:
    """Writes the sample to `out`, whole or not at all; an InputError when `out` is no .mp4 in an existing folder."""
    if out.suffix.lower() != ".mp4" or not out.parent.is_dir():
        raise InputError(f"The sample cannot be written to {out}; name a .mp4 file in a folder that exists.")
    recording = models.model_dir(models_dir, "sample-speech") / RECORDING
    with tempfile.TemporaryDirectory(prefix=".sample-", dir=out.parent) as scratch:
        sound, title, made = (Path(scratch) / name for name in ("sound.wav", "title.png", "made.mp4"))
        _write_sound(sound, _speech(recording))
        _draw_title(title)
        Media(models_dir=models_dir).run(_graph(sound, title, made), "Building the sample")
        os.replace(made, out)


def bed(frames: int) -> Sound:
    """Slow chords of shape (frames, 2) at an RMS of 1.0, faded in and out over 0.5 s.

    A note is a sine with two weak overtones, and has its own place between left (low) and right (high).
    """
    time_s = np.arange(frames) / RATE_HZ
    step_s = LENGTH_S / STEPS
    out = np.zeros((frames, 2))
    for number in range(STEPS):
        # A chord swells and dies away over twice its step, so that neighbours blend without a gap.
        from_middle = (time_s - (number + 0.5) * step_s) / step_s
        swell = np.where(np.abs(from_middle) < 1.0, np.cos(np.pi / 2 * from_middle) ** 2, 0.0)
        for place, note in enumerate(CHORDS[number % len(CHORDS)]):
            phase = 2 * math.pi * 440.0 * 2 ** ((note - 69) / 12) * time_s
            tone = swell * (np.sin(phase) + 0.3 * np.sin(2 * phase) + 0.1 * np.sin(3 * phase))
            angle = math.pi / 2 * (0.2 + 0.2 * place)
            out += tone[:, None] * np.array([math.cos(angle), math.sin(angle)])
    out *= np.clip(np.minimum(time_s, time_s[-1] - time_s) / 0.5, 0.0, 1.0)[:, None]
    return out / np.sqrt(np.mean(out**2))


def _speech(recording: Path) -> Sound:
    """The cut of the recording, mono, at SPEECH_LUFS, its own room's noise faded in and out over 0.3 s."""
    import pyloudnorm
    import soundfile

    start, stop = (round(second * RATE_HZ) for second in CUT_S)
    cut, _ = soundfile.read(recording, start=start, stop=stop, dtype="float64")
    gain_db = SPEECH_LUFS - pyloudnorm.Meter(RATE_HZ).integrated_loudness(cut)
    ramp = np.minimum(np.arange(len(cut)), np.arange(len(cut))[::-1]) / (0.3 * RATE_HZ)
    return cut * 10 ** (gain_db / 20) * np.clip(ramp, 0.0, 1.0)


def _write_sound(path: Path, speech: Sound) -> None:
    import soundfile

    frames, start = round(LENGTH_S * RATE_HZ), round(LEAD_S * RATE_HZ)
    spoken = speech[np.abs(speech) > 10 ** (-40 / 20)]
    level = math.sqrt(float(np.mean(spoken**2))) * 10 ** (-BED_BELOW_SPEECH_DB / 20)
    mixed = bed(frames) * level
    mixed[start : start + len(speech)] += speech[:, None]
    soundfile.write(path, mixed, RATE_HZ, subtype="PCM_16")


def _draw_title(path: Path) -> None:
    """A transparent picture of SIZE with the title on a dark band, in the font that matplotlib carries."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(SIZE[0] / 100, SIZE[1] / 100), dpi=100, facecolor="none")
    band = figure.add_axes((0.0, 0.06, 1.0, 0.24), facecolor=(0.05, 0.07, 0.12, 0.85))
    band.set(xticks=[], yticks=[])
    band.spines[:].set_visible(False)
    band.text(0.5, 0.62, TITLE, color="white", size=22, ha="center", va="center", transform=band.transAxes)
    band.text(0.5, 0.24, SUBTITLE, color="#9fb6d0", size=11, ha="center", va="center", transform=band.transAxes)
    FigureCanvasAgg(figure).print_png(path)


def _graph(sound: Path, title: Path, made: Path) -> Any:
    """One thread and bit-exact muxing: with more threads the encoder's output would depend on the machine's cores."""
    picture = ffmpeg.input(f"testsrc2=size={SIZE[0]}x{SIZE[1]}:rate={FRAMES_PER_S}", f="lavfi", t=LENGTH_S)
    titled = picture.overlay(ffmpeg.input(str(title)))
    return ffmpeg.output(
        titled,
        ffmpeg.input(str(sound)),
        str(made),
        vcodec="libx264",
        preset="veryfast",
        crf=23,
        pix_fmt="yuv420p",
        threads=1,
        acodec="aac",
        audio_bitrate="192k",
        fflags="+bitexact",
        flags="+bitexact",
        movflags="+faststart",
        **{"metadata": f"title={TITLE}", "metadata:s:a:0": "language=eng"},
    )
