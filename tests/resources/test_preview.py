"""What a page plays is small enough for it, and stands where the programme stands."""

import hashlib
from pathlib import Path

import ffmpeg
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavia_dag.errors import InputError
from octavia_dag.resources import preview
from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.media import Media
from octavia_dag.resources.mux import packet_md5
from octavia_dag.resources.preview import BUDGET_BYTES, Small, fitting
from octavia_dag.resources.probe import probe_video, source_blocks
from octavia_dag.resources.storage import ARCHIVE, Storage
from octavia_dag.resources.videos import VideoRecord

CLICK_S = 2.0
FLASH_S = 3.0
LATE_S = 0.7


@pytest.fixture(params=["late.mkv", "late.ts"])
def late(request: pytest.FixtureRequest, media: Media, tmp_path: Path) -> Path:
    """Six seconds of black, white from `FLASH_S` on; the sound comes `LATE_S` late and clicks at `CLICK_S`.

    A transport stream's own clock begins at 1.4 s.
    """
    path = tmp_path / request.param
    black = ffmpeg.input("color=black:size=320x240:rate=25:duration=6", f="lavfi")
    picture = black.filter("drawbox", color="white", t="fill", enable=f"gte(t,{FLASH_S})")
    click = f"aevalsrc='if(between(t,{CLICK_S - LATE_S},{CLICK_S - LATE_S + 0.5}),0.5*sin(1000*2*PI*t),0)':d=5:s=48000"
    sound = ffmpeg.input(click, f="lavfi", itsoffset=LATE_S)
    graph = ffmpeg.output(
        picture, sound, str(path), vcodec="libx264", pix_fmt="yuv420p", acodec="mp2" if path.suffix == ".ts" else "flac"
    )
    media.run(graph, "Making a video")
    return path


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(root=str(tmp_path / "store"), scratch=str(tmp_path / "scratch"))


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    """A folder that others reach, with an empty archive."""
    for name in ("incoming", "archive"):
        (tmp_path / "reached" / name).mkdir(parents=True)
    fetched = str(tmp_path / "fetched")
    return Storage(url=f"file://{tmp_path / 'reached'}", fetched=fetched, most_bytes=1 << 40)


def onset_s(media: Media, path: Path) -> float:
    blocks = np.concatenate(list(source_blocks(media, path, probe_video(media, path, "", 0), rate=48000, channels=1)))
    return int(np.argmax(np.abs(blocks[:, 0]) > 0.1)) / 48000


def white_s(media: Media, path: Path) -> float:
    """When the picture turns white, by its own packets' times."""
    told = media.probe(path, "-select_streams", "v:0", "-show_frames", "-show_entries", "frame=pts_time")["frames"]
    dot = ffmpeg.input(str(path))["v:0"].filter("scale", 1, 1)
    raw = b"".join(media.read(ffmpeg.output(dot, "pipe:", format="rawvideo", pix_fmt="gray"), "Looking"))
    return float(told[int(np.argmax(np.frombuffer(raw, np.uint8) > 128))]["pts_time"])


def record(path: Path) -> VideoRecord:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return VideoRecord(id="late-12345678", name=path.name, path=str(path), sha256=sha256, size=1)


def test_sound_and_picture_stand_where_the_programme_has_them(
    media: Media, late: Path, store: ArtifactStore, storage: Storage
) -> None:
    source, small = probe_video(media, late, "", None), fitting(6.0)
    assert small is not None
    first = preview.original(store, storage, media, record(late), source, small)
    assert onset_s(media, first) == pytest.approx(onset_s(media, late), abs=0.01)
    assert onset_s(media, first) == pytest.approx(CLICK_S, abs=0.05)
    assert white_s(media, first) == pytest.approx(FLASH_S, abs=1 / 12)
    assert probe_video(media, first, "", 0).seconds == pytest.approx(source.seconds, abs=0.1)


def test_the_dub_has_the_originals_picture_packet_by_packet(
    media: Media, late: Path, store: ArtifactStore, storage: Storage, tmp_path: Path
) -> None:
    source, small = probe_video(media, late, "", None), fitting(6.0)
    assert small is not None
    first = preview.original(store, storage, media, record(late), source, small)
    made = preview.dub(media, late, small, tmp_path / "dub.mp4", first)
    assert packet_md5(media, made, "v:0") == packet_md5(media, first, "v:0")
    assert onset_s(media, made) == pytest.approx(CLICK_S, abs=0.05)


def test_the_original_is_made_small_once_and_then_outlives_its_file(
    media: Media, late: Path, store: ArtifactStore, storage: Storage
) -> None:
    source, small, known = probe_video(media, late, "", None), Small(20, 1, 0, 240), record(late)
    first = preview.original(store, storage, media, known, source, small)
    made = first.stat().st_mtime_ns
    late.write_bytes(b"something else")
    with pytest.raises(InputError, match=r"its file .*late\.\w+ is another one now; put it back"):
        preview.original(store, storage, media, known, source, Small(24, 1, 0, 240))
    late.unlink()
    assert preview.original(store, storage, media, known, source, small).stat().st_mtime_ns == made
    with pytest.raises(InputError, match=r"its file .*late\.\w+ is gone; put it back"):
        preview.original(store, storage, media, known, source, Small(24, 1, 0, 240))
    assert not list(Path(store.scratch).iterdir())


def test_an_original_that_had_to_make_room_is_fetched_from_the_archive_again(
    media: Media, late: Path, store: ArtifactStore, storage: Storage
) -> None:
    known = record(late)
    elsewhere = Path(storage.fetched) / known.sha256 / late.name
    (Path(storage.url.removeprefix("file://")) / ARCHIVE / known.sha256).write_bytes(late.read_bytes())
    evicted = known.model_copy(update={"path": str(elsewhere), "size": late.stat().st_size})
    first = preview.original(store, storage, media, evicted, probe_video(media, late, "", None), Small(20, 1, 99, 240))
    assert onset_s(media, first) == pytest.approx(CLICK_S, abs=0.05)


@given(st.floats(0.5, 40_000.0))
def test_two_programmes_never_exceed_the_budget(seconds: float) -> None:
    small = fitting(seconds)
    if small is not None:
        assert 2 * (small.sound_kbps + small.picture_kbps) * 1000 / 8 * seconds <= BUDGET_BYTES or seconds < 1


def test_the_longer_the_less_picture_until_only_sound_is_left() -> None:
    ten, twenty, hour, day = (fitting(minutes * 60.0) for minutes in (10, 20, 60, 1440))
    assert ten is not None
    assert twenty is not None
    assert hour is not None
    assert ten.picture_kbps > twenty.picture_kbps > hour.picture_kbps == 0
    assert hour.sound_kbps >= 24
    assert day is None


def test_a_picture_of_noise_keeps_to_its_share(media: Media, tmp_path: Path) -> None:
    path = tmp_path / "noise.mp4"
    noise = ffmpeg.input("nullsrc=size=320x240:rate=25:duration=8,geq=random(1)*255:128:128", f="lavfi")
    sound = ffmpeg.input("anoisesrc=d=8:r=48000", f="lavfi")
    media.run(ffmpeg.output(noise, sound, str(path), vcodec="libx264", preset="ultrafast", pix_fmt="yuv420p"), "Noise")
    small = Small(sound_kbps=56, channels=2, picture_kbps=100, height=240)
    made = preview.dub(media, path, small, tmp_path / "small.mp4", None)
    assert made.stat().st_size * 8 / 1000 / 8.0 <= 1.3 * (small.sound_kbps + small.picture_kbps)
