"""Where nobody speaks the source is handed on as it is, with exit 0 and a word about it."""

import json
from collections.abc import Callable
from pathlib import Path

import ffmpeg
import pytest
from octavia_command import MakeVideo, Octavia

from octavia_dag.resources.media import Media


def _silent(media: Media, folder: Path) -> Path:
    path = folder / "no sound.mp4"
    picture = ffmpeg.input("testsrc2=size=160x120:rate=25:duration=3", f="lavfi")
    media.run(ffmpeg.output(picture, str(path), pix_fmt="yuv420p"), "Making a video")
    return path


def _tone(media: Media, folder: Path) -> Path:
    path = folder / "tone.mp4"
    picture = ffmpeg.input("testsrc2=size=160x120:rate=25:duration=3", f="lavfi")
    sound = ffmpeg.input("sine=frequency=440:duration=3", f="lavfi")
    media.run(ffmpeg.output(picture, sound, str(path), pix_fmt="yuv420p"), "Making a video")
    return path


@pytest.mark.parametrize("make", [_silent, _tone])
def test_a_video_without_speech_is_handed_on_untouched(
    make: Callable[[Media, Path], Path], octavia: Octavia, media: Media, tmp_path: Path
) -> None:
    source = make(media, tmp_path)
    done = octavia("dub", source, "--to", "pt-BR", "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)["dubs"][0]
    assert said["nothing_to_dub"]
    assert (tmp_path / "out" / f"{source.stem}.pt-BR.mp4").read_bytes() == source.read_bytes()


def test_the_command_says_nothing_to_dub(octavia: Octavia, media: Media, tmp_path: Path, make_video: MakeVideo) -> None:
    done = octavia("dub", _silent(media, tmp_path), "--to", "pt-BR", "--out", tmp_path / "out")
    assert "nothing to dub" in done.stderr
