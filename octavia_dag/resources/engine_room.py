"""Loads engines by import path, once per process and configuration, so that a model stays warm between steps."""

import importlib
from collections.abc import Mapping
from functools import cache
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

    def get(self, role: type[E], path: str, options: Mapping[str, str] | None = None) -> E:
        """The engine that `path` names; a SettingsError says what is wrong with a path that names none.

        `options` are fields of the engine (a prompt, the address of an endpoint).
        """
        engine = _load(path, self.models_dir, self.threads, self.device, tuple(sorted((options or {}).items())))
        if not isinstance(engine, role):
            raise SettingsError(f"The engine {path} is no {role.__name__}; name one that is, or unset the setting.")
        return engine


@cache
def _load(path: str, models_dir: str, threads: int, device: str, options: tuple[tuple[str, str], ...]) -> Engine:
    """One engine per process: Dagster copies resources between steps, and a model must be loaded once."""
    module, _, name = path.partition(":")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(
            f"No engine could be loaded from {path!r} ({error}); an engine is named 'package.module:Class'."
        ) from error
    if not (isinstance(kind, type) and issubclass(kind, Engine)):
        raise SettingsError(f"{path} is not an engine; an engine is a subclass of a role in resources/engines.py.")
    try:
        return kind(models_dir=models_dir, threads=threads, device=device, **dict[str, Any](options))
    except (ValidationError, dg.DagsterInvalidConfigError) as error:
        raise SettingsError(f"The engine {path} {_objection(kind, dict(options), error)}.") from error


def _objection(kind: type[Engine], options: Mapping[str, str], error: Exception) -> str:
    """What is wrong with the options of an engine; none is repeated by its value, which may be a secret."""
    known = sorted(set(kind.model_fields) - set(Engine.model_fields))
    for name in options:
        if name not in known:
            return f"has no option {name}; it has {', '.join(known) or 'none'}"
    wrong = ", ".join(str(one["loc"][-1]) for one in error.errors()) if isinstance(error, ValidationError) else "one"
    return f"cannot use the value of its option {wrong}"
