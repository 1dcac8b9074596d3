"""The settings as Dagster sees them: one observable source asset per slice, so that the UI says what made a partition
stale, and with which values.

They are told, never asked: `sync_settings` reports a slice where its value changed, or where a video, a language or a
slice is new, and never otherwise. A first report must come before the first run, since Dagster compares a run with the
reports before it. Staleness itself is the plan's to judge; this is what the UI shows of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from octavia_dag.graph import GRAPH, Granularity, Node
from octavia_dag.layers import PER_VIDEO
from octavia_dag.partitions import DUBS, VIDEOS, dub_key
from octavia_dag.settings import Settings, digest

_VERSION_TAG = "dagster/data_version"


@dataclass(frozen=True)
class SliceAsset:
    """One slice at one granularity: the fields of it that steps read there."""

    name: str
    slice: str
    granularity: Granularity
    fields: tuple[str, ...]

    def values(self, settings: Settings) -> dict[str, Any]:
        """What it says now, as JSON holds it."""
        return getattr(settings, self.slice).model_dump(mode="json", include=set(self.fields))


def _read_fields() -> dict[tuple[str, Granularity], set[str]]:
    """Fields by slice and granularity; what an asset of the video reads counts for the video wherever it is read."""
    found: dict[tuple[str, Granularity], set[str]] = {}
    for node in GRAPH.values():
        for place in _places(node):
            name, field = place.split(".")
            found.setdefault((name, "video" if place in PER_VIDEO else "dub"), set()).add(field)
    return found


def _places(node: Node) -> list[str]:
    """Every `slice.field` that a step reads."""
    return [
        f"{name}.{one}"
        for name, _, field in (read.partition(".") for read in node.reads)
        for one in ([field] if field else getattr(Settings.model_fields[name].annotation, "model_fields", {}))
    ]


def _all() -> tuple[SliceAsset, ...]:
    fields = _read_fields()
    both = {name for name, _ in fields if (name, "video") in fields and (name, "dub") in fields}
    return tuple(
        SliceAsset(
            f"settings_{name}_per_language" if kind == "dub" and name in both else f"settings_{name}",
            name,
            kind,
            tuple(sorted(told)),
        )
        for (name, kind), told in fields.items()
    )


SLICES = _all()


def slices_read(node: Node) -> tuple[str, ...]:
    """Names of the slice assets that a step depends on."""
    places = set(_places(node))
    return tuple(one.name for one in SLICES if any(f"{one.slice}.{field}" in places for field in one.fields))


def _observable(one: SliceAsset) -> Any:
    told = (Settings.model_fields[one.slice].annotation.__doc__ or "").strip()

    @dg.observable_source_asset(
        name=one.name,
        partitions_def=VIDEOS if one.granularity == "video" else DUBS,
        group_name="settings",
        description=f"{told} The effective values of {', '.join(one.fields)}; told when they change.",
    )
    def observed() -> dg.DataVersionsByPartition:
        # Settings are reported by whoever changes them; asked by the UI there is nothing to add.
        return dg.DataVersionsByPartition({})

    return observed


slice_assets = [_observable(one) for one in SLICES]


def sync_settings(
    instance: dg.DagsterInstance, video: str, settings: Mapping[str | None, Settings]
) -> list[tuple[str, str]]:
    """Reports each slice whose effective value is not the one last reported; returns (asset, partition) of each.

    `settings` holds the effective settings of the video (None) and of each of its languages.
    """
    reported: list[tuple[str, str]] = []
    for one in SLICES:
        for language, found in settings.items():
            if (language is None) != (one.granularity == "video"):
                continue
            key = video if language is None else str(dub_key(video, language))
            values = one.values(found)
            version = digest(values)[:32]
            if _last_version(instance, one.name, key) == version:
                continue
            instance.report_runless_asset_event(
                dg.AssetObservation(
                    asset_key=one.name,
                    partition=key,
                    tags={_VERSION_TAG: version},
                    metadata={name: _shown(value) for name, value in values.items()},
                )
            )
            reported.append((one.name, key))
    return reported


def _last_version(instance: dg.DagsterInstance, name: str, partition: str) -> str | None:
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(name), asset_partitions=[partition])
    records = instance.fetch_observations(wanted, limit=1).records
    observation = records[0].asset_observation if records else None
    return observation.tags.get(_VERSION_TAG) if observation else None


def _shown(value: Any) -> Any:
    if isinstance(value, bool | int | float | str):
        return value
    return (
        dg.MetadataValue.json(value) if isinstance(value, dict | list) else "not set" if value is None else str(value)
    )
