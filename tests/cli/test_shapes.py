"""Whatever shape the file has, it is dubbed: real ffmpeg, fake models, one command over all of them.

One process dubs every shape, since a process of its own for each would spend its time on start-up.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from octavia_command import MakeVideo, make_octavia

from octavia_dag.resources.media import Media
from octavia_dag.resources.mux import packet_md5
from octavia_dag.resources.probe import probe_video
from octavia_dag.schema import SourceVideo

LENGTH_S = 0.022
SHAPES = (
    "plain.mp4", "sound shorter.mp4", "sound longer.mp4", "lying.mkv", "vfr.mp4", "surround.mp4", "mono.mp4",
    "two tracks.mkv", "rotated.mp4", "film.mkv", "clip.webm", "phone.mov", "aired.ts",
    "it's a \"film\" & more.mp4", "🎬 olá.mp4", "late sound.mp4",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One shape: the source, what the command said, and the deliverable."""

    source: Path
    said: dict[str, Any]
    deliverable: Path


@pytest.fixture(scope="module")
def rows(
    make_video: MakeVideo, models_dir: str, fake_settings: Path, media: Media, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Row]:
    folder = tmp_path_factory.mktemp("shapes")
    sources = [make_shape(name, make_video, media, folder) for name in SHAPES]
    out = folder / "out"
    octavia = make_octavia(folder, models_dir)
    done = octavia("dub", *sources, "--to", "pt-BR", "--out", out, "--settings", fake_settings, "--json")
    assert "Traceback" not in done.stderr
    said = {Path(one["video"]).name: one for one in json.loads(done.stdout)["dubs"]}
    assert done.returncode == 0, done.stderr + done.stdout
    return {
        path.name: Row(path, said[path.name], out / f"{path.stem}.pt-BR{path.suffix}") for path in sources
    }  # fmt: skip


def _uneven(picture: Any) -> Any:
    """Every third picture only, in the first half."""
    return picture.filter("select", "not(mod(n,3))*lt(t,4)+gte(t,4)")


def make_shape(name: str, make_video: MakeVideo, media: Media, folder: Path) -> Path:
    """The video of one row. Each differs in length by a hundredth: equal content would be one video."""
    import ffmpeg

    special: dict[str, dict[str, Any]] = {
        "sound shorter.mp4": {"sound_s": 6.5},
        "sound longer.mp4": {"picture_s": 6.0},
        "vfr.mp4": {"picture_filter": _uneven, "vsync": "vfr"},
        "surround.mp4": {"channels": 6},
        "mono.mp4": {"channels": 1},
        "clip.webm": {"video": ("libvpx",), "audio": "libopus", "deadline": "realtime"},
    }
    path = make_video(name, **{"metadata": f"comment={name}", **special.get(name, {})})
    made = folder / name
    whole = ffmpeg.input(str(path))
    if name == "two tracks.mkv":
        other = ffmpeg.input("sine=frequency=300:duration=8", f="lavfi")
        graph = ffmpeg.output(whole.video, whole.audio, other, str(made), vcodec="copy", acodec="aac")
    elif name == "rotated.mp4":
        graph = ffmpeg.output(ffmpeg.input(str(path), display_rotation=90), str(made), codec="copy")
    elif name == "late sound.mp4":
        late = ffmpeg.input(str(path), itsoffset=0.7)
        graph = ffmpeg.output(whole.video, late.audio, str(made), codec="copy")
    elif name == "lying.mkv":
        graph = ffmpeg.output(whole, str(made), codec="copy", live=1)  # a live file's header has no length
    else:
        return path
    media.run(graph, f"Making {name}")
    return made


@pytest.fixture(params=SHAPES)
def row(request: pytest.FixtureRequest, rows: dict[str, Row]) -> Row:
    return rows[request.param]


def _probes(row: Row, media: Media) -> tuple[SourceVideo, SourceVideo]:
    return probe_video(media, row.source, "", None), probe_video(media, row.deliverable, "", 0)


def test_the_picture_is_the_same_packets(row: Row, media: Media) -> None:
    assert packet_md5(media, row.source, "v:0") == packet_md5(media, row.deliverable, "v:0")


def test_the_length_is_the_sources(row: Row, media: Media) -> None:
    source, dub = _probes(row, media)
    assert abs(source.seconds - dub.seconds) <= LENGTH_S


def test_the_dub_is_the_default_track_and_tagged(row: Row, media: Media) -> None:
    _, dub = _probes(row, media)
    assert dub.audio[0].default or row.source.suffix == ".ts"  # a transport stream has no such flag; the dub is first
    assert dub.audio[0].language in ("por", "pt-BR", "pt")
    assert [track.default for track in dub.audio[1:]] == [False] * (len(dub.audio) - 1)


def test_the_original_sound_is_kept_behind_it(row: Row, media: Media) -> None:
    source, dub = _probes(row, media)
    assert len(dub.audio) == len(source.audio) + 1


def test_channels_rotation_and_chosen_track_are_kept(row: Row, media: Media) -> None:
    source, dub = _probes(row, media)
    assert source.video is not None
    assert dub.video is not None
    assert source.chosen is not None
    assert dub.audio[0].channels == source.chosen.channels
    assert dub.video.rotation == source.video.rotation


def test_report_and_subtitles_lie_beside_it(row: Row) -> None:
    stem = row.deliverable.with_suffix("")
    for suffix in (".srt", ".vtt", ".qa.json"):
        assert Path(f"{stem}{suffix}").stat().st_size > 0
    assert json.loads(Path(f"{stem}.qa.json").read_text())["language"] == "pt-BR"


def test_the_command_says_what_it_made(row: Row) -> None:
    assert str(row.deliverable) in row.said["outputs"]
    assert row.said["orchestration_ratio"] is not None
    assert set(row.said["seconds"]) >= {"stems", "final_mux", "qa_report"}


def test_nothing_is_left_in_scratch_or_half_written(rows: dict[str, Row]) -> None:
    out = next(iter(rows.values())).deliverable.parent
    assert not [path for path in out.iterdir() if path.name.startswith(".")]
    assert not list((out.parent / "home" / "scratch").iterdir())
