"""A transcript that cannot be used stops the video before anything is dubbed, in both jobs.

Dagster's blocking checks do not cross jobs, so a dub that is started on its own (in the UI) must read the verdict.
"""

from pathlib import Path

import dagster as dg
import pytest
from octavia_command import MakeVideo, Octavia, make_octavia

from octavia_dag.definitions import build
from octavia_dag.environment import enter, read
from octavia_dag.partitions import dub_key

LONG_S = 48.0  # twenty seconds of speech without a word are no transcript


@pytest.fixture(scope="module")
def refused(
    make_video: MakeVideo, models_dir: str, fake_settings: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Octavia, int, str]:
    folder = tmp_path_factory.mktemp("gate")
    octavia = make_octavia(folder, models_dir)
    octavia.tell_fakes({"FakeTranscriber": {"deaf": True}})
    video = make_video("deaf.mp4", picture_s=LONG_S, sound_s=LONG_S)
    done = octavia("dub", video, "--to", "pt-BR", "--out", folder / "out", "--settings", fake_settings)
    return octavia, done.returncode, done.stderr


def test_the_command_refuses_with_the_reason(refused: tuple[Octavia, int, str]) -> None:
    octavia, code, said = refused
    assert code == 2
    assert "transcript" in said.splitlines()[-1]
    assert "Traceback" not in said
    assert octavia.calls("FakeTranslator") == 0


def test_the_check_has_failed_in_dagster(refused: tuple[Octavia, int, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    enter(read(refused[0].home))
    with dg.DagsterInstance.get() as instance:
        runs = instance.get_runs()
        assert [run.job_name for run in runs] == ["analyse_video"]
        assert runs[0].status == dg.DagsterRunStatus.FAILURE


def test_a_dub_that_is_started_on_its_own_is_refused_too(
    refused: tuple[Octavia, int, str], monkeypatch: pytest.MonkeyPatch, models_dir: str
) -> None:
    octavia = refused[0]
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("OCTAVIA_MODELS", models_dir)
    environment = read(octavia.home)
    enter(environment)
    video = next((octavia.home / "store" / "videos").iterdir()).name
    with dg.DagsterInstance.get() as instance:
        result = (
            build(environment)
            .resolve_job_def("dub_video")
            .execute_in_process(
                instance=instance,
                partition_key=dub_key(video, "pt-BR"),
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
        )
    assert not result.success
    failures = [e.event_specific_data for e in result.all_events if e.is_step_failure]
    assert failures
    assert all("cannot be used" in str(getattr(one, "user_failure_data", "")) for one in failures)
