"""Reads from the store what a plan looks at, and answers what it asks: the only place where plan and store meet.

A video is judged from its record, its layers of settings and its pointers, some small files each. A layer that cannot
be used is a SettingsError for that video alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from octavia_dag.assets.engaging import engines_of, node_as_set
from octavia_dag.assets.given import given, sources_of
from octavia_dag.assets.giving import Asked
from octavia_dag.graph import GRAPH, ROLE_OPTIONS, ROLE_SETTINGS, Node
from octavia_dag.layers import layer_at, places
from octavia_dag.partitions import LANGUAGES
from octavia_dag.plan import Plan, Sight, plan
from octavia_dag.resources.approvals import waits
from octavia_dag.resources.artifacts import Current
from octavia_dag.resources.history import estimate_s
from octavia_dag.resources.videos import VideoRecord, record
from octavia_dag.resources.workshop import Workshop
from octavia_dag.settings import Layer, Settings, effective

# Every setting that decides which engine answers, or whether it may: slice and field.
_ENDPOINT = ("translation.endpoint", "translation.endpoint_model", "translation.prompt")
_PLACES = tuple(
    (name.partition(".")[0], name.partition(".")[2])
    for name in (*ROLE_SETTINGS.values(), *ROLE_OPTIONS.values(), *_ENDPOINT, "catalogue.use")
)


@dataclass
class Judge:
    """Judges videos of one installation. What all of them share is read once: make a new one for a new look.

    The catalogue's layer and the estimates are that; engines tell their revision once per setting that names them.
    """

    workshop: Workshop
    _engines: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    _paces: dict[str, float | None] = field(default_factory=dict[str, float | None])
    _catalogue: Layer | None = None

    def plan(self, video: str, also: tuple[str, ...] = ()) -> Plan:
        """The plan of a registered video for the languages it is wanted in, and for those in `also`."""
        return plan(self.sight(video, also), self)

    def sight(self, video: str, also: tuple[str, ...] = ()) -> Sight:
        """What a plan of `video` looks at."""
        known = record(self.workshop.store, video)
        own = self._settings(video, None)
        languages = wanted_languages(known, own, also)
        settings = {None: own, **{tag: self._settings(video, tag) for tag in languages}}
        current: dict[tuple[str, str | None], Current] = {}
        for node in GRAPH.values():
            for tag in (None,) if node.granularity == "video" else languages:
                found = self.workshop.store.pointer(node.name, video, tag)
                if found is not None:
                    current[node.name, tag] = found
        return Sight(video, known.sha256, known.seconds, languages, settings, current)

    def node(self, node: Node, settings: Settings) -> Node:
        """As the step is made."""
        return node_as_set(self.workshop, settings, node)

    def engines(self, node: Node, settings: Settings) -> dict[str, str]:
        """As the step asks them."""
        place = "|".join([node.name, *(str(getattr(getattr(settings, a), b)) for a, b in _PLACES)])
        if place not in self._engines:
            self._engines[place] = engines_of(self.workshop, settings, node)
        return self._engines[place]

    def extras(self, node: Node, sight: Sight, language: str | None, inputs: Mapping[str, str]) -> dict[str, Any]:
        """As the step finds them."""
        asked = Asked(self.workshop, sight.settings[language], sight.video, language)
        known = sight.current.get((node.name, language))
        return given(asked, node.name, inputs, sources_of(asked, node.name), known)

    def sources(self, node: Node, sight: Sight, language: str | None) -> dict[str, str]:
        """As the step finds them."""
        return sources_of(Asked(self.workshop, sight.settings[language], sight.video, language), node.name)

    def version(self, node: Node, sight: Sight, language: str | None, key: str) -> str | None:
        """The version of a whole artifact in the store."""
        found = self.workshop.store.find(node.name, sight.video, language, key)
        return None if found is None else found.manifest.data_version

    def seconds(self, node: Node, programme_s: float) -> float | None:
        """By this installation's own pace."""
        if node.name not in self._paces:
            self._paces[node.name] = estimate_s(self.workshop.store, node.name, 1.0)
        pace = self._paces[node.name]
        return None if pace is None else pace * programme_s

    def waits(self, sight: Sight, language: str, translation: str) -> bool:
        """Whether the settings ask for an approval that is not there."""
        return waits(self.workshop.store, sight.video, language, sight.settings[language], translation)

    def catalogue(self) -> Settings:
        """The effective settings of the catalogue."""
        return effective([layer_at(Path(self.workshop.store.root), places(None, None)[0])])

    def _settings(self, video: str, language: str | None) -> Settings:
        root = Path(self.workshop.store.root)
        first, *rest = places(video, language)
        if self._catalogue is None:
            self._catalogue = layer_at(root, first)
        return effective([self._catalogue, *(layer_at(root, one) for one in rest)])


def wanted_languages(known: VideoRecord, settings: Settings, also: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What a video is dubbed into: by its setting, by what was asked for so far, and by what is asked for now."""
    wanted = {*settings.delivery.languages, *known.requested, *also}
    return tuple(tag for tag in LANGUAGES if tag in wanted)
