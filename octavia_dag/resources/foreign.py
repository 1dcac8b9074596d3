"""What settings may not say that come with a video: beside it in the storage, or in a row of the catalogue.

Whoever may write there need not be who runs this installation. So engines and addresses cannot be named there, which
run code or are sent texts and a key, nor the thresholds by which a dub is held back opened, nor prices, nights and the
warm pool set.
"""

from collections.abc import Mapping
from typing import Any

from octavia_dag.profiles import PLACES

_SLICES = ("engines", "checks", "costs", "catalogue", "warm_pool")
_ENDPOINT = ("translation.endpoint", "translation.endpoint_model")
# Whatever role there is, and may come to be: its engine, and what that is told.
_PLACES = frozenset((*_ENDPOINT, *(f"{name}.{one}" for name, *fields in PLACES.values() for one in fields)))


def for_operators(layer: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The first setting of `layer` that only an operator may set; None where there is none."""
    found = (f"{name}.{field}" for name, fields in layer.items() for field in fields
             if name in _SLICES or f"{name}.{field}" in _PLACES)  # fmt: skip
    return next(found, None)
