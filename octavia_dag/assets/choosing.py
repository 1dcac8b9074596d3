"""Which settings take effect in a run, and which engines they choose for it."""

from pathlib import Path
from typing import TypeVar

from octavia_dag.graph import ROLE_OPTIONS, ROLE_SETTINGS, Node, RoleName
from octavia_dag.layers import layers_of
from octavia_dag.resources import vad
from octavia_dag.resources.engines import Engine
from octavia_dag.resources.licences import refuse_forbidden
from octavia_dag.resources.workshop import Workshop
from octavia_dag.settings import Settings, effective, slice_values

E = TypeVar("E", bound=Engine)
CHAT_CONDENSER = "octavia_dag.resources.chat_condenser:ChatCondenser"


def settings_for(workshop: Workshop, video: str, language: str | None) -> Settings:
    """What takes effect in this run: the layers, and over them what the run was told."""
    return effective([*layers_of(Path(workshop.store.root), video, language), workshop.launch.layer()])


def engine_for(workshop: Workshop, settings: Settings, role: type[E], name: RoleName, language: str | None = None) -> E:
    """The engine that `settings` choose for a role; a chat endpoint, where one is named, is the condenser.

    A SettingsError where what the catalogue is used for is forbidden by the licence of what works in `language`.
    """
    chosen = settings.translation
    if name == "condenser" and chosen.endpoint:
        options = {"endpoint": chosen.endpoint, "endpoint_model": chosen.endpoint_model, "prompt": chosen.prompt}
        return workshop.engines.get(role, CHAT_CONDENSER, {**options, "api_key": workshop.engines.chat_key})
    path, options = (slice_values(settings, [place])[place] for place in (ROLE_SETTINGS[name], ROLE_OPTIONS[name]))
    engine = workshop.engines.get(role, path, options)
    refuse_forbidden(engine, ROLE_SETTINGS[name], settings.catalogue.use, language)
    return engine


def engines_of(workshop: Workshop, settings: Settings, node: Node) -> dict[str, str]:
    """Name and revision of every engine and model that `node` asks: part of its key."""
    engines: dict[str, str] = {}
    for role in node.roles:
        info = engine_for(workshop, settings, Engine, role).info()
        engines[role] = f"{info.name} {info.revision}"
    if node.hears_speech:
        engines["vad"] = vad.revision()
    return engines
