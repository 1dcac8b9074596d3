"""The settings of one video that arrives several times: under one name they are replaced, under two they are united.

What a name set before is its own to change or to take back, unless another name asks for it too. What another name, or
a person, has set otherwise is a conflict: one of the two would have to be ignored, and nobody would be told.
"""

from collections.abc import Iterable, Mapping
from typing import Any

Layer = dict[str, dict[str, Any]]
Fields = dict[tuple[str, str], Any]
_NOTHING = object()


def united(
    now: Mapping[str, Mapping[str, Any]], own: Layer, wanted: Layer, others: Iterable[Layer] = ()
) -> tuple[Layer, list[str]]:
    """The video's layer with `wanted` in place of `own` (what this name set before), and the conflicts in words.

    `others` is what every other name asks for by now.
    """
    current, before, after = _flat(now), _flat(own), _flat(wanted)
    shared = {place for layer in others for place in _flat(layer)}
    mine = {place for place, value in before.items() if place not in shared and current.get(place, _NOTHING) == value}
    conflicts = [
        f"{name}.{field} is {current[name, field]!r} for the same video already, here it is {value!r}"
        for (name, field), value in sorted(after.items())
        if (name, field) in current and (name, field) not in mine and current[name, field] != value
    ]
    kept = {place: value for place, value in current.items() if place not in mine}
    return _nested({**kept, **after}), conflicts


def without(layer: Mapping[str, Mapping[str, Any]], places: Iterable[tuple[str, str]]) -> Layer:
    """`layer` without some of its fields."""
    gone = set(places)
    return _nested({place: value for place, value in _flat(layer).items() if place not in gone})


def laid_over(low: Mapping[str, Mapping[str, Any]], high: Mapping[str, Mapping[str, Any]]) -> Layer:
    """`high` over `low`, field by field."""
    return {name: {**low.get(name, {}), **high.get(name, {})} for name in {**low, **high}}


def _flat(layer: Mapping[str, Mapping[str, Any]]) -> Fields:
    return {(name, field): value for name, fields in layer.items() for field, value in fields.items()}


def _nested(fields: Fields) -> Layer:
    found: Layer = {}
    for (name, field), value in fields.items():
        found.setdefault(name, {})[field] = value
    return found
