"""At risk: whoever may write into the storage chooses what code runs here, or where texts and a key are sent."""

import pytest

from octavia_dag.graph import ROLE_OPTIONS, ROLE_SETTINGS
from octavia_dag.resources.foreign import for_operators


@pytest.mark.parametrize(
    "place",
    [*ROLE_SETTINGS.values(), *ROLE_OPTIONS.values(), "translation.endpoint", "engines.profile", "checks.line_words"],
)
def test_what_runs_code_or_opens_a_check_is_for_operators(place: str) -> None:
    name, _, field = place.partition(".")
    assert for_operators({"mix": {"duck_depth_db": 4}, name: {field: "x"}}) == place


def test_how_a_video_is_to_sound_is_for_whoever_brings_it() -> None:
    layer = {"mix": {"duck_depth_db": 4}, "voices": {"cast": {"A": "pf_dora"}}, "delivery": {"languages": ["es"]}}
    assert for_operators(layer) is None
