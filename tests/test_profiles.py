"""At risk: a role without an engine, an override that is lost, or embedded results that change their keys."""

import importlib.util

import pytest

from octavia_dag.errors import SettingsError
from octavia_dag.graph import ROLE_OPTIONS, ROLE_SETTINGS
from octavia_dag.profiles import PLACES, PROFILES
from octavia_dag.settings import Settings, effective, slice_values


def engines(settings: Settings) -> dict[str, str]:
    return {role: str(slice_values(settings, [place])[place]) for role, place in ROLE_SETTINGS.items()}


def test_the_places_of_the_profiles_are_those_of_the_graph() -> None:
    assert {role: f"{a}.{b}" for role, (a, b, _) in PLACES.items()} == ROLE_SETTINGS
    assert {role: f"{a}.{c}" for role, (a, _, c) in PLACES.items()} == ROLE_OPTIONS


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_every_profile_names_an_engine_that_is_there_for_every_role(profile: str) -> None:
    chosen = engines(effective([{"engines": {"profile": profile}}]))
    assert set(chosen) == set(ROLE_SETTINGS)
    assert [role for role, path in chosen.items() if not path] == (["segmenter"] if profile == "embedded" else [])
    for path in filter(None, chosen.values()):
        assert importlib.util.find_spec(path.partition(":")[0]), path


def test_without_a_profile_the_settings_are_those_of_the_embedded_set() -> None:
    assert effective([]) == Settings() == effective([{"engines": {"profile": "embedded"}}])


def test_a_role_of_its_own_overrides_the_profile_and_drops_its_options() -> None:
    settings = effective([{"engines": {"profile": "studio-commercial"}, "transcription": {"engine": "mine:Ear"}}])
    assert settings.transcription.engine == "mine:Ear"
    assert settings.transcription.options == {}
    assert settings.separation.engine.startswith("octavia_dag.resources.studio.")


def test_naming_the_engine_that_the_profile_chooses_anyway_keeps_its_options() -> None:
    chosen = {"engine": "octavia_dag.resources.studio.transcriber:WhisperXTranscriber"}
    settings = effective([{"engines": {"profile": "studio-commercial"}, "transcription": chosen}])
    assert settings.transcription.options == {"aligners": "permitted"}


def test_options_of_a_layer_are_laid_over_those_of_the_profile() -> None:
    layer = {"engines": {"profile": "studio-commercial"}, "transcription": {"options": {"batch": "4"}}}
    assert effective([layer]).transcription.options == {"aligners": "permitted", "batch": "4"}


def test_a_later_layer_may_choose_another_profile() -> None:
    settings = effective([{"engines": {"profile": "studio"}}, {"engines": {"profile": "embedded"}}])
    assert engines(settings) == engines(Settings())


def test_an_unknown_profile_is_refused_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"embedded.*studio.*studio-commercial"):
        effective([{"engines": {"profile": "best"}}])
