"""Which engines a step asks: those that the settings choose, and what the choice of a synthesizer adds.

Step and plan ask here alike, so both come to the same key.
"""

from collections.abc import Iterable
from typing import TypeVar

from octavia_dag.errors import SettingsError
from octavia_dag.graph import ROLE_OPTIONS, ROLE_SETTINGS, Node, RoleName, as_spoken
from octavia_dag.resources import vad
from octavia_dag.resources.engines import Engine, Synthesizer
from octavia_dag.resources.licences import refuse_forbidden
from octavia_dag.resources.workshop import Workshop
from octavia_dag.settings import Settings, slice_values

E = TypeVar("E", bound=Engine)
CHAT_CONDENSER = "octavia_dag.resources.chat_condenser:ChatCondenser"
# Engines that a server answers for, which may want a key.
REMOTE = ("octavia_dag.resources.studio.remote_voices:", "octavia_dag.resources.studio.remote_conversion:")


def engine_for(workshop: Workshop, settings: Settings, role: type[E], name: RoleName, language: str | None = None) -> E:
    """The engine that `settings` choose for a role; a chat endpoint, where one is named, is the condenser.

    A SettingsError where what the catalogue is used for is not permitted by the licence of what works in `language`.
    """
    chosen = settings.translation
    if name == "condenser" and chosen.endpoint:
        options = {"endpoint": chosen.endpoint, "endpoint_model": chosen.endpoint_model, "prompt": chosen.prompt}
        return workshop.engines.get(role, CHAT_CONDENSER, {**options, "api_key": workshop.engines.key_of_chat()})
    path, options = (slice_values(settings, [place])[place] for place in (ROLE_SETTINGS[name], ROLE_OPTIONS[name]))
    if path.startswith(REMOTE):
        options = {**_without_key(options, ROLE_OPTIONS[name]), "api_key": workshop.engines.key_of_voices()}
    engine = workshop.engines.get(role, path, options)
    sold = settings.catalogue
    refuse_forbidden(engine, ROLE_SETTINGS[name], sold.use, language, sold.licences)
    return engine


def chosen_roles(settings: Settings, roles: Iterable[RoleName] = tuple(ROLE_SETTINGS)) -> list[RoleName]:
    """Those of `roles` that the settings choose an engine for."""
    return [role for role in roles if next(iter(slice_values(settings, [ROLE_SETTINGS[role]]).values()))]


def node_as_set(workshop: Workshop, settings: Settings, node: Node) -> Node:
    """`node` with what the chosen synthesizer adds to it."""
    if not (node.if_cloning or node.if_sampling):
        return node
    synthesizer = engine_for(workshop, settings, Synthesizer, "synthesizer")
    return as_spoken(node, cloning=synthesizer.clones, sampling=synthesizer.samples)


def engines_of(workshop: Workshop, settings: Settings, node: Node) -> dict[str, str]:
    """Name and revision of every engine and model that `node` asks: part of its key."""
    engines: dict[str, str] = {}
    for role in chosen_roles(settings, node.roles):
        info = engine_for(workshop, settings, Engine, role).info()
        engines[role] = f"{info.name} {info.revision}"
    if node.hears_speech:
        engines["vad"] = vad.revision()
    return engines


def _without_key(options: dict[str, str], place: str) -> dict[str, str]:
    if "api_key" in options:
        raise SettingsError(f"{place} holds api_key; a key belongs into the variable OCTAVIA_REMOTE_KEY alone.")
    return options
