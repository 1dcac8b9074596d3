"""A longer video must not need more memory: everything that grows with it streams.

Five minutes against one in the everyday tests; an hour by hand ("make soak"). Fake models, real ffmpeg, real stems.
"""

import time
from pathlib import Path

import ffmpeg
import numpy as np
import pytest
import soundfile
from octavia_command import Octavia, make_octavia

from octavia_dag.resources.engines import Samples
from octavia_dag.resources.media import Media

MOST_TIMES_AS_MUCH = 1.3
# An hour of mono sound at 16 kHz, which the listeners are given whole, is 230 MB; two of them at once.
MOST_MORE_IN_AN_HOUR_MB = 700


def _video(minutes: float, speech: tuple[Samples, int], media: Media, folder: Path) -> Path:
    samples, rate = speech
    wav, path = folder / f"{minutes:g}.wav", folder / f"{minutes:g} minutes.mp4"
    times = round(minutes * 60 * rate / len(samples))
    with soundfile.SoundFile(wav, "w", rate, 2) as file:
        for _ in range(times):
            file.write(np.stack([samples, samples], axis=1))
    picture = ffmpeg.input(f"color=c=gray:size=64x48:rate=5:duration={times * len(samples) / rate}", f="lavfi")
    graph = ffmpeg.output(picture, ffmpeg.input(str(wav)).audio, str(path), pix_fmt="yuv420p", acodec="aac")
    media.run(graph, "Making a long video")
    wav.unlink()
    return path


def _peak_mb(octavia: Octavia, video: Path, settings: Path, out: Path) -> float:
    """The command's own peak memory, as the kernel counts it for that process."""
    peak = 0
    with octavia.start("dub", video, "--to", "pt-BR", "--out", out, "--settings", settings, "--json") as process:
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            found = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
            peak = max([peak, *(int(line.split()[1]) for line in found)])
            time.sleep(0.1)
        assert process.returncode == 0, process.communicate()
    assert list(out.glob("*.pt-BR.mp4"))
    return peak / 1024


def test_five_minutes_need_little_more_memory_than_one(
    models_dir: str, speech: tuple[Samples, int], media: Media, fake_settings: Path, tmp_path: Path
) -> None:
    peaks: list[float] = []
    for minutes in (1.0, 5.0):
        octavia = make_octavia(tmp_path / f"{minutes:g}", models_dir)
        video = _video(minutes, speech, media, tmp_path)
        peaks.append(_peak_mb(octavia, video, fake_settings, tmp_path / f"out{minutes:g}"))
    assert peaks[1] <= MOST_TIMES_AS_MUCH * peaks[0]


@pytest.mark.soak
def test_more_than_an_hour_needs_bounded_memory(
    models_dir: str, speech: tuple[Samples, int], media: Media, fake_settings: Path, tmp_path: Path
) -> None:
    short = _video(1.0, speech, media, tmp_path)
    base = _peak_mb(make_octavia(tmp_path / "1", models_dir), short, fake_settings, tmp_path / "out1")
    long = _video(61.0, speech, media, tmp_path)
    peak = _peak_mb(make_octavia(tmp_path / "61", models_dir), long, fake_settings, tmp_path / "out61")
    assert peak <= base + MOST_MORE_IN_AN_HOUR_MB
