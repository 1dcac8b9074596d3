"""Loads engines by import path, once per process and configuration, so that a model stays warm between steps."""

import importlib
from collections.abc import Mapping
from functools import cache
from inspect import isabstract
from typing import Any, TypeVar

import dagster as dg
from pydantic import ValidationError

from octavia_dag.errors import SettingsError
from octavia_dag.resources.engines import Engine

E = TypeVar("E", bound=Engine)


class EngineRoom(dg.ConfigurableResource):
    """Loads engines by import path, once per process and configuration."""

    models_dir: str
    threads: int = 0
    device: str = ""
    chat_key: str = ""
    remote_key: str = ""

    def key_of_chat(self) -> str:
        """The key of the chat endpoint, empty where there is none; a SettingsError where it can be no key."""
        return _key(self.chat_key, "OCTAVIA_CHAT_KEY")

    def key_of_voices(self) -> str:
        """The key of the server of voices, as `key_of_chat`."""
        return _key(self.remote_key, "OCTAVIA_REMOTE_KEY")

    def get(self, role: type[E], path: str, options: Mapping[str, str] | None = None) -> E:
        """The engine that `path` names; a SettingsError says what is wrong with a path that names none.

        `options` are fields of the engine (a prompt, the address of an endpoint).
        """
        engine = _load(path, self.models_dir, self.threads, self.device, tuple(sorted((options or {}).items())))
        if not isinstance(engine, role):
            raise SettingsError(f"The engine {path} is no {role.__name__}; name one that is, or unset the setting.")
        return engine


def _key(given: str, variable: str) -> str:
    """The key that `given` holds or names, which is sent in a header and shown nowhere."""
    # Outside of a run nobody has looked the variable up yet.
    key = (given.get_value() or "") if isinstance(given, dg.EnvVar) else given
    if not all("!" <= sign <= "~" for sign in key):
        raise SettingsError(
            f"{variable} holds a space, a line's end or a sign that is not ASCII, so it is no key; set it to the key "
            "and nothing else."
        )
    return key


@cache
def _load(path: str, models_dir: str, threads: int, device: str, options: tuple[tuple[str, str], ...]) -> Engine:
    """One engine per process: Dagster copies resources between steps, and a model must be loaded once."""
    kind = _kind(path)
    known = sorted(set(kind.model_fields) - set(Engine.model_fields))
    for name, _ in options:
        if name not in known:
            raise SettingsError(f"The engine {path} has no option {name}; it has {', '.join(known) or 'none'}.")
    try:
        return kind(models_dir=models_dir, threads=threads, device=device, **dict[str, Any](options))
    except (ValidationError, dg.DagsterInvalidConfigError) as error:
        told = error.errors() if isinstance(error, ValidationError) else []
        wrong = ", ".join(str(one["loc"][-1]) for one in told if one["loc"])
        # It is not repeated by its value, which may be a secret.
        raise SettingsError(f"The engine {path} cannot use the value of its option {wrong or 'one'}.") from error


def _kind(path: str) -> type[Engine]:
    """The class that `path` names."""
    module, _, name = path.partition(":")
    try:
        if module.startswith("."):  # of no package, so nothing could be found
            raise ValueError("a relative name")
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(
            f"No engine could be loaded from {path!r} ({error}); an engine is named 'package.module:Class'."
        ) from error
    if not (isinstance(kind, type) and issubclass(kind, Engine)):
        raise SettingsError(f"{path} is not an engine; an engine is a subclass of a role in resources/engines.py.")
    if isabstract(kind):
        raise SettingsError(f"{path} is not an engine but only the base of some; name one of those.")
    return kind
