"""What would be made again, and why: the one judge of staleness.

For each partition the key that a step would compute now is compared with the key of its latest materialization; what
differs names the cause. There is no cursor and no baseline, so nothing can be lost: a change made while a partition is
at work is found as soon as its run has ended. Where an artifact with the wanted key is in the store already (a setting
was put back), it is reused, and what lies below it can be judged at once; below something that must be made, only what
may follow is known, since an equal outcome makes nothing below it stale. Everything here is pure: what is read from
the store comes in as a `Sight`, and what must be asked comes in as `Ask`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from octavia_dag.graph import GRAPH, Node
from octavia_dag.keys import Recipe, recipe
from octavia_dag.resources.artifacts import Current
from octavia_dag.settings import Settings, digest

State = Literal["current", "reuse", "make", "may follow", "waiting", "held"]
Partition = tuple[str, str | None]
GONE = "what was made is gone"
# What people give besides settings, and how its change is told.
GIVEN = {
    "lines": "the original's corrections changed",
    "texts": "wordings of people changed",
    "names": "speakers were named otherwise",
    "hot_words": "glossary terms that the transcriber expects changed",
    "glossary": "glossary entries that occur in the text changed",
    "memory": "approved lines in the memory changed",
    "personal": "the personal voice was added, changed or removed",
    "people": "its people have other names or voices in the register",
}
NEVER = "never made"
# An asset above which a dub waits for its approval, and the one whose verdict holds a dub back.
_APPROVED = "dubbed_chunks"
_JUDGED = "transcript"
UNUSABLE = "unusable"


@dataclass(frozen=True)
class Sight:
    """One video as it lies in the store: `settings` by language (None: the video's own), `current` by partition."""

    video: str
    file: str
    programme_s: float
    languages: tuple[str, ...]
    settings: Mapping[str | None, Settings]
    current: Mapping[Partition, Current]


class Ask(Protocol):
    """What a plan must ask of the installation."""

    def node(self, node: Node, settings: Settings) -> Node:
        """The asset as the chosen engines make it."""
        ...

    def engines(self, node: Node, settings: Settings) -> dict[str, str]:
        """Name and revision of the engines and models that a step asks."""
        ...

    def extras(self, node: Node, sight: Sight, language: str | None, inputs: Mapping[str, str]) -> dict[str, Any]:
        """What people gave to a step besides settings, as far as it uses it."""
        ...

    def sources(self, node: Node, sight: Sight, language: str | None) -> dict[str, str]:
        """Hashes of all that people gave that a step may choose from."""
        ...

    def version(self, node: Node, sight: Sight, language: str | None, key: str) -> str | None:
        """Data version of the artifact with this key, None where it is not in the store."""
        ...

    def seconds(self, node: Node, programme_s: float) -> float | None:
        """How long making it will likely take, None where nothing is known."""
        ...

    def waits(self, sight: Sight, language: str, translation: str) -> bool:
        """Whether the translation of this data version still waits for its approval."""
        ...


@dataclass(frozen=True)
class Item:
    """One partition's verdict. `causes` are in words; `seconds` is the estimate where it must or may be made."""

    asset: str
    language: str | None
    state: State
    causes: tuple[str, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True)
class Plan:
    """The verdicts of one video, in the order of the graph; `desired` is a hash of the state that is asked for."""

    video: str
    items: tuple[Item, ...]
    desired: Mapping[str | None, str] = field(default_factory=dict[str | None, str])

    def of(self, *states: State) -> tuple[Item, ...]:
        """The items in one of `states`."""
        return tuple(item for item in self.items if item.state in states)

    @property
    def empty(self) -> bool:
        """Whether nothing would be made or put back."""
        return not self.of("make", "reuse", "may follow")

    @property
    def stale_video(self) -> bool:
        """Whether the video's own assets must run."""
        return any(item.language is None for item in self.of("make", "reuse"))

    @property
    def stale_languages(self) -> tuple[str, ...]:
        """The languages whose dub must run, now or after the video's own assets."""
        found = [item.language for item in self.of("make", "reuse", "may follow") if item.language is not None]
        return tuple(dict.fromkeys(found))

    def seconds(self, *states: State) -> float | None:
        """Estimated seconds of the items in `states`; None where nothing is known of one of them."""
        known = [item.seconds for item in self.of(*states)]
        return None if any(one is None for one in known) else sum(one for one in known if one is not None)


def plan(sight: Sight, ask: Ask) -> Plan:
    """Judges every asset of the video and of each wanted language."""
    judge = _Judge(sight, ask)
    for node in GRAPH.values():
        for language in (None,) if node.granularity == "video" else sight.languages:
            judge.item(node, language)
    return Plan(sight.video, tuple(judge.items), {one: _desired(sight, ask, one) for one in (None, *sight.languages)})


class _Judge:
    """Goes down the graph, remembering the data version of every partition as far as it is known."""

    def __init__(self, sight: Sight, ask: Ask) -> None:
        self._sight = sight
        self._ask = ask
        self._versions: dict[Partition, str | None] = {}
        self._states: dict[Partition, State] = {}
        self.items: list[Item] = []

    def item(self, node: Node, language: str | None) -> None:
        """Adds the verdict of one partition."""
        sight, found = self._sight, self._sight.current.get((node.name, language))
        node = self._ask.node(node, sight.settings[language])
        inputs = {name: self._versions.get(self._above(name, language)) for name in node.inputs}
        known = {name: version for name, version in inputs.items() if version is not None}
        versions = known if node.inputs else {"file": sight.file}
        wanted = recipe(
            node,
            language,
            inputs=versions,
            settings=sight.settings[language],
            engines=self._ask.engines(node, sight.settings[language]),
            extras=self._ask.extras(node, sight, language, versions),
        )
        whole = len(known) == len(node.inputs)
        causes = (*_causes(found, wanted), *self._above_causes(node, language, found))
        state, version = self._state(node, language, found, wanted, whole=whole)
        self._versions[node.name, language] = version
        self._states[node.name, language] = state
        told = () if state == "current" else causes or ((GONE,) if state == "make" else ())
        seconds = self._ask.seconds(node, sight.programme_s) if state in ("make", "may follow") else None
        self.items.append(Item(node.name, language, state, told, seconds))

    def _state(
        self, node: Node, language: str | None, found: Current | None, wanted: Recipe, *, whole: bool
    ) -> tuple[State, str | None]:
        barred = self._barred(node, language, wanted, whole=whole)
        there = self._ask.version(node, self._sight, language, wanted.key) if whole else None
        if there is not None and found is not None and found.key == wanted.key:
            return "current", there
        if barred is not None:
            return barred, None
        if not whole:
            return "may follow", None
        return ("make", None) if there is None else ("reuse", there)

    def _barred(self, node: Node, language: str | None, wanted: Recipe, *, whole: bool) -> State | None:
        """Why a dub may not go on here: its transcript cannot be used, or its translation is not approved."""
        if language is None:
            return None
        above = {self._states.get(self._above(name, language)) for name in node.inputs}
        judged = self._sight.current.get((_JUDGED, None))
        bad = judged is not None and judged.counts.get(UNUSABLE, 0) > 0
        if bad and self._states.get((_JUDGED, None)) == "current":
            return "held"
        if "waiting" in above:
            return "waiting"
        translation = wanted.inputs.get("translation")
        waits = node.name == _APPROVED and whole and translation is not None
        return "waiting" if waits and self._ask.waits(self._sight, language, str(translation)) else None

    def _above(self, name: str, language: str | None) -> Partition:
        return name, language if GRAPH[name].granularity == "dub" else None

    def _above_causes(self, node: Node, language: str | None, found: Current | None) -> tuple[str, ...]:
        """Which inputs are not settled yet: what may follow, follows from them."""
        if found is None:
            return ()
        open_states = ("make", "may follow", "waiting", "held")
        names = [name for name in node.inputs if self._states.get(self._above(name, language)) in open_states]
        return tuple(f"if {name} comes out otherwise" for name in names)


def _causes(found: Current | None, wanted: Recipe) -> tuple[str, ...]:
    """What differs between the latest materialization and what would be made now, in words."""
    if found is None:
        return (NEVER,)
    told: list[str] = []
    if found.code_version != wanted.code_version:
        told.append(f"code version {found.code_version} -> {wanted.code_version}")
    told += [f"{one} changed" for one in _changed(found.inputs, wanted.inputs)]
    told += _settings_changed(found.settings, wanted.settings)
    told += [
        f"{role}: {found.engines.get(role, 'none')} -> {wanted.engines.get(role, 'none')}"
        for role in sorted({*found.engines, *wanted.engines})
        if found.engines.get(role) != wanted.engines.get(role)
    ]
    told += [
        GIVEN.get(name, f"{name} given by people changed")
        for name in sorted({*found.extras, *wanted.extras})
        if found.extras.get(name) != wanted.extras.get(name)
    ]
    if told and found.experiment:
        told.append(f"made by an experiment ({_flat_text(found.experiment)})")
    return tuple(told)


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Inputs whose data version is another one; those that are not known yet are told of elsewhere."""
    return ["the file" if name == "file" else name for name in after if before.get(name) != after[name]]


def _settings_changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    old, new = _flat(before), _flat(after)
    return [
        f"{name}: {old.get(name, 'not read')} -> {new.get(name, 'not read')}"
        for name in sorted({*old, *new})
        if old.get(name, _NONE) != new.get(name, _NONE)
    ]


_NONE = object()


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """`slice: {field: value}` and `slice.field: value` alike as `slice.field: value`."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict) and "." not in name:
            flat.update({f"{name}.{inner}": one for inner, one in value.items()})
        else:
            flat[name] = value
    return flat


def _flat_text(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(_flat(values).items()))


def _desired(sight: Sight, ask: Ask, language: str | None) -> str:
    """Hash of all that is asked for of one job: file, code versions, settings, engines, what people gave.

    Not of what came out: two attempts at the same desired state are the same attempt, whatever became of the first.
    """
    granularity = "video" if language is None else "dub"
    nodes = [node for node in GRAPH.values() if node.granularity in ("video", granularity)]
    rows: list[Any] = [sight.file]
    for declared in nodes:
        own = None if declared.granularity == "video" else language
        settings = sight.settings[own]
        node = ask.node(declared, settings)
        engines, sources = ask.engines(node, settings), ask.sources(node, sight, own)
        wanted = recipe(node, own, inputs={}, settings=settings, engines=engines, extras=sources)
        rows.append(wanted.key)
    return digest(rows)[:32]
