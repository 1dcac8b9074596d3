"""At risk: a promise that nobody sees, or that passes because nobody measured it."""

from pathlib import Path

import dagster as dg
import pytest

from octavia_dag import environment as surroundings
from octavia_dag.assets.checks import promises
from octavia_dag.definitions import defs, workshop
from octavia_dag.dubbing import quality
from octavia_dag.dubbing.promises import PROMISES, judged
from octavia_dag.graph import GRAPH
from octavia_dag.partitions import DUBS, VIDEOS, dub_key
from octavia_dag.resources.artifacts import Manifest, data_version
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import Document, QaReport, Verdict

VIDEO, LANGUAGE = "talk-1a2b3c4d", "pt-BR"
BROKEN = (quality.PICTURE, quality.ROUND_TRIP)


@pytest.fixture
def tools(tmp_path: Path) -> Workshop:
    return workshop(surroundings.read(tmp_path))


def _publish(tools: Workshop, name: str, document: Document) -> None:
    language = LANGUAGE if GRAPH[name].granularity == "dub" else None
    inputs = {one: _version(tools, one) for one in GRAPH[name].inputs} if name == "qa_report" else {}
    with tools.store.workspace() as folder:
        version = data_version(document, {})
        manifest = Manifest(
            asset=name, video=VIDEO, language=language, key=version * 2, data_version=version, code_version="1",
            inputs=inputs, settings={}, engines={}, counts={}, seconds=1, files={}, busy_seconds=1,
        )  # fmt: skip
        tools.store.point(tools.store.publish(folder, document, manifest))


def _version(tools: Workshop, name: str) -> str:
    found = tools.store.pointer(name, VIDEO, LANGUAGE if GRAPH[name].granularity == "dub" else None)
    assert found is not None
    return found.data_version


def _report(*, nothing: bool = False) -> QaReport:
    measured = [quality.measure(name, 1.0, "", "1", name not in BROKEN) for name in PROMISES]
    measures = () if nothing else judged(measured)
    return QaReport(video=VIDEO, language=LANGUAGE, nothing_to_dub=nothing, measures=measures, lines=(), flags=())


@pytest.fixture
def reported(tools: Workshop) -> Workshop:
    """Every asset is there, and a report with two broken promises."""
    for name in GRAPH:
        _publish(tools, name, _report() if name == "qa_report" else Verdict(ok=True))
    return tools


@dg.asset(partitions_def=DUBS)
def bystander() -> None:
    """A run of checks alone has no partition; something must be made beside them."""


def _checked(tools: Workshop) -> dict[str, dg.AssetCheckEvaluation]:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(VIDEOS.name or "", [VIDEO])
        done = dg.materialize(
            [bystander, promises],
            instance=instance,
            partition_key=dub_key(VIDEO, LANGUAGE),
            resources={"workshop": tools},
            selection=dg.AssetSelection.assets(bystander) | dg.AssetSelection.checks(promises),
        )
        assert done.success
        return {one.check_name: one for one in done.get_asset_check_evaluations()}


def test_every_promise_is_a_partitioned_check_of_its_asset_and_stops_no_run() -> None:
    graph = defs.resolve_asset_graph()
    found = {key.name: key.asset_key.to_user_string() for key in graph.asset_check_keys if key.name != "transcript_ok"}
    assert found == {one.check: one.about for one in PROMISES.values()}
    for key in graph.asset_check_keys:
        node = graph.get(key)
        assert node.blocking == (key.name == "transcript_ok")
        assert node.partitions_def == (VIDEOS if key.name == "transcript_ok" else DUBS)


def test_the_checks_say_what_the_report_says_each_in_its_severity(reported: Workshop) -> None:
    found = _checked(reported)
    failed = {name for name, one in found.items() if not one.passed}
    assert failed == {PROMISES[name].check for name in BROKEN}
    assert found[PROMISES[quality.PICTURE].check].severity is dg.AssetCheckSeverity.ERROR
    assert found[PROMISES[quality.ROUND_TRIP].check].severity is dg.AssetCheckSeverity.WARN


def test_a_check_tells_value_limit_and_sentence_of_its_partition(reported: Workshop) -> None:
    told = _checked(reported)[PROMISES[quality.PICTURE].check]
    assert told.partition == dub_key(VIDEO, LANGUAGE)
    assert (told.metadata["value"].value, told.metadata["limit"].value) == (1.0, "1")
    assert told.description is not None
    assert quality.PICTURE in told.description


def test_without_a_report_nothing_passes(tools: Workshop) -> None:
    found = _checked(tools)
    assert len(found) == len(PROMISES)
    assert not [name for name, one in found.items() if one.passed]
    assert all("run dub_video" in str(one.description) for one in found.values())


def test_a_report_of_another_version_passes_nothing(reported: Workshop) -> None:
    _publish(reported, "final_mux", Verdict(ok=False))
    found = _checked(reported)
    assert not [name for name, one in found.items() if one.passed]
    assert all("another version of final_mux" in str(one.description) for one in found.values())


def test_where_there_is_nothing_to_dub_nothing_is_broken(reported: Workshop) -> None:
    _publish(reported, "qa_report", _report(nothing=True))
    assert all(one.passed for one in _checked(reported).values())
