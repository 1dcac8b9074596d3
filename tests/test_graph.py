"""The asset graph is a promise to operators: names, order, granularity and dependencies are pinned here."""

import dagster as dg

from octavia_dag.assets.slices import SLICES, slices_read
from octavia_dag.definitions import defs
from octavia_dag.graph import GRAPH, ROLE_SETTINGS

EXPECTED = {
    "source_video": ("video", ()),
    "stems": ("video", ("source_video",)),
    "chunks": ("video", ("stems", "source_video")),
    "speaker_map": ("video", ("stems", "chunks")),
    "transcript": ("video", ("stems", "chunks", "speaker_map")),
    "voice_profiles": ("video", ("stems", "speaker_map")),
    "casting": ("dub", ("speaker_map", "voice_profiles")),
    "translation": ("dub", ("transcript",)),
    "dubbed_chunks": ("dub", ("translation", "casting", "transcript")),
    "synced_speech": ("dub", ("dubbed_chunks", "transcript")),
    "ducked_mix": ("dub", ("synced_speech", "stems", "speaker_map")),
    "final_mux": ("dub", ("ducked_mix", "source_video", "dubbed_chunks", "synced_speech")),
}


def test_the_graph_is_the_one_that_was_designed() -> None:
    found = {name: (node.granularity, node.inputs) for name, node in GRAPH.items() if name != "qa_report"}
    assert found == EXPECTED
    assert set(GRAPH["qa_report"].inputs) == set(EXPECTED)


def test_every_asset_comes_after_its_inputs() -> None:
    seen: set[str] = set()
    for node in GRAPH.values():
        assert set(node.inputs) <= seen, node.name
        seen.add(node.name)


def test_a_video_asset_never_depends_on_a_language() -> None:
    for node in GRAPH.values():
        if node.granularity == "video":
            assert all(GRAPH[name].granularity == "video" for name in node.inputs)


def test_dagster_holds_the_same_graph() -> None:
    graph = defs.resolve_asset_graph()
    for_operators = {"catalogue_nights", "status"}
    found_keys = {key.to_user_string() for key in graph.get_all_asset_keys()}
    assert found_keys == {*GRAPH, *(one.name for one in SLICES), *for_operators}
    for name, node in GRAPH.items():
        found = graph.get(dg.AssetKey(name))
        assert {key.to_user_string() for key in found.parent_keys} == {
            *node.inputs,
            *node.if_cloning,
            *slices_read(node),
        }, name
        assert found.group_name == node.group
        assert found.code_version == node.code_version
        assert found.description
        assert found.owners == [node.owner]


def test_both_jobs_hold_their_half_and_run_in_one_process() -> None:
    for job, granularity in (("analyse_video", "video"), ("dub_video", "dub")):
        found = defs.resolve_job_def(job)
        names = {key.to_user_string() for key in found.asset_layer.executable_asset_keys}
        assert names == {name for name, node in GRAPH.items() if node.granularity == granularity}
        assert found.executor_def.name == "in_process"


def test_an_asset_that_asks_an_engine_reads_the_setting_that_names_it() -> None:
    for node in GRAPH.values():
        for role in node.roles:
            place = ROLE_SETTINGS[role]
            # source_video and qa_report ask engines that other assets configure: the engine's revision is in the key
            if node.name not in ("source_video", "casting", "translation", "voice_profiles"):
                assert place in node.reads or place.split(".")[0] in node.reads, (node.name, role)
