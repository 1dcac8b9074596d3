"""Several languages of a video: its own work once, the dubs at the same time, and the same outcome as one by one."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from octavia_command import MakeVideo, Octavia, make_octavia

from octavia_dag.cli.alongside import at_once
from octavia_dag.environment import enter, read
from octavia_dag.resources.artifacts import ArtifactStore, Manifest
from octavia_dag.resources.ghosts import PROCESS_TAG
from octavia_dag.resources.own_tags import own_value
from octavia_dag.resources.videos import records

pytestmark = pytest.mark.operators

LANGUAGES = ("es", "pt-BR")
STARTED_WITHIN_S = 90
GONE_WITHIN_S = 15


@pytest.fixture
def octavia(tmp_path: Path, models_dir: str) -> Octavia:
    """A command on four cores: two languages at once."""
    return make_octavia(tmp_path / "octavia", models_dir, threads=4)


def _arguments(video: Path, folder: Path, settings: Path) -> tuple[object, ...]:
    return ("dub", video, "--to", *LANGUAGES, "--out", folder / "out", "--settings", settings, "--json")


def _runs(octavia: Octavia) -> list[dg.DagsterRun]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")  # enter() sets it; the context puts it back
        enter(read(octavia.home))
        with dg.DagsterInstance.get() as instance:
            return [run for run in instance.get_runs() if run.job_name == "dub_video"]


def _times(octavia: Octavia) -> list[tuple[float, float]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        enter(read(octavia.home))
        with dg.DagsterInstance.get() as instance:
            found = instance.get_run_records(dg.RunsFilter(job_name="dub_video"))
    return [(one.start_time or 0.0, one.end_time or 0.0) for one in found]


def _muxes(octavia: Octavia) -> dict[str | None, dict[str, str]]:
    """Hashes of the files of each language's final_mux."""
    store = ArtifactStore(root=str(octavia.home / "store"), scratch=str(octavia.home / "scratch"))
    found: dict[str | None, dict[str, str]] = {}
    for tag in LANGUAGES:
        artifact = store.current("final_mux", records(store)[0].id, tag)
        assert artifact is not None, tag
        found[tag] = {name: one.sha256 for name, one in artifact.manifest.files.items()}
    return found


@pytest.fixture(scope="module")
def both(
    make_video: MakeVideo, models_dir: str, fake_settings: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Octavia, dict[str, Any], Octavia]:
    """One home where two languages were dubbed side by side, what was said, and one where they were one by one."""
    folder, video = tmp_path_factory.mktemp("both"), make_video("talk.mp4")
    beside, after = (make_octavia(folder / str(n), models_dir, threads=n) for n in (4, 2))
    said: dict[str, Any] = {}
    for octavia in (after, beside):
        octavia.tell_fakes({"FakeSynthesizer": {"seconds": 0.5}})
        done = octavia(*_arguments(video, octavia.home.parent, fake_settings))
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
    return beside, said, after


def test_two_languages_are_at_work_at_the_same_time(both: tuple[Octavia, dict[str, Any], Octavia]) -> None:
    times = _times(both[0])
    assert len(times) == 2
    assert max(start for start, _ in times) < min(end for _, end in times)


def test_on_two_cores_one_language_comes_after_the_other_in_one_process(
    both: tuple[Octavia, dict[str, Any], Octavia],
) -> None:
    times = _times(both[2])
    assert max(start for start, _ in times) >= min(end for _, end in times)
    assert len({own_value(run, PROCESS_TAG) for run in _runs(both[2])}) == 1


def test_the_work_of_the_video_is_done_once(both: tuple[Octavia, dict[str, Any], Octavia]) -> None:
    assert both[0].calls("FakeSeparator") == both[2].calls("FakeSeparator")
    stems = [
        path
        for path in (both[0].home / "store").rglob("manifest.json")
        if Manifest.model_validate_json(path.read_text()).asset == "stems"
    ]
    assert len(stems) == 1


def test_the_outcome_is_the_same_byte_for_byte(both: tuple[Octavia, dict[str, Any], Octavia]) -> None:
    assert _muxes(both[0]) == _muxes(both[2])


def test_each_language_is_an_entry_in_the_order_asked_for(both: tuple[Octavia, dict[str, Any], Octavia]) -> None:
    told = both[1]["dubs"]
    assert [one["language"] for one in told] == list(LANGUAGES)
    assert all(one["outputs"] and one["seconds"]["stems"] and one["seconds"]["final_mux"] for one in told)


def test_private_voices_are_gone_when_both_are_reported(both: tuple[Octavia, dict[str, Any], Octavia]) -> None:
    assert not list((both[0].home / "store").rglob("*.sealed"))


@pytest.mark.parametrize(
    ("threads", "languages", "wanted"), [(1, 3, 1), (2, 3, 1), (3, 3, 1), (4, 3, 2), (16, 3, 3), (16, 0, 1)]
)
def test_a_language_has_two_cores_at_least(threads: int, languages: int, wanted: int) -> None:
    assert at_once(threads, languages) == wanted


def test_a_language_that_fails_does_not_stop_the_other(
    octavia: Octavia, make_video: MakeVideo, fake_settings: Path, tmp_path: Path
) -> None:
    octavia.tell_fakes({"FakeTranslator": {"fail_at": 1}})
    done = octavia(*_arguments(make_video("talk.mp4"), tmp_path, fake_settings))
    told = json.loads(done.stdout)["dubs"]
    assert done.returncode == 1, done.stderr
    assert sorted(one["exit_code"] for one in told) == [0, 1]
    [broken] = [one for one in told if one["exit_code"]]
    assert "FakeTranslator was told to fail" in broken["error"]


def _at_work(octavia: Octavia, process: subprocess.Popen[str]) -> dict[str, int]:
    """The processes of the languages, once both speak."""
    calls, end = Path(f"{octavia.control}.calls"), time.monotonic() + STARTED_WITHIN_S
    while True:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "they do not speak"
        lines = calls.read_text().splitlines() if calls.exists() else []
        spoken = {line.split()[-2] for line in lines if line.startswith("FakeSynthesizer ")}
        if spoken == set(LANGUAGES):
            break
        time.sleep(0.1)
    found: dict[str, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if "dub-one" in words and str(octavia.home) in words:
            found[words[words.index("dub-one") + 2]] = int(entry.name)
    assert set(found) == set(LANGUAGES)
    return found


def _left(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*")] if folder.exists() else []


def _gone(pid: int) -> bool:
    end = time.monotonic() + GONE_WITHIN_S
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_every_language_clean(
    sign: signal.Signals, octavia: Octavia, make_video: MakeVideo, fake_settings: Path, tmp_path: Path
) -> None:
    octavia.tell_fakes({"FakeSynthesizer": {"seconds": 40}})
    with octavia.start(*_arguments(make_video("talk.mp4"), tmp_path, fake_settings)) as process:
        children = _at_work(octavia, process)
        process.send_signal(sign)
        out, err = process.communicate(timeout=GONE_WITHIN_S)
    assert process.returncode == 130, err
    assert err.strip().splitlines() == ["octavia: interrupted; the same command goes on from the last finished step."]
    assert json.loads(out)["exit_code"] == 130
    assert not [pid for pid in children.values() if Path(f"/proc/{pid}").exists()]
    assert _left(octavia.home / "scratch") == []
    assert _left(tmp_path / "out") == []
    assert [run.status.value for run in _runs(octavia)] == ["CANCELED", "CANCELED"]


def test_a_language_whose_process_is_killed_fails_alone_and_leaves_nothing(
    octavia: Octavia, make_video: MakeVideo, fake_settings: Path, tmp_path: Path
) -> None:
    octavia.tell_fakes({"FakeSynthesizer": {"seconds": 5}})
    with octavia.start(*_arguments(make_video("talk.mp4"), tmp_path, fake_settings)) as process:
        os.kill(_at_work(octavia, process)["es"], signal.SIGKILL)
        out, _ = process.communicate(timeout=STARTED_WITHIN_S)
    first, second = json.loads(out)["dubs"]
    assert (first["exit_code"], second["exit_code"]) == (1, 0)
    assert "into es ended without an answer" in first["error"]
    assert _left(octavia.home / "scratch") == []
    assert sorted(run.status.value for run in _runs(octavia)) == ["FAILURE", "SUCCESS"]


def test_no_language_works_on_when_the_command_is_killed(
    octavia: Octavia, make_video: MakeVideo, fake_settings: Path, tmp_path: Path
) -> None:
    octavia.tell_fakes({"FakeSynthesizer": {"seconds": 40}})
    with octavia.start(*_arguments(make_video("talk.mp4"), tmp_path, fake_settings)) as process:
        children = _at_work(octavia, process)
        process.kill()
        process.communicate()
        assert all(_gone(pid) for pid in children.values())
    assert _left(octavia.home / "scratch") == []
