"""Small videos made on the spot by the real ffmpeg, for every test of what reads them."""

from pathlib import Path
from typing import Any, Protocol

import ffmpeg
import pytest

from octavia_dag.resources.media import Media

# A click of 10 ms at every whole second.
CLICKS = "aevalsrc='if(lt(mod(t,1),0.01),sin(2*PI*1000*t),0)':s={rate}:d={seconds}"
PICTURE = "testsrc=size=64x36:rate=25:duration=6"


class Maker(Protocol):
    """Makes a video of 6 s with a click at every whole second, once per name."""

    def __call__(self, name: str, *, rate: int = ..., sound_s: float = ..., late: float = ..., **options: Any) -> Path:
        """The video `name`; `options` are ffmpeg's, `picture` a lavfi source of its own."""
        ...


@pytest.fixture(scope="session")
def media(models_dir: str) -> Media:
    return Media(models_dir=models_dir)


@pytest.fixture(scope="session")
def make(media: Media, tmp_path_factory: pytest.TempPathFactory) -> Maker:
    folder = tmp_path_factory.mktemp("videos")

    def made(name: str, *, rate: int = 48000, sound_s: float = 6, late: float = 0.0, **options: Any) -> Path:
        path = folder / name
        if not path.exists():
            picture = ffmpeg.input(options.pop("picture", PICTURE), f="lavfi")
            sound = ffmpeg.input(CLICKS.format(rate=rate, seconds=sound_s), f="lavfi", itsoffset=late)
            chosen = {"vcodec": "libx264", "preset": "veryfast", "acodec": "aac", **options}
            media.run(ffmpeg.output(picture, sound, str(path), **chosen), f"Making {name}")
        return path

    return made
