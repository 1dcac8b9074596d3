"""At risk: an option that is ignored in silence, or a path or key that ends a command with a traceback."""

import dagster as dg
import pytest

from octavia_dag.errors import SettingsError
from octavia_dag.profiles import PROFILES
from octavia_dag.resources.engine_room import EngineRoom
from octavia_dag.resources.engines import Engine

PATHS = sorted({choice.path for roles in PROFILES.values() for choice in roles.values() if choice.path})


def get(path: str, options: dict[str, str] | None = None) -> Engine:
    return EngineRoom(models_dir="").get(Engine, path, options)  # type: ignore[type-abstract]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("option", ["nonsense", "models_dir", "device", "threads", "self", "model_config", "_lock"])
def test_an_option_that_an_engine_does_not_have_is_refused_with_those_it_has(path: str, option: str) -> None:
    own = set(type(get(path)).model_fields) - {"models_dir", "device", "threads"}
    with pytest.raises(SettingsError, match=rf"{path} has no option {option}; it has ") as refused:
        get(path, {option: "1"})
    told = str(refused.value).partition("it has ")[2].rstrip(".")
    assert set(told.split(", ")) == (own or {"none"})


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("..x:Y", "no engine could be loaded"),
        (".:", "no engine could be loaded"),
        ("", "no engine could be loaded"),
        ("octavia_dag.resources.engines:Separator", "only the base of some"),
        ("octavia_dag.resources.engines:Engine", "only the base of some"),
        ("os:path", "is not an engine"),
    ],
)
def test_a_path_that_names_no_engine_is_a_sentence(path: str, told: str) -> None:
    with pytest.raises(SettingsError, match=f"(?i){told}"):
        get(path)


@pytest.mark.parametrize("key", ["sk-schlüssel", "sk-a\nb", "sk-a\r\nX: y", " sk ", "sk\x7f"])
def test_what_can_be_no_key_is_refused_by_its_variable_and_not_shown(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVIA_REMOTE_KEY", key)
    outside = EngineRoom(models_dir="", remote_key=dg.EnvVar("OCTAVIA_REMOTE_KEY"), chat_key=key)
    for asked, variable in ((outside.key_of_voices, "OCTAVIA_REMOTE_KEY"), (outside.key_of_chat, "OCTAVIA_CHAT_KEY")):
        with pytest.raises(SettingsError, match=f"^{variable} holds") as refused:
            asked()
        assert key not in str(refused.value)


def test_a_key_is_looked_up_by_its_variable_outside_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVIA_REMOTE_KEY", "sk-1")
    room = EngineRoom(models_dir="", remote_key=dg.EnvVar("OCTAVIA_REMOTE_KEY"), chat_key="ck-2")
    assert (room.key_of_voices(), room.key_of_chat()) == ("sk-1", "ck-2")
