"""Lengths and places are what a player shows, told from the packets, whatever the header says."""

from collections.abc import Callable
from pathlib import Path

import ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray

from octavia_dag.resources.media import Media
from octavia_dag.resources.probe import probe_video, source_blocks
from octavia_dag.schema import SourceVideo

Maker = Callable[..., Path]
SHA = "0" * 64
CLICKS = "aevalsrc='if(lt(mod(t,1),0.01),sin(2*PI*1000*t),0)':s={rate}:d={seconds}"
PICTURE = "testsrc=size=64x36:rate=25:duration=6"
SHAPES = {
    "plain.mp4": {},
    "plain.mov": {},
    "plain.mkv": {},
    "cd.mkv": {"rate": 44100},
    "plain.ts": {},
    "cd.ts": {"rate": 44100},
    "plain.webm": {"vcodec": "libvpx", "acodec": "libopus", "deadline": "realtime"},
    "late.mp4": {"late": 1.5},
    "late.mkv": {"late": 1.5},
    "late.ts": {"late": 1.5},
    "short.mp4": {"sound_s": 3},
    "long.mp4": {"sound_s": 8},
    "long.mkv": {"sound_s": 8},
    "long.ts": {"sound_s": 8},
}


def remuxed(media: Media, path: Path, tmp_path: Path) -> Path:
    source = ffmpeg.input(str(path))
    copy = tmp_path / f"copy{path.suffix}"
    media.run(ffmpeg.output(source["v:0"], source["a:0"], str(copy), c="copy"), "Copying")
    return copy


def joined(media: Media, path: Path, source: SourceVideo, **wanted: int) -> NDArray[np.float32]:
    return np.concatenate(list(source_blocks(media, path, source, **wanted)))


def clicks_s(sound: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    """Times at which it becomes loud after 0.3 s of quiet: an oracle that knows nothing of containers."""
    loud = np.flatnonzero(np.abs(sound) > 0.1 * np.max(np.abs(sound)))
    return loud[np.diff(loud, prepend=-rate) > 0.3 * rate] / rate


def end_after_first_picture_s(media: Media, path: Path) -> float:
    """End of the last packet of a file less the start of its first picture, from ffprobe's JSON of every packet."""
    packets = media.probe(path, "-show_packets")["packets"]
    pictures = [float(one["pts_time"]) for one in packets if one["codec_type"] == "video"]
    ends = [float(one["pts_time"]) + float(one.get("duration_time", 0)) for one in packets]
    padded = [side.get("discard_padding", 0) for side in packets[-1].get("side_data_list", ())]
    return max(ends) - min(pictures) - sum(padded) / 48000


@pytest.mark.parametrize("name", SHAPES)
def test_the_length_is_that_of_a_real_remux(name: str, make: Maker, media: Media, tmp_path: Path) -> None:
    path = make(name, **SHAPES[name])
    source = probe_video(media, path, SHA, None)
    copy = remuxed(media, path, tmp_path)
    assert source.seconds == pytest.approx(end_after_first_picture_s(media, copy), abs=0.0011)
    assert probe_video(media, copy, SHA, None).seconds == pytest.approx(source.seconds, abs=0.0011)
    if path.suffix in {".mp4", ".mov"}:  # the other two write a header that is off by a run-in or more
        assert source.seconds == pytest.approx(
            float(media.probe(copy, "-show_format")["format"]["duration"]), abs=0.001
        )


@pytest.mark.parametrize("name", ["englishvideo.mp4", "dialogue/dialogue.mp4", "cast/cast4.mp4", "tone_no_speech.mp4"])
def test_the_length_of_a_recording_is_that_of_a_real_remux(
    name: str, media: Media, media_dir: Path, tmp_path: Path
) -> None:
    copy = remuxed(media, media_dir / name, tmp_path)
    told = float(media.probe(copy, "-show_format")["format"]["duration"])
    assert probe_video(media, media_dir / name, SHA, None).seconds == pytest.approx(told, abs=0.001)


@pytest.mark.parametrize("name", SHAPES)
def test_the_sound_lies_where_the_picture_expects_it(name: str, make: Maker, media: Media) -> None:
    shape = SHAPES[name]
    path = make(name, **shape)
    source = probe_video(media, path, SHA, None)
    assert source.chosen is not None
    sound = joined(media, path, source)
    assert len(sound) == round(source.seconds * source.chosen.rate)
    expected = np.arange(shape.get("sound_s", 6)) + shape.get("late", 0.0)
    # An edit list in thousandths of a second is all that mp4 has for a late sound.
    limit_s = 0.001 if name == "late.mp4" else 0.0001
    assert clicks_s(sound[:, 0], source.chosen.rate) == pytest.approx(expected, abs=limit_s)
    assert source.video is not None
    assert source.video.start == 0.0


def test_a_sound_that_begins_before_the_picture_is_kept(make: Maker, media: Media, tmp_path: Path) -> None:
    # A copy from the middle: the picture starts at its next key picture, the sound at once.
    middle = ffmpeg.input(str(make("plain.mkv")))
    path = tmp_path / "cut.mkv"
    media.run(ffmpeg.output(middle, str(path), c="copy", ss=2.3, map="0:a"), "Cutting")
    picture = ffmpeg.input(PICTURE, f="lavfi", itsoffset=0.5)
    late = tmp_path / "late_picture.mkv"
    media.run(
        ffmpeg.output(picture, ffmpeg.input(str(path)), str(late), vcodec="libx264", bf=0, acodec="copy"), "Joining"
    )
    source = probe_video(media, late, SHA, None)
    assert source.video is not None
    assert source.chosen is not None
    assert source.video.start == pytest.approx(0.5, abs=0.025)
    assert source.chosen.start == 0.0
    assert clicks_s(joined(media, late, source)[:, 0], 48000)[0] == pytest.approx(0.7, abs=0.025)


def test_what_an_edit_list_hides_at_the_beginning_does_not_count(make: Maker, media: Media, tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    media.run(ffmpeg.output(ffmpeg.input(str(make("plain.mp4")), ss=2.3), str(path), c="copy"), "Cutting")
    source = probe_video(media, path, SHA, None)
    told = float(media.probe(remuxed(media, path, tmp_path), "-show_format")["format"]["duration"])
    assert source.seconds == pytest.approx(told, abs=0.001)
    assert clicks_s(joined(media, path, source)[:, 0], 48000) == pytest.approx([0.7, 1.7, 2.7], abs=0.001)


def test_what_an_edit_list_hides_at_the_end_counts_since_a_copy_shows_it(
    make: Maker, media: Media, tmp_path: Path
) -> None:
    boxes = bytearray(make("plain.mp4").read_bytes())
    for at in (boxes.index(b"elst"), boxes.rindex(b"elst")):
        boxes[at + 12 : at + 16] = (3000).to_bytes(4)  # the edit's length, in thousandths of a second
    path = tmp_path / "hidden.mp4"
    path.write_bytes(boxes)
    told = float(media.probe(remuxed(media, path, tmp_path), "-show_format")["format"]["duration"])
    assert probe_video(media, path, SHA, None).seconds == pytest.approx(told, abs=0.001)
    assert told == pytest.approx(6.0, abs=0.001)


def test_a_recording_that_begins_inside_a_stream_starts_at_a_picture_that_can_be_shown(
    make: Maker, media: Media, tmp_path: Path
) -> None:
    whole = make("groups.ts", g=50).read_bytes()
    path = tmp_path / "capture.ts"
    path.write_bytes(whole[188 * 60 :])
    source = probe_video(media, path, SHA, None)
    assert source.video is not None
    copied = media.probe(remuxed(media, path, tmp_path), "-select_streams", "v", "-show_packets")["packets"]
    assert source.video.seconds == pytest.approx(len(copied) / 25, abs=0.001)


def test_a_hole_in_the_sound_is_silence_and_what_follows_stays_in_place(media: Media, tmp_path: Path) -> None:
    path = tmp_path / "hole.mkv"
    sound = ffmpeg.input(CLICKS.format(rate=48000, seconds=6), f="lavfi").filter("aselect", "lt(t,1.5)+gt(t,3.5)")
    picture = ffmpeg.input(PICTURE, f="lavfi")
    media.run(ffmpeg.output(picture, sound, str(path), vcodec="libx264", acodec="pcm_s16le"), "Making a hole")
    source = probe_video(media, path, SHA, None)
    assert clicks_s(joined(media, path, source)[:, 0], 48000) == pytest.approx([0, 1, 4, 5], abs=0.002)


def test_a_header_that_lies_is_reported_and_not_believed(make: Maker, media: Media, tmp_path: Path) -> None:
    path = tmp_path / "half.mkv"
    whole = make("plain.mkv").read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    source = probe_video(media, path, SHA, None)
    assert source.header_seconds == pytest.approx(6.0, abs=0.05)
    assert source.seconds < 5
    assert [note for note in source.notes if "header says" in note]
    assert probe_video(media, make("plain.mp4"), SHA, None).notes == ()


def test_rate_and_channels_can_be_asked_for(make: Maker, media: Media) -> None:
    path = make("surround.mp4", ac=6)
    source = probe_video(media, path, SHA, None)
    assert source.chosen is not None
    assert (source.chosen.channels, source.chosen.layout) == (6, "5.1")
    assert joined(media, path, source).shape == (6 * 48000, 6)
    assert joined(media, path, source, rate=16000, channels=1).shape == (6 * 16000, 1)


def test_surround_channels_come_in_the_order_of_the_file(media: Media, tmp_path: Path) -> None:
    levels = [0.5, 0.25, 0.4, 0.1, 0.05, 0.02]
    tones = "|".join(f"{level}*sin({200 + 50 * at}*2*PI*t)" for at, level in enumerate(levels))
    sound = ffmpeg.input(f"aevalsrc={tones}:c=5.1:s=48000:d=2", f="lavfi")
    picture = ffmpeg.input(PICTURE, f="lavfi")
    path = tmp_path / "surround.mkv"
    media.run(ffmpeg.output(picture, sound, str(path), vcodec="libx264", acodec="flac", t=2), "Making 5.1")
    decoded = joined(media, path, probe_video(media, path, SHA, None))[:96000]
    assert np.max(np.abs(decoded), axis=0) == pytest.approx(levels, abs=0.01)


def test_without_sound_there_are_no_blocks(media: Media, media_dir: Path) -> None:
    source = probe_video(media, media_dir / "no_audio_video.mp4", SHA, None)
    assert (source.track, source.audio, source.seconds) == (None, (), 5.0)
    assert list(source_blocks(media, media_dir / "no_audio_video.mp4", source)) == []
