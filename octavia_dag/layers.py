"""Where settings lie and how they are laid over one another: defaults < catalogue < video < video and language.

    STORE/settings.yaml                         the catalogue
    STORE/videos/VIDEO/settings.yaml            one video
    STORE/videos/VIDEO/settings.LANGUAGE.yaml   one dub

Each is a YAML file of `slice: {field: value}` that anybody may edit. What the command changes is recorded beside it
with who and when, one JSON object a line. A dub's own layer may not hold what an asset of the whole video reads, nor a
video's layer what is for all videos: it would be ignored there without a word.
"""

import copy
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from octavia_dag.errors import SettingsError
from octavia_dag.graph import of_granularity
from octavia_dag.resources.artifacts import guarded, write_atomically
from octavia_dag.resources.locks import holding
from octavia_dag.resources.records import append_record, recorded
from octavia_dag.settings import Layer, Settings, effective

LAYER = "settings.yaml"
CHANGES = "settings.changes.jsonl"
# Slices that only the catalogue's own layer may hold, and why.
FOR_ALL = {"catalogue": "a night is one for all videos", "warm_pool": "workers are there for all videos"}


@dataclass(frozen=True)
class Place:
    """Where a layer lies: with neither, the catalogue's; with a video, that video's; with both, that dub's."""

    video: str | None = None
    language: str | None = None

    def folder(self, store: Path) -> Path:
        """The folder of the layer's file."""
        return store / "videos" / self.video if self.video else store

    def file(self, store: Path) -> Path:
        """The layer's file; it may be absent."""
        name = LAYER if self.language is None else f"settings.{self.language}.yaml"
        return self.folder(store) / name

    def __str__(self) -> str:
        parts = [part for part in (self.video, self.language) if part]
        return " in ".join(parts) or "the catalogue"


@dataclass(frozen=True)
class Change:
    """One recorded change of a setting: None as a value says that the layer does not set it."""

    setting: str
    before: Any
    after: Any


class _Strict(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML would take the last one without a word, and what is no text.

    YAML's escapes can spell half of a character, which no file and no message can hold.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping; a yaml.YAMLError where a key stands twice."""
        names = [one.value for one, _ in node.value if isinstance(one, yaml.ScalarNode)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise yaml.YAMLError(f"{twice[0]} stands there twice")
        return super().construct_mapping(node, deep)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        """The scalar's text; a yaml.YAMLError where it is none."""
        if any("\ud800" <= one <= "\udfff" for one in str(node.value)):
            raise yaml.YAMLError("half of a character stands there")
        return super().construct_scalar(node)


def read_layer(path: Path) -> Layer:
    """A layer from a YAML file, checked against the limits; a SettingsError says what is wrong with it."""
    if not path.is_file():  # a pipe would be waited for
        raise SettingsError(f"Reading settings: there is no file {path}; name one that exists.")
    try:
        loaded: object = yaml.load(path.read_text(encoding="utf-8"), _Strict) or {}  # noqa: S506 - it is a safe loader
    # Dates and numbers that are none are a ValueError of YAML's own constructors, a nest without end a RecursionError.
    except (yaml.YAMLError, ValueError, RecursionError, OSError) as error:
        told = (str(error).splitlines() or [type(error).__name__])[0]
        raise SettingsError(f"Reading settings from {path}: it is not YAML text ({told}); mend the file.") from error
    if not isinstance(loaded, dict) or not all(isinstance(value, dict) for value in loaded.values()):
        raise SettingsError(
            f"Reading settings from {path}: it must hold 'slice:' blocks with 'field: value' lines; mend it."
        )
    layer: Layer = loaded
    effective([layer])
    return layer


def places(video: str | None, language: str | None) -> tuple[Place, ...]:
    """The layers that count for a dub, a video or the catalogue, the weakest first."""
    found = [Place(), *([Place(video)] if video else []), *([Place(video, language)] if video and language else [])]
    return tuple(found)


def layers_of(store: Path, video: str | None = None, language: str | None = None) -> list[Layer]:
    """The layers as they lie in the store, the weakest first; a SettingsError where one cannot be used."""
    return [layer_at(store, place) for place in places(video, language)]


def layer_at(store: Path, place: Place) -> Layer:
    """One layer, empty where there is none."""
    path = place.file(store)
    layer = read_layer(path) if path.exists() else {}
    if place.video is not None:
        refuse_for_all(layer, f"{path} sets")
    if place.language is not None:
        refuse_per_video(layer, f"{path} sets")
    return layer


def settings_of(store: Path, video: str | None = None, language: str | None = None) -> Settings:
    """The effective settings."""
    return effective(layers_of(store, video, language))


def refuse_per_video(layer: Mapping[str, Mapping[str, Any]], who: str) -> None:
    """A SettingsError where a dub's layer holds what belongs to the whole video; `who` begins the sentence."""
    for name, fields in layer.items():
        for field in fields:
            if f"{name}.{field}" in PER_VIDEO:
                raise SettingsError(
                    f"{who} {name}.{field} for one language, but it is read once for the whole video; "
                    "set it for the video instead."
                )


def refuse_for_all(layer: Mapping[str, Mapping[str, Any]], who: str) -> None:
    """A SettingsError where a video's layer holds what is for all videos; `who` begins the sentence."""
    for name, why in FOR_ALL.items():
        for field in layer.get(name, {}):
            raise SettingsError(f"{who} {name}.{field} for one video, but {why}; set it without a video instead.")


def change_layer(store: Path, place: Place, wanted: Layer, *, who: str) -> list[Change]:
    """Makes `wanted` the layer at `place`, records what changed, and returns it; nothing is written where nothing did.

    A SettingsError where the layer, or what results for the video with it, is outside the limits.
    """
    return edit_layer(store, place, lambda _: wanted, who=who)


def edit_layer(store: Path, place: Place, edit: Callable[[Layer], Layer], *, who: str) -> list[Change]:
    """The same with what `edit` makes of the layer as it is; of two edits at once the second one sees the first's."""
    with holding(place.folder(store) / "locks" / "settings", f"Changing the settings of {place}"):
        before = layer_at(store, place)
        return _changed(store, place, before, edit(copy.deepcopy(before)), who)


def _changed(store: Path, place: Place, before: Layer, wanted: Layer, who: str) -> list[Change]:
    if place.video is not None:
        refuse_for_all(wanted, "This would set")
    if place.language is not None:
        refuse_per_video(wanted, "This would set")
    others = [wanted if one == place else layer_at(store, one) for one in places(place.video, place.language)]
    effective(others)
    changes = differences(before, wanted)
    if not changes:
        return []
    path = place.file(store)
    with guarded(f"Writing the settings of {place}"):
        write_atomically(path, yaml.safe_dump(wanted, allow_unicode=True, sort_keys=False).encode())
    rows = [{"language": place.language, "setting": c.setting, "before": c.before, "after": c.after} for c in changes]
    append_record(place.folder(store) / CHANGES, who, rows)
    return changes


def differences(before: Layer, after: Layer) -> list[Change]:
    """Every field that one layer sets otherwise than the other."""
    names = sorted({(name, field) for layer in (before, after) for name, fields in layer.items() for field in fields})
    pairs = [(f"{n}.{f}", before.get(n, {}).get(f), after.get(n, {}).get(f)) for n, f in names]
    return [Change(*pair) for pair in pairs if pair[1] != pair[2]]


def recorded_changes(store: Path, place: Place) -> list[dict[str, Any]]:
    """What was changed at `place` by the command, the oldest first: when, who, setting, before, after."""
    return [row for row in recorded(place.folder(store) / CHANGES) if row["language"] == place.language]


def _per_video() -> frozenset[str]:
    reads = {name for node in of_granularity("video") for name in node.reads}
    return frozenset(
        f"{name}.{field}"
        for name, told in Settings.model_fields.items()
        for field in getattr(told.annotation, "model_fields", {})
        if name in reads or f"{name}.{field}" in reads
    ) | {"delivery.languages"}


# What an asset of the whole video reads.
PER_VIDEO = _per_video()
