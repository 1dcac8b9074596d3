"""The content key of a step: a hash of all that its outcome depends on, the same for the step and for the plan.

    key = hash(code version, data versions of the inputs, effective settings read, engines and revisions, extras)

Extras are what people gave besides settings, as far as this step uses it: corrected lines, glossary and memory entries
that occur in the text, the main speaker's personal voice, the register's people who speak. What is not used is not in
the key, so it makes nothing again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from octavia_dag.graph import Node
from octavia_dag.settings import Settings, digest, slice_values


@dataclass(frozen=True)
class Recipe:
    """What one step would be made from: `inputs` are data versions by asset (or the file's sha256)."""

    asset: str
    language: str | None
    code_version: str
    inputs: Mapping[str, str]
    settings: Mapping[str, Any]
    engines: Mapping[str, str]
    extras: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def key(self) -> str:
        """The content key, sha256 in hex."""
        made_from = [self.asset, self.code_version, self.inputs, self.settings, self.engines, self.language]
        return digest([*made_from, self.extras] if self.extras else made_from)


def recipe(
    node: Node,
    language: str | None,
    *,
    inputs: Mapping[str, str],
    settings: Settings,
    engines: Mapping[str, str],
    extras: Mapping[str, Any],
) -> Recipe:
    """The recipe of `node` for one partition; empty extras count as none."""
    return Recipe(
        asset=node.name,
        language=language if node.granularity == "dub" else None,
        code_version=node.code_version,
        inputs=dict(inputs),
        settings=slice_values(settings, node.reads),
        engines=dict(engines),
        extras={name: value for name, value in sorted(extras.items()) if value},
    )
