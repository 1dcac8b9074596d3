"""What people gave besides settings, as far as a step uses it: part of its content key, and of what it works with.

The plan asks the same givers as the step, so both come to the same key. Where neither a giver's source nor the step's
inputs have changed since the latest materialization, what that used still holds and nothing is looked up.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from octavia_dag.assets import corrections, people, personal, wordings
from octavia_dag.assets.giving import Asked, Giver
from octavia_dag.resources.artifacts import Current

GIVERS: tuple[Giver, ...] = (
    corrections.LINES, corrections.TEXTS, corrections.NAMES, wordings.HOT_WORDS, wordings.GLOSSARY, wordings.MEMORY,
    personal.PERSONAL, people.PEOPLE, people.NAMES,
)  # fmt: skip


def sources_of(asked: Asked, asset: str) -> dict[str, str]:
    """Of each kind of thing that was given for `asset`, the hash of all there is to choose from."""
    told = {giver.name: giver.source(asked) for giver in GIVERS if giver.asset == asset}
    return {name: source for name, source in told.items() if source}


def given(
    asked: Asked, asset: str, inputs: Mapping[str, str], sources: Mapping[str, str], known: Current | None
) -> dict[str, Any]:
    """What of it is used. `known` is the step's latest materialization, whose extras hold while nothing moved."""
    extras: dict[str, Any] = {}
    told = replace(asked, inputs=inputs)
    for giver in GIVERS:
        if giver.asset != asset or giver.name not in sources:
            continue
        same = known is not None and known.sources.get(giver.name) == sources[giver.name] and known.inputs == inputs
        value = known.extras.get(giver.name) if known is not None and same else giver.used(told)
        if value:
            extras[giver.name] = value
    return extras
