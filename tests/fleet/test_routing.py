"""At risk: a run on the wrong machine, or one that nobody ends because another launcher is asked."""

from collections.abc import Generator
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg
import pytest
import yaml
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from octavia_dag.errors import InputError
from octavia_dag.fleet.routing import LAUNCHER_TAG, RoutingRunLauncher
from octavia_dag.graph import COMPUTE_TAG

pytestmark = pytest.mark.fleet


class Noting(RunLauncher[dg.DagsterInstance], ConfigurableClass):
    """Launches nothing, and notes what it was asked."""

    told: ClassVar[list[tuple[str, str]]] = []

    def __init__(self, name: str, health: bool, inst_data: ConfigurableClassData | None = None) -> None:
        self.name, self.health, self._inst_data = name, health, inst_data
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {"name": str, "health": dg.Field(bool, default_value=True)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "Noting":
        return cls(**config_value, inst_data=inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        assert self.has_instance
        self.told.append((self.name, "launch"))

    def terminate(self, run_id: str) -> bool:
        self.told.append((self.name, "terminate"))
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        return self.health

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        self.told.append((self.name, "health"))
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND)


def child(name: str, *, health: bool = True) -> dict[str, Any]:
    return {"module": "test_routing", "class": "Noting", "config": {"name": name, "health": health}}


@dg.job
def nothing() -> None:
    return


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[dg.DagsterInstance]:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import test_routing

    test_routing.Noting.told.clear()
    monkeypatch.setattr(Noting, "told", test_routing.Noting.told)
    config = {
        "run_launcher": {
            "module": "octavia_dag.fleet.routing",
            "class": "RoutingRunLauncher",
            "config": {
                "default": "local",
                "launchers": {"local": child("local", health=False), "gpu": child("gpu"), "cpu": child("cpu")},
            },
        }
    }
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    with dg.DagsterInstance.from_config(str(tmp_path)) as found:
        yield found


def run_of(instance: dg.DagsterInstance, **tags: str) -> dg.DagsterRun:
    return instance.create_run_for_job(nothing, tags=tags)


def launched(instance: dg.DagsterInstance, **tags: str) -> dg.DagsterRun:
    run = run_of(instance, **tags)
    instance.run_launcher.launch_run(LaunchRunContext(run, None))
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("tags", "name"), [({COMPUTE_TAG: "gpu"}, "gpu"), ({COMPUTE_TAG: "cpu"}, "cpu"), ({}, "local")]
)
def test_a_run_goes_to_the_launcher_that_its_tag_names(
    instance: dg.DagsterInstance, tags: dict[str, str], name: str
) -> None:
    run = launched(instance, **tags)
    assert Noting.told == [(name, "launch")]
    assert run.tags[LAUNCHER_TAG] == name


def test_a_tag_that_no_launcher_answers_to_is_refused_with_those_there_are(instance: dg.DagsterInstance) -> None:
    with pytest.raises(InputError, match=r"asks for 'tpu', and the launchers here are cpu, gpu, local"):
        launched(instance, **{COMPUTE_TAG: "tpu"})
    assert Noting.told == []


def test_it_is_ended_by_the_launcher_that_launched_it_also_where_the_tag_changed_since(
    instance: dg.DagsterInstance,
) -> None:
    run = launched(instance, **{COMPUTE_TAG: "gpu"})
    instance.add_run_tags(run.run_id, {COMPUTE_TAG: "cpu"})
    assert instance.run_launcher.terminate(run.run_id)
    assert Noting.told[-1] == ("gpu", "terminate")


def test_its_worker_is_looked_after_by_the_launcher_that_launched_it(instance: dg.DagsterInstance) -> None:
    run = launched(instance, **{COMPUTE_TAG: "gpu"})
    assert instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.NOT_FOUND


def test_a_launcher_that_cannot_tell_leaves_its_runs_alive(instance: dg.DagsterInstance) -> None:
    assert instance.run_launcher.supports_check_run_worker_health
    run = launched(instance)
    assert instance.run_launcher.check_run_worker_health(run).status is WorkerStatus.RUNNING


def test_a_run_that_nobody_knows_is_not_ended(instance: dg.DagsterInstance) -> None:
    assert not instance.run_launcher.terminate("nobody")


def test_a_default_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="launcher for runs without a tag is 'gpu'"):
        RoutingRunLauncher("gpu", {"local": {"module": "dagster", "class": "DefaultRunLauncher"}})


@pytest.mark.parametrize("told", [{"module": "nowhere", "class": "X"}, {"class": "X"}])
def test_a_launcher_that_cannot_be_made_is_named(told: dict[str, str]) -> None:
    with pytest.raises(InputError, match="The launcher 'odd' of run_launcher"):
        RoutingRunLauncher("odd", {"odd": told})
