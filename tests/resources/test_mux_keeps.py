"""At risk: what the source has beside picture and sound: subtitles, chapters, tags, covers, rotation, other tracks."""

from pathlib import Path

import pytest
from mux_studio import RATE, SECONDS, Studio

from octavia_dag.resources.media import Media


@pytest.fixture
def studio(tmp_path: Path, models_dir: str) -> Studio:
    return Studio(tmp_path, Media(models_dir=models_dir))


@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_subtitles_chapters_and_titles_of_the_source_are_kept(studio: Studio, container: str) -> None:
    (studio.folder / "old.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nOld words\n", encoding="utf-8")
    (studio.folder / "marks.txt").write_text(
        ";FFMETADATA1\ntitle=A talk\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=3000\ntitle=Two\n",
        encoding="utf-8",
    )
    bare, source = studio.source(f"bare.{container}"), studio.folder / f"rich.{container}"
    text = "mov_text" if container == "mp4" else "srt"
    tagged = ("-map_metadata", 2, "-metadata:s:s:0", "language=eng")
    studio.ffmpeg("-i", bare, "-i", studio.folder / "old.srt", "-i", studio.folder / "marks.txt",
                  "-map", 0, "-map", 1, "-c", "copy", "-c:s", text, *tagged, source)  # fmt: skip
    told = studio.told(studio.out / studio.dub(source).video)
    assert told["format"]["tags"]["title"] == "A talk"
    assert [one["tags"]["title"] for one in told["chapters"]] == ["One", "Two"]
    languages = [one["tags"]["language"] for one in told["streams"] if one["codec_type"] == "subtitle"]
    assert languages == ["eng", "por"]


def test_attached_files_and_covers_of_a_matroska_are_kept(studio: Studio) -> None:
    (studio.folder / "font.ttf").write_bytes(b"no real font")
    cover, bare, source = studio.folder / "cover.png", studio.source("bare.mkv"), studio.folder / "attached.mkv"
    studio.ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64:d=1", "-frames:v", 1, cover)
    studio.ffmpeg("-i", bare, "-c", "copy", "-attach", studio.folder / "font.ttf", "-metadata:s:2",
                  "mimetype=font/ttf", "-attach", cover, "-metadata:s:3", "mimetype=image/png", source)  # fmt: skip
    out = studio.told(studio.out / studio.dub(source).video)["streams"]
    assert [one["codec_name"] for one in out if one["codec_type"] == "video"] == ["h264", "png"]
    assert [one["tags"]["filename"] for one in out if one["codec_type"] == "attachment"] == ["font.ttf"]


def test_a_rotated_phone_video_stays_rotated_and_keeps_its_makers_tags(studio: Studio) -> None:
    bare, source = studio.source("bare.mov"), studio.folder / "phone.mov"
    studio.ffmpeg("-display_rotation", -90, "-i", bare, "-c", "copy", "-movflags", "use_metadata_tags",
                  "-metadata", "com.apple.quicktime.make=Maker", source)  # fmt: skip
    before = studio.probed(source)
    out = studio.out / studio.dub(source).video
    assert before.video is not None
    assert before.video.rotation == 90
    after = studio.probed(out).video
    assert after is not None
    assert after.rotation == 90
    assert studio.told(out)["format"]["tags"]["com.apple.quicktime.make"] == "Maker"


def test_irregular_pictures_keep_their_times(studio: Studio) -> None:
    bare, source = studio.source("bare.mp4"), studio.folder / "irregular.mp4"
    studio.ffmpeg("-i", bare, "-vf", "select='not(mod(n,3))+not(mod(n,7))'", "-fps_mode", "vfr", "-c:v", "libx264",
                  "-c:a", "copy", source)  # fmt: skip
    out = studio.out / studio.dub(source).video

    def times(path: Path) -> list[str]:
        told = studio.media.probe(path, "-select_streams", "v", "-show_entries", "packet=pts_time")
        return [one["pts_time"] for one in told["packets"]]

    assert times(out) == times(source)


def test_all_original_tracks_are_kept_the_dubbed_one_first(studio: Studio) -> None:
    bare, source = studio.source("bare.mp4"), studio.folder / "two.mp4"
    tagged = ("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=fra")
    studio.ffmpeg("-i", bare, "-f", "lavfi", "-i", f"sine=900:r={RATE}:d={SECONDS}", "-map", 0, "-map", 1,
                  "-c:v", "copy", "-c:a", "aac", *tagged, source)  # fmt: skip
    out = studio.out / studio.dub(source, track=1).video
    found = [(one["tags"]["language"], one["disposition"]["default"]) for one in studio.streams(out, "audio")]
    assert found == [("por", 1), ("fra", 0), ("eng", 0)]


def test_the_original_is_left_out_where_it_is_not_wanted(studio: Studio) -> None:
    out = studio.out / studio.dub(studio.source("plain.mp4"), keep_original=False).video
    assert [one["tags"]["language"] for one in studio.streams(out, "audio")] == ["por"]


def test_subtitles_stay_out_of_the_file_where_they_are_not_wanted(studio: Studio) -> None:
    final = studio.dub(studio.source("plain.mp4"), subtitles=False)
    assert studio.streams(studio.out / final.video, "subtitle") == []
    assert (studio.out / "deliverable.srt").is_file()


def test_a_name_with_spaces_quotes_and_signs_is_no_obstacle(studio: Studio) -> None:
    final = studio.dub(studio.source('it\'s "my" 100% [cut]: 🙂.mp4'))
    assert final.seconds == pytest.approx(SECONDS, abs=0.022)
