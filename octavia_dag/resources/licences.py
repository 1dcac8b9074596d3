"""What may be sold: a catalogue that is used commercially refuses, before any work, weights whose licence forbids it.

What is not known to permit it is refused as well: weights that an operator chose have the licence that the operator
names for them.
"""

from collections.abc import Mapping

from octavia_dag.errors import SettingsError
from octavia_dag.resources.engines import Engine, Licence

COMMERCIAL = "commercial"
_NOBODY: Mapping[str, str] = {}


def refuse_forbidden(
    engine: Engine, place: str, use: str, language: str | None = None, stated: Mapping[str, str] = _NOBODY
) -> None:
    """A SettingsError where `use` is commercial and a part of `engine` may not be used so; it says what to do.

    `place` is the setting that chose the engine; `language` is that of the work, where parts differ by it; `stated` are
    the licences that the settings name, by the reference of the weights.
    """
    if use != COMMERCIAL:
        return
    for licence in engine.licences(language):
        told = as_stated(licence, stated)
        if not told.saleable:
            where = f" for {language}" if language else ""
            raise SettingsError(f"{place} chooses {told.part}{where}, {_objection(told)}.")


def as_stated(licence: Licence, stated: Mapping[str, str]) -> Licence:
    """`licence` as the settings name it, where nobody else knows it."""
    name = stated.get(licence.weights, "").strip() if licence.weights else ""
    return Licence(part=licence.part, name=name, instead=licence.instead) if name else licence


def _objection(licence: Licence) -> str:
    if licence.known:
        return (
            f"whose licence ({licence.name}) forbids commercial use, and catalogue.use is commercial; "
            f"use {licence.instead or 'another one'} instead"
        )
    name = "name it in the option licence of the engine"
    if licence.weights:
        name = f"name it in catalogue.licences, such as {{{licence.weights}: MIT}}"
    return f"whose licence is not known, and catalogue.use is commercial; read it and, if it permits that, {name}"
