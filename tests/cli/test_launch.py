"""A run's own configuration in the Launchpad: the product's words, and an outcome that says it was an experiment."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from here import make_here
from switched import LANGUAGE, Switched

from octavia_dag import environment as surroundings
from octavia_dag.cli.sample import build as build_sample
from octavia_dag.definitions import build, defs
from octavia_dag.partitions import VIDEOS, dub_key
from octavia_dag.resources.launch import Launch
from octavia_dag.settings import SWITCHES, Settings

pytestmark = pytest.mark.operators

MUSIC_OFF = {"mix": {"keep_music": False}}


def _switches() -> dict[str, Any]:
    """The fields that dub_video's run configuration offers for the launch."""
    fields: Any = defs.resolve_job_def("dub_video").run_config_schema.config_type
    for name in ("resources", "launch", "config"):
        fields = fields.fields[name].config_type
    return fields.fields


@pytest.mark.parametrize("place", SWITCHES)
def test_the_launchpad_carries_each_switch_in_the_products_own_words(place: str) -> None:
    name, field = place.split(".")
    told = type(getattr(Settings(), name)).model_fields[field]
    offered = [one.description for one in _switches().values()]
    assert f"{told.title}: {told.description}" in offered


def test_the_launchpad_names_the_switches_and_any_other_setting() -> None:
    assert set(_switches()) == set(Launch.model_fields)


@pytest.fixture(scope="module")
def switched(models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Switched:
    folder = tmp_path_factory.mktemp("launch")
    build_sample(folder / "sample.mp4", models_dir)
    made = Switched(make_here(folder, models_dir), folder / "sample.mp4", folder)
    made.dub({})
    return made


@pytest.fixture(scope="module")
def experiment(switched: Switched) -> Generator[dg.ExecuteInProcessResult]:
    """A run of dub_video with the music switched off for itself, as the UI would launch it."""
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        patch.setenv("FAKES_CONTROL", str(switched.octavia.control))
        patch.setenv("OCTAVIA_MODELS", switched.octavia.models_dir)
        instance.add_dynamic_partitions(VIDEOS.name or "", [switched.id])
        job = build(surroundings.read(Path(switched.octavia.home))).resolve_job_def("dub_video")
        yield job.execute_in_process(
            instance=instance,
            partition_key=dub_key(switched.id, LANGUAGE),
            run_config={"resources": {"launch": {"config": {"preserve_background_music": "OFF"}}}},
        )


def _metadata(run: dg.ExecuteInProcessResult, name: str) -> dict[str, Any]:
    [made] = run.asset_materializations_for_node(name)
    return dict(made.metadata)


@pytest.mark.parametrize("name", ["ducked_mix", "final_mux", "qa_report"])
def test_what_an_experiment_touched_is_marked(
    experiment: dg.ExecuteInProcessResult, switched: Switched, name: str
) -> None:
    assert _metadata(experiment, name)["experiment"].value == MUSIC_OFF
    pointer = switched.store.pointer(name, switched.id, LANGUAGE)
    assert pointer is not None
    assert pointer.experiment == MUSIC_OFF


@pytest.mark.parametrize("name", ["translation", "casting", "synced_speech"])
def test_what_it_did_not_touch_is_not_marked(
    experiment: dg.ExecuteInProcessResult, switched: Switched, name: str
) -> None:
    assert "experiment" not in _metadata(experiment, name)
    pointer = switched.store.pointer(name, switched.id, LANGUAGE)
    assert pointer is not None
    assert pointer.experiment == {}


def test_a_run_without_it_takes_the_mark_away(experiment: dg.ExecuteInProcessResult, switched: Switched) -> None:
    assert experiment.success
    switched.dub({})
    pointer = switched.store.pointer("ducked_mix", switched.id, LANGUAGE)
    assert pointer is not None
    assert pointer.experiment == {}
