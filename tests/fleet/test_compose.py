"""At risk: a host that does not come up, because a service misses a variable, starts what is not there, or waits for
what nobody says is ready; and a GPU that the wrong one holds. Nothing is started here: there is no Docker in the tests.
"""

import importlib
import importlib.metadata
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import click
import pytest
import yaml
from compose_spec import PyOptions
from dagster._config import process_config
from dagster._core.instance.config import dagster_instance_config
from dagster._core.instance.ref import InstanceRef
from dagster._serdes import ConfigurableClass

from octavia_dag import environment
from octavia_dag.cli.commands import octavia
from octavia_dag.cli.worker import worker
from octavia_dag.fleet.celery_queue import QUEUES

pytestmark = pytest.mark.fleet

DEPLOY = Path(__file__).parents[2] / "deploy"
TEXT = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
DAGSTER: dict[str, Any] = yaml.safe_load((DEPLOY / "dagster.yaml").read_text(encoding="utf-8"))
OURS = {name: one for name, one in SERVICES.items() if one["image"].startswith("octavia-dag-")}
ONCE = {name for name, one in SERVICES.items() if one["restart"] == "on-failure"}
# What lies where in a container, as files of this repository.
MOUNTED = {"/octavia/workspace.yaml": str(DEPLOY / "workspace.yaml")}
# Console scripts whose options are read with click.
READABLE = ("dagster", "dagster-daemon", "dagster-webserver", "octavia")


def asked_of_the_environment(told: object) -> Iterator[str]:
    """Every variable that a configuration of Dagster's names."""
    if isinstance(told, dict):
        mapping = cast("dict[str, object]", told)
        if set(mapping) == {"env"}:
            yield str(mapping["env"])
        for value in mapping.values():
            yield from asked_of_the_environment(value)


def command_of(name: str) -> click.Command:
    """The command of a console script that is installed; its entry point is a function that calls it."""
    [found] = [one for one in importlib.metadata.entry_points(group="console_scripts") if one.name == name]
    return octavia if name == "octavia" else importlib.import_module(found.module).cli


def parsed(command: click.Command, words: list[str]) -> None:
    """Reads `words` as the command would; a click.UsageError where it does not know them."""
    with command.make_context(command.name or "", list(words), resilient_parsing=False) as context:
        if isinstance(command, click.Group):
            rest = [*getattr(context, "_protected_args", []), *context.args]
            _, inner, more = command.resolve_command(context, rest)
            assert inner is not None
            parsed(inner, more)


def test_the_file_is_what_the_specification_knows() -> None:
    PyOptions(apply_merge=True).from_yaml(TEXT).validate()


@pytest.mark.parametrize(("right", "wrong"), [("healthcheck:", "healthchek:"), ("- home:/octavia/home", "- hom:/x")])
def test_a_file_that_is_not_is_refused(right: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong.strip("- :").split(":", maxsplit=1)[0]):
        PyOptions(apply_merge=True).from_yaml(TEXT.replace(right, wrong)).validate()


def test_the_worker_alone_holds_the_gpu() -> None:
    reserved = {name: one["deploy"]["resources"]["reservations"] for name, one in SERVICES.items() if "deploy" in one}
    assert reserved == {"worker": {"devices": [{"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}]}}
    assert [name for name, one in SERVICES.items() if "gpus" in one or "runtime" in one] == []


def test_everybody_who_stays_says_whether_he_is_well() -> None:
    assert {name for name, one in SERVICES.items() if "healthcheck" not in one} == ONCE


def test_nobody_waits_for_what_is_not_there_or_does_not_say() -> None:
    waits = [(name, *one) for name, told in SERVICES.items() for one in told.get("depends_on", {}).items()]
    for name, other, how in waits:
        wanted = "service_completed_successfully" if other in ONCE else "service_healthy"
        assert how == {"condition": wanted}, f"{name} waits for {other}"
    assert {other for _, other, _ in waits} >= {"postgres", "redis", "minio", "code", *ONCE}


def test_whoever_reads_dagster_yaml_has_every_variable_that_it_names() -> None:
    named = set(asked_of_the_environment(DAGSTER))
    readers = {name for name, one in SERVICES.items() if any("dagster.yaml" in told for told in one.get("volumes", []))}
    assert readers == {"code", "webserver", "daemon", "worker"}
    for name in readers:
        assert named <= set(SERVICES[name]["environment"]), name
    assert "DAGSTER_PG_PASSWORD" in named


def test_every_variable_of_ours_is_one_that_somebody_reads() -> None:
    read = set(re.findall(r"OCTAVIA_[A-Z_]+|AWS_[A-Z_]+", environment.__doc__ or "")) | {"AWS_SECRET_ACCESS_KEY"}
    read |= set(asked_of_the_environment(DAGSTER))
    for one in OURS.values():
        ours = {name for name in one["environment"] if name.startswith(("OCTAVIA_", "AWS_"))}
        assert ours <= read


def test_a_run_finds_on_its_worker_what_the_code_server_has() -> None:
    code, worker = SERVICES["code"], SERVICES["worker"]
    assert worker["environment"] == code["environment"]
    assert worker["volumes"] == code["volumes"]


@pytest.mark.parametrize("name", [name for name, one in OURS.items() if one["command"][0] in READABLE])
def test_a_service_starts_what_is_there(name: str) -> None:
    script, *words = [str(MOUNTED.get(word, word)) for word in SERVICES[name]["command"]]
    parsed(command_of(script), words)


@pytest.mark.parametrize("name", ["code", "daemon"])
def test_a_health_check_asks_what_is_there(name: str) -> None:
    _, script, *words = SERVICES[name]["healthcheck"]["test"]
    parsed(command_of(script), words)


def test_an_option_that_is_not_there_is_found() -> None:
    with pytest.raises(click.UsageError):
        parsed(command_of("dagster"), ["api", "grpc", "--prot", "4000"])


def test_the_worker_takes_both_queues() -> None:
    script, name, *words = SERVICES["worker"]["command"]
    assert (script, name) == ("octavia", "worker")
    assert set(worker.make_context(name, words).params["queues"] or QUEUES) == {"gpu", "cpu"}


def test_every_file_that_is_mounted_is_there() -> None:
    mounted = {told.split(":")[0] for one in SERVICES.values() for told in one.get("volumes", [])}
    files = {name for name in mounted if name.startswith(".")}
    assert files == {"./dagster.yaml", "./workspace.yaml"}
    assert all((DEPLOY / name).is_file() for name in files)
    assert {f"./workspace.yaml:{inside}:ro" for inside in MOUNTED} <= set(SERVICES["daemon"]["volumes"])


def test_the_workspace_asks_the_code_server_where_it_listens() -> None:
    [told] = yaml.safe_load((DEPLOY / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    command = SERVICES[told["grpc_server"]["host"]]["command"]
    assert command[command.index("-p") + 1] == str(told["grpc_server"]["port"])


def test_nobody_listens_beyond_the_loopback() -> None:
    ports = [port for one in SERVICES.values() for port in one.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in asked_of_the_environment(DAGSTER):
        monkeypatch.setenv(name, "told")
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(DAGSTER), encoding="utf-8")
    return tmp_path


def test_dagster_takes_its_configuration(configured: Path) -> None:
    dagster_instance_config(str(configured))  # it raises where a name is unknown or a value is none
    settings = cast("dict[str, dict[str, Any]]", InstanceRef.from_dir(str(configured)).settings)
    assert settings["run_monitoring"]["free_slots_after_run_end_seconds"] > 0
    assert settings["run_retries"]["max_retries"] > 0
    assert settings["telemetry"] == {"enabled": False}
    assert settings["concurrency"]["pools"] == {"granularity": "run", "default_limit": 1}


def classes_of(told: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Everything that dagster.yaml has made: module, class, configuration."""
    launchers = [told["run_launcher"], *told["run_launcher"]["config"]["launchers"].values()]
    made = [(one["module"], one["class"], one.get("config", {})) for one in (*launchers, told["run_coordinator"])]
    return [("dagster_postgres", "DagsterPostgresStorage", told["storage"]["postgres"]), *made]


@pytest.mark.parametrize(("module", "name", "config"), classes_of(DAGSTER))
@pytest.mark.usefixtures("configured")
def test_every_class_takes_its_configuration(module: str, name: str, config: dict[str, Any]) -> None:
    found: type[ConfigurableClass] = getattr(importlib.import_module(module), name)
    result = process_config(found.config_type(), config)
    assert result.success, result.errors
