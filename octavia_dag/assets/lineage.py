"""Where a dub comes from, as its report's page tells it: every asset with its inputs, settings, engines and hashes, the
engines' and models' licences, the versions of what runs them.

What made a dub stands in its manifests. A licence is asked of the engine that bears the same name and revision today;
where there is none any more, the page says that it is not known here.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import distribution, requires
from pathlib import Path
from typing import Any

from octavia_dag.assets.engaging import engine_for
from octavia_dag.errors import OctaviaError
from octavia_dag.graph import GRAPH, ROLE_SETTINGS
from octavia_dag.layers import settings_of
from octavia_dag.resources import models, vad
from octavia_dag.resources.artifacts import Artifact, Manifest
from octavia_dag.resources.engines import Engine
from octavia_dag.resources.workshop import Workshop

_SHORT = 12  # of a hash; the whole one is its title
_NOT_KNOWN = "not known here: another engine is set now"
_PACKAGE = "octavia-dag"
_VAD = "vad"
_LICENCES = ("License-Expression", "License")  # where a package may tell its own


def of(workshop: Workshop, video: str, language: str, parts: Mapping[str, Artifact]) -> dict[str, Any]:
    """The assets in the order of the graph, the engines, the models, the software."""
    made = [parts[name].manifest for name in GRAPH]
    named = sorted({(role, name) for one in made for role, name in one.engines.items()})
    return {
        "made": [_asset(one) for one in made],
        "engines": list(_engines(workshop, video, language, named)),
        "models": list(_models(name for _, name in named)),
        "software": list(_software()),
        "short": _SHORT,
    }


def _asset(manifest: Manifest) -> dict[str, Any]:
    settings = {
        f"{name}.{field}" if field else name: value
        for name, values in manifest.settings.items()
        for field, value in (values.items() if isinstance(values, dict) else [("", values)])
    }
    return {
        "name": manifest.asset,
        "description": GRAPH[manifest.asset].description,
        "code_version": manifest.code_version,
        "key": manifest.key,
        "version": manifest.data_version,
        "inputs": manifest.inputs,
        "settings": {name: _as_text(value) for name, value in sorted(settings.items())},
        "engines": manifest.engines,
        "given": {name: _as_text(value) for name, value in manifest.extras.items()},
        "counts": manifest.counts,
        "files": {name: one for name, one in manifest.files.items() if name not in manifest.deleted},
        "deleted": manifest.deleted,
        "seconds": manifest.seconds,
    }


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _engines(
    workshop: Workshop, video: str, language: str, named: Iterable[tuple[str, str]]
) -> Iterator[dict[str, str]]:
    settings = settings_of(Path(workshop.store.root), video, language)
    for role, name in named:
        licence = _NOT_KNOWN
        if role == _VAD:
            licence = models.model("silero-vad").licence if name == vad.revision() else _NOT_KNOWN
        elif role in ROLE_SETTINGS:
            try:
                info = engine_for(workshop, settings, Engine, role).info()
                licence = info.licence if f"{info.name} {info.revision}" == name else _NOT_KNOWN
            except OctaviaError as error:
                licence = f"not known here: {error}"
        yield {"role": role, "name": name, "licence": licence}


def _models(engines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The models of models.lock whose revision an engine names."""
    told = " ".join(engines)
    for one in models.lock():
        if one.revision in told:
            yield {
                "name": one.name,
                "role": one.role,
                "licence": one.licence,
                "revision": one.revision,
                "packages": [f"{source.package} {source.version}" for source in one.sources],
                "files": {file.name: file.sha256 for file in one.files},
            }


def _software() -> Iterator[dict[str, str]]:
    """This package and what it asks for, as installed where the page is written."""
    asked = [
        re.split(r"[\s;<>=!\[~]", line, maxsplit=1)[0] for line in requires(_PACKAGE) or () if "extra ==" not in line
    ]
    for name in (_PACKAGE, *sorted(set(asked), key=str.lower)):
        found = distribution(name)
        told = next((found.metadata[one] for one in _LICENCES if one in found.metadata), "")
        yield {"name": name, "version": found.version, "licence": told.partition("\n")[0][:60] or "see the package"}
