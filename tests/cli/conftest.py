"""Small videos, made by ffmpeg, with real speech in them; fakes for the engines."""

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np
import pytest
import soundfile
import yaml
from octavia_command import MakeVideo, Octavia, make_octavia
from octavia_fakes import ENGINES
from wandering import Grounds

from octavia_dag.cli.sample import RECORDING
from octavia_dag.resources.engines import Samples
from octavia_dag.resources.media import Media
from octavia_dag.resources.models import model_dir
from octavia_dag.resources.sound import info, read_mono


@pytest.fixture
def octavia(tmp_path: Path, models_dir: str) -> Octavia:
    return make_octavia(tmp_path / "octavia", models_dir)


@pytest.fixture(scope="session")
def fake_settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A settings file that names the fakes."""
    path = tmp_path_factory.mktemp("settings") / "fakes.yaml"
    path.write_text(yaml.safe_dump(ENGINES), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def media(models_dir: str) -> Media:
    return Media(models_dir=models_dir)


@pytest.fixture(scope="session")
def speech(models_dir: str) -> tuple[Samples, int]:
    """Eight seconds of a real recording: two seconds of silence, then speech."""
    path = model_dir(models_dir, "sample-speech") / RECORDING
    told = info(path)
    sound = read_mono(path, told.rate, start_s=1.0, seconds=6.0) * np.float32(4.0)  # quiet: -37 LUFS
    return np.concatenate([np.zeros(2 * told.rate, np.float32), sound]), told.rate


@pytest.fixture(scope="session")
def make_video(media: Media, speech: tuple[Samples, int], tmp_path_factory: pytest.TempPathFactory) -> MakeVideo:
    """Makes a small video `name` with the speech in it; `picture_s`, `sound_s`, `channels` and codecs can be set."""
    folder = tmp_path_factory.mktemp("videos")
    samples, rate = speech
    wav = folder / "speech.wav"
    soundfile.write(wav, samples, rate)

    def make(
        name: str,
        *,
        picture_s: float = 8.0,
        sound_s: float = 8.0,
        channels: int = 2,
        video: Sequence[str] = ("libx264",),
        audio: str = "aac",
        picture_filter: Callable[[Any], Any] = lambda stream: stream,
        **output: Any,
    ) -> Path:
        path = folder / name
        picture = ffmpeg.input(f"testsrc2=size=160x120:rate=25:duration={picture_s}", f="lavfi")
        sound = ffmpeg.input(str(wav), stream_loop=-1, t=sound_s)
        layout = {"vcodec": video[0], "pix_fmt": "yuv420p", "acodec": audio, "ac": channels, "ar": 48000}
        media.run(
            ffmpeg.output(picture_filter(picture.video), sound.audio, str(path), **layout, **output), "Making a video"
        )
        return path

    return make


@pytest.fixture(scope="module")
def wandered(
    media: Media, speech: tuple[Samples, int], models_dir: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Grounds]:
    """Sequences over a video of six seconds with two tracks, the second of which says something else."""
    folder = tmp_path_factory.mktemp("sequences")
    samples, rate = speech
    path = folder / "talk.mp4"
    wavs = {name: folder / f"{name}.wav" for name in ("first", "second")}
    soundfile.write(wavs["first"], samples[rate : 7 * rate], rate)
    soundfile.write(wavs["second"], samples[7 * rate : rate : -1], rate)
    picture = ffmpeg.input("testsrc2=size=64x48:rate=10:duration=6", f="lavfi")
    sounds = [ffmpeg.input(str(wav)).audio for wav in wavs.values()]
    layout = {"vcodec": "libx264", "pix_fmt": "yuv420p", "acodec": "aac", "ac": 2, "ar": 48000}
    media.run(ffmpeg.output(picture.video, *sounds, str(path), **layout), "Making a video")
    grounds = Grounds(folder, models_dir, path)
    yield grounds
    grounds.close()
