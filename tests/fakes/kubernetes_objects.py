"""Builds objects of Kubernetes from their JSON through the client's typed models, and refuses what these do not know.

The client itself drops unknown fields without a word, and so does a cluster unless it is asked not to. Here every field
must be one of the model's, every value of the type that the model names, and what a model requires must be there.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kubernetes import client

_PLAIN: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "float": (int, float),
    "object": (object,),
    "datetime": (datetime,),
}
_KINDS = {
    "Job": client.V1Job,
    "PersistentVolumeClaim": client.V1PersistentVolumeClaim,
    "ConfigMap": client.V1ConfigMap,
    "PodDisruptionBudget": client.V1PodDisruptionBudget,
    "NetworkPolicy": client.V1NetworkPolicy,
}
_VERSIONS = {
    "Job": "batch/v1",
    "PersistentVolumeClaim": "v1",
    "ConfigMap": "v1",
    "PodDisruptionBudget": "policy/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
}


class UnknownFieldError(Exception):
    """A field or a value that the typed model does not allow; the message says where it stands."""


def manifest(data: Mapping[str, Any]) -> Any:
    """The object that a manifest describes."""
    kind = data.get("kind")
    if kind not in _KINDS or data.get("apiVersion") != _VERSIONS[kind]:
        raise UnknownFieldError(f"there is no {kind} of {data.get('apiVersion')}")
    return typed(_KINDS[kind], data)


def typed(model: type[Any], data: object, where: str = "") -> Any:
    """`data` as an object of `model`."""
    if not isinstance(data, Mapping):
        raise UnknownFieldError(f"{where or model.__name__} is {data!r}, not a {model.__name__}")
    names = {theirs: ours for ours, theirs in model.attribute_map.items()}
    unknown = set(data) - set(names)
    if unknown:
        raise UnknownFieldError(f"{where or model.__name__} has no {', '.join(sorted(map(str, unknown)))}")
    fields = {
        names[key]: _value(model.openapi_types[names[key]], value, f"{where}.{key}")
        for key, value in data.items()
        if value is not None
    }
    try:
        return model(**fields)
    except ValueError as error:  # what it requires is not there
        raise UnknownFieldError(f"{where or model.__name__}: {error}") from error


def _value(kind: str, data: Any, where: str) -> Any:
    if found := re.fullmatch(r"list\[(.+)\]", kind):
        if not isinstance(data, list):
            raise UnknownFieldError(f"{where} is {data!r}, not a list")
        return [_value(found[1], one, f"{where}[{index}]") for index, one in enumerate(data)]
    if found := re.fullmatch(r"dict[\[(]str, ?(.+)[\])]", kind):
        if not isinstance(data, Mapping):
            raise UnknownFieldError(f"{where} is {data!r}, not a mapping")
        return {key: _value(found[1], one, f"{where}.{key}") for key, one in data.items()}
    if kind not in _PLAIN:
        return typed(getattr(client, kind), data, where)
    if not isinstance(data, _PLAIN[kind]) or (isinstance(data, bool) and kind in ("int", "float")):
        raise UnknownFieldError(f"{where} is {data!r}, not of type {kind}")
    return data
