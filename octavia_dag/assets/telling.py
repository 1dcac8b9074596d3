"""How artifacts are shown in the Dagster UI: a table only where there are rows, a picture only where there is one."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from octavia_dag.resources.artifacts import Artifact
from octavia_dag.resources.pictures import as_markdown


def table_of(name: str, rows: Sequence[dg.TableRecord]) -> dict[str, Any]:
    """A table, or nothing: Dagster cannot infer the columns of an empty one."""
    return {name: dg.MetadataValue.table(list(rows))} if rows else {}


def pictures_of(artifact: Artifact) -> dict[str, Any]:
    """The artifact's pictures, inline, each under its name; all in one entry, which the UI opens with one click."""
    drawn = artifact.pictures
    told = "\n\n".join(f"**{_words(name)}**\n\n{as_markdown(png, _words(name))}" for name, png in drawn.items())
    return {"pictures": dg.MetadataValue.md(told)} if drawn else {}


def _words(name: str) -> str:
    return name.replace("_", " ")
