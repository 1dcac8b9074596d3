"""What a video is: its container, its pictures, its tracks and which of them is dubbed, its hash."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import ffmpeg
import numpy as np
import pytest

from octavia_dag.errors import InputError, StorageError
from octavia_dag.resources.media import Media
from octavia_dag.resources.probe import probe_video, sha256_cached, source_blocks

Maker = Callable[..., Path]
SHA = "0" * 64
PICTURE = "testsrc=size=64x36:rate=25:duration=6"
WEB = {"vcodec": "libvpx", "acodec": "libopus", "deadline": "realtime"}


@pytest.mark.parametrize("name", ["plain.mp4", "plain.mov", "plain.mkv", "plain.ts", "plain.webm"])
def test_the_container_has_its_short_name(name: str, make: Maker, media: Media) -> None:
    assert (
        probe_video(media, make(name, **(WEB if name.endswith("webm") else {})), SHA, None).container
        == name.partition(".")[2]
    )


def test_a_wrong_suffix_does_not_hide_the_container(make: Maker, media: Media, tmp_path: Path) -> None:
    (tmp_path / "really.mp4").write_bytes(make("plain.mkv").read_bytes())
    assert probe_video(media, tmp_path / "really.mp4", SHA, None).container == "mkv"


def test_pictures_at_uneven_times_are_a_variable_frame_rate(make: Maker, media: Media) -> None:
    uneven = PICTURE + ",select='not(mod(n,3))+lt(n,40)'"
    for name, picture, expected in (
        ("uneven.mkv", uneven, True),
        ("uneven.mp4", uneven, True),
        ("even.mkv", PICTURE, False),
    ):
        video = probe_video(media, make(name, picture=picture, fps_mode="vfr"), SHA, None).video
        assert video is not None
        assert video.variable_frame_rate is expected


def test_a_rate_that_milliseconds_cannot_hold_is_still_constant(make: Maker, media: Media) -> None:
    path = make("ntsc.mkv", picture="testsrc=size=64x36:rate=30000/1001:duration=6")
    video = probe_video(media, path, SHA, None).video
    assert video is not None
    assert not video.variable_frame_rate
    assert video.frame_rate == pytest.approx(29.97, abs=0.001)


def test_the_turn_of_a_phone_is_told_clockwise(make: Maker, media: Media, tmp_path: Path) -> None:
    # ffmpeg's option turns counter-clockwise, as the display matrix does.
    path = tmp_path / "phone.mp4"
    held = ffmpeg.input(str(make("plain.mp4")), display_rotation=-90)
    media.run(ffmpeg.output(held, str(path), c="copy"), "Turning")
    video = probe_video(media, path, SHA, None).video
    assert video is not None
    assert video.rotation == 90


def test_subtitles_chapters_and_languages_are_told(media: Media, media_dir: Path) -> None:
    source = probe_video(media, media_dir / "dialogue/dialogue.mp4", SHA, None)
    assert [(one.codec, one.language) for one in source.subtitles] == [("mov_text", "eng")]
    assert source.chosen is not None
    assert (source.chosen.language, source.chapters, source.name) == ("eng", 0, "dialogue.mp4")


@pytest.fixture(scope="module")
def tracks(media: Media, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    folder = tmp_path_factory.mktemp("tracks")

    def made(name: str, *marks: dict[str, str]) -> Path:
        sounds = [ffmpeg.input(f"sine=d=1:frequency={300 * (at + 1)}", f="lavfi") for at in range(len(marks))]
        options = {f"{key}:a:{at}": value for at, mark in enumerate(marks) for key, value in mark.items()}
        picture = ffmpeg.input("testsrc=size=64x36:rate=25:duration=1", f="lavfi")
        media.run(ffmpeg.output(picture, *sounds, str(folder / name), vcodec="libx264", **options), f"Making {name}")
        return folder / name

    return made


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ([{"disposition": "0"}, {"disposition": "0"}], 0),
        ([{"disposition": "0"}, {"disposition": "default"}], 1),
        ([{"disposition": "default", "metadata:s": "title=Director's Commentary"}, {"disposition": "0"}], 1),
        ([{"disposition": "default+visual_impaired"}, {"disposition": "0"}], 1),
        ([{"disposition": "comment"}, {"disposition": "comment+default"}], 1),
    ],
)
def test_the_track_is_the_default_one_that_nobody_talks_over(
    marks: list[dict[str, str]], expected: int, tracks: Callable[..., Path], media: Media
) -> None:
    source = probe_video(media, tracks(f"choice{expected}{len(str(marks))}.mkv", *marks), SHA, None)
    assert source.track == expected
    assert [note for note in source.notes if f"track {expected} is dubbed" in note]


def test_the_operator_chooses_and_is_told_what_there_is(tracks: Callable[..., Path], media: Media) -> None:
    path = tracks("two.mkv", {}, {})
    source = probe_video(media, path, SHA, 1)
    assert source.track == 1
    spectrum = np.abs(np.fft.rfft(np.concatenate(list(source_blocks(media, path, source)))[:44100, 0]))
    assert np.argmax(spectrum) == pytest.approx(600, abs=2)
    with pytest.raises(InputError, match=r"track 2 of two\.mkv .* it has 2 \(0 to 1\)"):
        probe_video(media, path, SHA, 2)


def test_a_track_asked_of_a_silent_video_is_refused(media: Media, media_dir: Path) -> None:
    with pytest.raises(InputError, match="it has none"):
        probe_video(media, media_dir / "no_audio_video.mp4", SHA, 0)


def test_the_hash_is_that_of_the_content_and_read_once(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.mp4", tmp_path / "deep/cache.json"
    path.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_cached(path, cache) == known
    with patch("octavia_dag.resources.probe.hashlib.file_digest", side_effect=AssertionError("read again")):
        assert sha256_cached(path, cache) == known


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.mp4", tmp_path / "cache.json"
    path.write_bytes(b"abc")
    first = sha256_cached(path, cache)
    path.write_bytes(b"abd")
    os.utime(path, ns=(1, 1))
    second = sha256_cached(path, cache)
    assert first != second
    path.write_bytes(b"abcd")
    os.utime(path, ns=(1, 1))
    assert sha256_cached(path, cache) not in {first, second}


@pytest.mark.parametrize("content", [b'{"half": ', b"[]", b"7", b"\xff\x00", b'{"PATH": 1}', b'{"PATH": [1, 2]}'])
def test_a_cache_that_holds_something_else_costs_time_only(tmp_path: Path, content: bytes) -> None:
    path, cache = tmp_path / "a.mp4", tmp_path / "cache.json"
    path.write_bytes(b"abc")
    cache.write_bytes(content.replace(b"PATH", str(path).encode()))
    digest = sha256_cached(path, cache)
    assert json.loads(cache.read_text())[str(path)][2] == digest


def test_a_cache_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"abc")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"^Remembering the hash of a\.mp4: "):
        sha256_cached(path, tmp_path / "file" / "cache.json")


def test_a_file_that_cannot_be_read_to_its_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"abc")
    broken = OSError(5, "Input/output error")
    with (
        patch("octavia_dag.resources.probe.hashlib.file_digest", side_effect=broken),
        pytest.raises(InputError, match=r"a\.mp4 failed \(Input/output error\)"),
    ):
        sha256_cached(path, tmp_path / "cache.json")


def test_a_file_that_is_still_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"abc")

    class Digest:
        def hexdigest(self) -> str:
            path.write_bytes(b"abcdef")
            return "x"

    with (
        patch("octavia_dag.resources.probe.hashlib.file_digest", return_value=Digest()),
        pytest.raises(InputError, match="changed while it was read"),
    ):
        sha256_cached(path, tmp_path / "cache.json")
