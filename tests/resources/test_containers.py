"""What cannot be dubbed is refused in one sentence; what only looks odd is not."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ffmpeg
import pytest

from octavia_dag.errors import InputError
from octavia_dag.resources.media import Media
from octavia_dag.resources.probe import probe_video

Maker = Callable[..., Path]
SHA = "0" * 64


def refusal(media: Media, path: Path) -> str:
    with pytest.raises(InputError) as caught:
        probe_video(media, path, SHA, None)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_not_a_file_is_refused(media: Media, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert "no file" in refusal(media, tmp_path / "absent.mp4")
    assert "is a folder" in refusal(media, tmp_path)
    assert "is empty" in refusal(media, tmp_path / "empty.mp4")


@pytest.mark.parametrize("name", ["notes.txt", "notes.mp4", "notes.srt"])
def test_text_is_refused(name: str, media: Media, tmp_path: Path) -> None:
    (tmp_path / name).write_text("1\n00:00:01,000 --> 00:00:02,000\nThis is no video.\n" * 50)
    assert "not a video" in refusal(media, tmp_path / name)


@pytest.mark.parametrize("front", [False, True])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_a_cut_off_mp4_is_refused_wherever_its_index_stands(
    front: bool, share: float, make: Maker, media: Media, tmp_path: Path
) -> None:
    whole = make("fast.mp4", movflags="+faststart") if front else make("plain.mp4")
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    assert "cut off" in refusal(media, tmp_path / "cut.mp4")


def test_an_mp4_that_lost_exactly_its_index_is_refused(make: Maker, media: Media, tmp_path: Path) -> None:
    whole = make("plain.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: whole.rindex(b"moov") - 4])
    assert "index (moov) is missing" in refusal(media, tmp_path / "cut.mp4")


def test_padding_behind_an_mp4_is_no_reason_to_refuse_it(make: Maker, media: Media, tmp_path: Path) -> None:
    for name, tail in (("zeros.mp4", bytes(100)), ("free.mp4", b"\x00\x00\xff\xfffree")):
        (tmp_path / name).write_bytes(make("plain.mp4").read_bytes() + tail)
        assert probe_video(media, tmp_path / name, SHA, None).seconds == 6.0


def test_a_sound_or_a_single_picture_is_refused(media: Media, tmp_path: Path) -> None:
    sound, still = ffmpeg.input("sine=d=1", f="lavfi"), ffmpeg.input("testsrc=size=64x36:d=1", f="lavfi")
    media.run(ffmpeg.output(sound, str(tmp_path / "sound.wav")), "Making a sound")
    media.run(ffmpeg.output(still, str(tmp_path / "still.png"), vframes=1), "Making a picture")
    cover = {"vcodec": "mjpeg", "vframes": 1, "disposition:v": "attached_pic"}
    media.run(ffmpeg.output(sound, still, str(tmp_path / "cover.mp4"), **cover), "Making a song")
    assert "no picture stream" in refusal(media, tmp_path / "sound.wav")
    assert "no picture stream" in refusal(media, tmp_path / "cover.mp4")
    assert "not a video" in refusal(media, tmp_path / "still.png")


@pytest.mark.parametrize("refused", ["open", "stat"])
def test_a_file_that_may_not_be_read_is_refused(
    refused: str, make: Maker, media: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    path = make("plain.mp4")
    monkeypatch.setattr(Path, refused, forbidden)
    assert "cannot be read (Permission denied)" in refusal(media, path)


def test_a_name_that_is_too_long_is_refused(media: Media, tmp_path: Path) -> None:
    assert "cannot be read (File name too long)" in refusal(media, tmp_path / f"{'a' * 300}.mp4")


class Odd(Media):
    """Tells of a stream what the test wants."""

    kind: str
    changes: dict[str, Any]

    def probe(self, path: Path, *arguments: str) -> dict[str, Any]:
        told = super().probe(path, *arguments)
        for stream in told["streams"]:
            if stream.get("codec_type") == self.kind:
                stream.update(self.changes)
                for name in [name for name, value in self.changes.items() if value is None]:
                    del stream[name]
        return told


@pytest.mark.parametrize("value", [None, 0, "0"])
@pytest.mark.parametrize(
    ("kind", "name"), [("audio", "sample_rate"), ("audio", "channels"), ("video", "width"), ("video", "height")]
)
def test_a_stream_that_cannot_be_decoded_is_refused(
    kind: str, name: str, value: Any, make: Maker, media: Media
) -> None:
    odd = Odd(models_dir=media.models_dir, kind=kind, changes={name: value})
    assert f"({kind}) tells no {name}" in refusal(odd, make("plain.mp4"))


def test_a_stream_of_no_known_kind_is_nobodys_business(make: Maker, media: Media) -> None:
    odd = Odd(models_dir=media.models_dir, kind="audio", changes={"codec_type": None})
    assert probe_video(odd, make("plain.mp4"), SHA, None).audio == ()
