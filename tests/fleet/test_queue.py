"""At risk: somebody who waits in person behind a night's catalogue, and a run on a machine that cannot do it."""

from collections.abc import Generator
from pathlib import Path
from typing import cast

import dagster as dg
import pytest
import yaml
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.run_coordinator.base import SubmitRunContext
from dagster._core.test_utils import create_run_for_test
from dagster._core.workspace.context import BaseWorkspaceRequestContext

from octavia_dag.fleet.queue import DROPPED, IN_PERSON, PRIORITY_TAG, TENANT_TAG, FleetRunCoordinator, tags_of
from octavia_dag.graph import COMPUTE_TAG, GRAPH

pytestmark = pytest.mark.fleet
VIDEO, DUB = "talk-1a2b3c4d", "es|talk-1a2b3c4d"
STUDIO = {"engines": {"profile": "studio"}}
REMOTE = "octavia_dag.resources.studio.remote_voices:RemoteSynthesizer"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "store" / "videos" / VIDEO).mkdir(parents=True)
    return tmp_path / "store"


@pytest.fixture
def instance(tmp_path: Path, store: Path) -> Generator[dg.DagsterInstance]:
    told = {
        "module": "octavia_dag.fleet.queue",
        "class": "FleetRunCoordinator",
        "config": {"home": str(store.parent), "max_concurrent_runs": 3},
    }
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({"run_coordinator": told}), encoding="utf-8")
    with dg.DagsterInstance.from_config(str(tmp_path)) as found:
        yield found


def write(store: Path, layer: dict[str, dict[str, str]], name: str = "settings.yaml") -> None:
    (store / name).write_text(yaml.safe_dump(layer), encoding="utf-8")


def run(job: str = "dub_video", key: str = DUB, *made: str, **tags: str) -> dg.DagsterRun:
    chosen = frozenset(dg.AssetKey(name) for name in made) or None
    return dg.DagsterRun(job_name=job, tags={"dagster/partition": key, **tags}, asset_selection=chosen)


def test_the_default_engines_need_no_gpu(store: Path) -> None:
    assert tags_of(run(), store)[COMPUTE_TAG] == "cpu"


@pytest.mark.parametrize(("job", "key"), [("analyse_video", VIDEO), ("dub_video", DUB)])
def test_studio_engines_ask_for_a_gpu(store: Path, job: str, key: str) -> None:
    write(store, STUDIO)
    assert tags_of(run(job, key), store)[COMPUTE_TAG] == "gpu"


@pytest.mark.parametrize("made", [name for name, node in GRAPH.items() if node.compute == "cpu"])
def test_a_run_of_what_asks_no_engine_needs_no_gpu(store: Path, made: str) -> None:
    write(store, STUDIO)
    assert tags_of(run("__ASSET_JOB", DUB, made), store)[COMPUTE_TAG] == "cpu"


def test_engines_that_a_server_answers_for_need_no_gpu_here(store: Path) -> None:
    write(store, {"synthesis": {"engine": REMOTE}})
    assert tags_of(run("__ASSET_JOB", DUB, "dubbed_chunks"), store)[COMPUTE_TAG] == "cpu"


def test_one_dub_can_be_sent_elsewhere(store: Path) -> None:
    write(store, STUDIO)
    write(store, {"engines": {"compute": "local"}}, f"videos/{VIDEO}/settings.es.yaml")
    assert tags_of(run(), store)[COMPUTE_TAG] == "local"
    assert tags_of(run(key=f"pt-BR|{VIDEO}"), store)[COMPUTE_TAG] == "gpu"


@pytest.mark.parametrize(
    ("tags", "priority"),
    [
        ({}, IN_PERSON),
        ({"dagster/sensor_name": "automation"}, DROPPED),
        ({"dagster/backfill": "abc"}, 0),
        ({"dagster/schedule_name": "nights"}, DROPPED),
    ],
)
def test_who_waits_in_person_goes_before_what_was_dropped_and_that_before_a_catalogue(
    store: Path, tags: dict[str, str], priority: int
) -> None:
    assert tags_of(run(**tags), store)[PRIORITY_TAG] == str(priority)


def test_it_is_told_for_whom_a_video_is(store: Path) -> None:
    assert TENANT_TAG not in tags_of(run(), store)
    write(store, {"delivery": {"tenant": "acme"}}, f"videos/{VIDEO}/settings.yaml")
    assert tags_of(run(), store)[TENANT_TAG] == "acme"


def test_a_run_of_something_else_is_left_as_it_is(store: Path) -> None:
    assert tags_of(dg.DagsterRun(job_name="take_uploads"), store) == {}
    assert tags_of(run("another_job"), store) == {}


def test_settings_that_cannot_be_used_stop_no_run_here(store: Path) -> None:
    write(store, {"engines": {"profile": "no such thing"}})
    assert tags_of(run(), store) == {}


def test_what_a_run_says_of_itself_stands_and_the_rest_is_added_before_it_is_queued(
    instance: dg.DagsterInstance, store: Path
) -> None:
    write(store, {"delivery": {"tenant": "acme"}})
    assert isinstance(instance.run_coordinator, FleetRunCoordinator)
    server = GrpcServerCodeLocationOrigin(host="127.0.0.1", port=1, location_name="octavia")
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(server, "__repository__"), "dub_video")
    tags = {"dagster/partition": DUB, PRIORITY_TAG: "-7"}
    made = create_run_for_test(instance, job_name="dub_video", tags=tags, remote_job_origin=origin)
    workspace = cast(BaseWorkspaceRequestContext, None)  # the queue does not look at it
    queued = instance.run_coordinator.submit_run(SubmitRunContext(made, workspace))
    assert queued.status is dg.DagsterRunStatus.QUEUED
    assert {tag: queued.tags[tag] for tag in (PRIORITY_TAG, TENANT_TAG, COMPUTE_TAG)} == {
        PRIORITY_TAG: "-7",
        TENANT_TAG: "acme",
        COMPUTE_TAG: "cpu",
    }


def test_limits_of_the_queue_are_those_of_the_configuration(instance: dg.DagsterInstance) -> None:
    queue = instance.get_concurrency_config().run_queue_config
    assert queue is not None
    assert queue.max_concurrent_runs == 3
