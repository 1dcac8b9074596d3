"""An interrupted run leaves no child, no half deliverable and no ghost, and the next one goes on where it stopped."""

import os
import signal
import subprocess
import time
from pathlib import Path

import dagster as dg
import pytest
from octavia_command import MakeVideo, Octavia

from octavia_dag.environment import enter, read

STARTED_WITHIN_S = 60
GONE_WITHIN_S = 15


def _wait_for(octavia: Octavia, fake: str, calls: int, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + STARTED_WITHIN_S
    while octavia.calls(fake) < calls:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"{fake} was not called"
        time.sleep(0.05)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        if parent == pid:
            found += [int(entry.name), *_children(int(entry.name))]
    return found


def _left(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*")] if folder.exists() else []


@pytest.mark.parametrize(
    ("fake", "call", "sign"),
    [
        ("FakeSeparator", 2, signal.SIGINT),
        ("FakeTranscriber", 2, signal.SIGTERM),
        ("FakeDiarizer", 2, signal.SIGINT),
        ("FakeCloner", 1, signal.SIGTERM),
        ("FakeTranslator", 1, signal.SIGINT),
        ("FakeSynthesizer", 1, signal.SIGTERM),
    ],
)
def test_a_signal_during_a_step_ends_it_clean_and_the_next_run_goes_on(
    fake: str,
    call: int,
    sign: signal.Signals,
    octavia: Octavia,
    make_video: MakeVideo,
    fake_settings: Path,
    tmp_path: Path,
) -> None:
    arguments = ("dub", make_video("talk.mp4"), "--to", "pt-BR", "--out", tmp_path / "out", "--settings", fake_settings)
    octavia.tell_fakes({fake: {"block_at": call}})
    with octavia.start(*arguments) as process:
        _wait_for(octavia, fake, call, process)
        children = _children(process.pid)
        process.send_signal(sign)
        _, err = process.communicate(timeout=GONE_WITHIN_S)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "interrupted" in err
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    assert _left(tmp_path / "out") == []
    assert _left(octavia.home / "scratch") == []
    octavia.tell_fakes({})
    before = octavia.calls("FakeSeparator")
    done = octavia(*arguments)
    assert done.returncode == 0, done.stderr
    if fake not in ("FakeSeparator",):
        assert octavia.calls("FakeSeparator") == before, "stems were made again"


def test_ctrl_c_while_ffmpeg_runs_leaves_no_ffmpeg(
    octavia: Octavia, make_video: MakeVideo, fake_settings: Path, tmp_path: Path
) -> None:
    video = make_video("long.mp4", picture_s=600.0, video=("libx264",), preset="ultrafast")
    with octavia.start(
        "dub", video, "--to", "pt-BR", "--out", tmp_path / "out", "--settings", fake_settings
    ) as process:
        end = time.monotonic() + STARTED_WITHIN_S
        while not (children := _ffmpegs(process.pid)):
            assert time.monotonic() < end, "ffmpeg was not started"
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=GONE_WITHIN_S)
    assert process.returncode == 130
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def _ffmpegs(pid: int) -> list[int]:
    names = {child: Path(f"/proc/{child}/comm") for child in _children(pid)}
    return [child for child, path in names.items() if path.exists() and path.read_text().startswith("ff")]


def test_a_run_that_was_killed_is_closed_at_the_next_start(
    octavia: Octavia, make_video: MakeVideo, fake_settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("dub", make_video("talk.mp4"), "--to", "pt-BR", "--out", tmp_path / "out", "--settings", fake_settings)
    octavia.tell_fakes({"FakeTranscriber": {"block_at": 2}})
    with octavia.start(*arguments) as process:
        _wait_for(octavia, "FakeTranscriber", 2, process)
        os.kill(process.pid, signal.SIGKILL)
    octavia.tell_fakes({})
    done = octavia(*arguments)
    assert done.returncode == 0, done.stderr
    assert _left(octavia.home / "scratch") == []
    monkeypatch.setenv("DAGSTER_HOME", "")  # enter() sets it; the fixture puts it back
    enter(read(octavia.home))
    with dg.DagsterInstance.get() as instance:
        runs = instance.get_runs()
    states = sorted(run.status.value for run in runs)
    assert states == ["FAILURE", "SUCCESS", "SUCCESS"]
