"""Nothing that ffmpeg does goes unnoticed, and no ffmpeg outlives whoever started it."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from unittest.mock import patch

import ffmpeg
import pytest

from octavia_dag.errors import MediaError, StorageError
from octavia_dag.resources.levels import flac
from octavia_dag.resources.media import Media, SideBySide, url
from octavia_dag.resources.mux import packet_md5
from octavia_dag.resources.probe import probe_video, source_blocks
from octavia_dag.resources.sound import programme_loudness
from octavia_dag.resources.stopwatch import intervals

SILENCE = "anullsrc=r=8000:cl=mono"


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Every child that is started while the test runs."""
    children: list[subprocess.Popen[bytes]] = []
    real = subprocess.Popen

    def popen(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        children.append(real(*arguments, **options))  # type: ignore[call-overload]
        return children[-1]

    with patch("octavia_dag.resources.media.subprocess.Popen", popen):
        yield children


def test_a_graph_that_fails_says_what_was_attempted_and_ffmpegs_last_words(media: Media, tmp_path: Path) -> None:
    graph = ffmpeg.output(ffmpeg.input(str(tmp_path / "absent.wav")), str(tmp_path / "out.wav"))
    with pytest.raises(MediaError, match=r"^Mixing: ffmpeg ended with code \d+\..*absent\.wav: No such file") as caught:
        media.run(graph, "Mixing")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "seconds",
    [pytest.param(1, id="with the last write, where ffmpeg itself ends with 0"), pytest.param(60, id="in the middle")],
)
def test_a_full_disk_is_told_apart(seconds: int, media: Media) -> None:
    graph = ffmpeg.output(ffmpeg.input(SILENCE, f="lavfi", t=seconds), "/dev/full", format="wav")
    with pytest.raises(StorageError, match="Mixing: the disk is full"):
        media.run(graph, "Mixing")


def test_probing_what_is_no_media_is_an_error(media: Media, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video at all")
    with pytest.raises(MediaError, match=r"Probing a\.mp4"):
        media.probe(tmp_path / "a.mp4", "-show_format")


def test_a_transport_stream_can_be_opened(make: Callable[..., Path], media: Media) -> None:
    # The static build crashes in the system's character converters as soon as it reads a service name.
    assert media.probe(make("plain.ts"), "-show_format")["format"]["format_name"] == "mpegts"


def test_lines_come_whole_and_in_order(make: Callable[..., Path], media: Media) -> None:
    path = make("plain.mp4")
    with patch("octavia_dag.resources.media.BLOCK_BYTES", 7):
        lines = list(media.probe_lines(path, "-show_entries", "packet=pts,size", "-of", "compact=p=0"))
    packets = media.probe(path, "-show_packets")["packets"]
    # Side data ends its packet's line a second time.
    assert [line.rstrip("|") for line in lines if line] == [f"pts={one['pts']}|size={one['size']}" for one in packets]


def test_what_is_read_is_what_the_graph_makes(media: Media) -> None:
    graph = ffmpeg.output(ffmpeg.input(SILENCE, f="lavfi", t=3), "pipe:", format="s16le")
    assert b"".join(media.read(graph, "Reading")) == bytes(2 * 3 * 8000)


def test_what_is_written_is_what_the_graph_gets(media: Media, tmp_path: Path) -> None:
    graph = ffmpeg.output(ffmpeg.input("pipe:", format="s16le", ar=8000, ac=1), str(tmp_path / "a.raw"), format="s16le")
    blocks = [bytes([number]) * 5000 for number in range(100)]
    media.write(graph, iter(blocks), "Writing")
    assert (tmp_path / "a.raw").read_bytes() == b"".join(blocks)


def test_a_reader_that_stops_early_ends_ffmpeg(media: Media, started: list[subprocess.Popen[bytes]]) -> None:
    endless = ffmpeg.output(ffmpeg.input(SILENCE, f="lavfi"), "pipe:", format="s16le")
    blocks = media.read(endless, "Reading")
    next(blocks)
    assert started[0].poll() is None
    blocks.close()  # type: ignore[attr-defined]
    assert started[0].poll() is not None


def test_a_writer_that_fails_ends_ffmpeg(media: Media, tmp_path: Path, started: list[subprocess.Popen[bytes]]) -> None:
    def failing() -> Iterator[bytes]:
        yield bytes(1000)
        raise KeyboardInterrupt

    graph = ffmpeg.output(ffmpeg.input("pipe:", format="s16le", ar=8000, ac=1), str(tmp_path / "a.wav"))
    with pytest.raises(KeyboardInterrupt):
        media.write(graph, failing(), "Writing")
    assert started[0].poll() is not None


def test_work_that_fails_ends_the_graphs_beside_it(media: Media, started: list[subprocess.Popen[bytes]]) -> None:
    endless = ffmpeg.output(ffmpeg.input(SILENCE, f="lavfi", t=3600 * 24), "pipe:", format="null")
    jobs: list[Future[str]] = []

    def work() -> None:
        with SideBySide(2) as beside:
            jobs.extend(beside.submit(media.run, endless, "Running") for _ in range(3))
            while len(started) < 2:
                time.sleep(0.01)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert all(one.done() for one in jobs)
    assert all(one.poll() is not None for one in started)


def test_ffmpeg_runs_in_a_group_of_its_own(media: Media, started: list[subprocess.Popen[bytes]]) -> None:
    blocks = media.read(ffmpeg.output(ffmpeg.input(SILENCE, f="lavfi"), "pipe:", format="s16le"), "Reading")
    next(blocks)
    assert os.getpgid(started[0].pid) == started[0].pid != os.getpgid(0)
    blocks.close()  # type: ignore[attr-defined]


def test_a_graph_that_fails_while_it_is_fed_says_why(media: Media, tmp_path: Path) -> None:
    graph = ffmpeg.output(ffmpeg.input("pipe:", format="s16le", ar=8000, ac=1), str(tmp_path / "a.nosuch"))
    with pytest.raises(MediaError, match=r"Writing: ffmpeg ended .*a\.nosuch"):
        media.write(graph, (bytes(1 << 20) for _ in range(20)), "Writing")


def test_the_time_spent_is_recorded(media: Media) -> None:
    began = time.monotonic()
    media.run(ffmpeg.output(ffmpeg.input(SILENCE, f="lavfi", t=1), "pipe:", format="null"), "Counting")
    assert [one.name for one in intervals(began) if one.kind == "ffmpeg"] == ["Counting"]


@pytest.mark.parametrize("name", ["talk: part.mp4", "http:talk.mp4", "-talk.mp4"])
def test_a_name_that_looks_like_a_protocol_or_an_option_is_a_file(
    name: str, make: Callable[..., Path], media: Media, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(name)
    shutil.copy(make("plain.mp4"), path)
    source = probe_video(media, path, "0" * 64, None)
    assert sum(map(len, source_blocks(media, path, source))) == 6 * 48000
    assert packet_md5(media, path) == packet_md5(media, make("plain.mp4"))
    assert programme_loudness(media, path, 0)[1] is not None
    media.run(flac(ffmpeg.input(url(path)).audio, Path(f"{name}.flac")), "Copying the sound")
    assert Path(f"{name}.flac").is_file()
