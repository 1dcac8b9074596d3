"""At risk: something stale that nobody makes, or something made again that nobody changed.

The plan is pure, so a whole installation is a few dictionaries here: an artifact is its key, and what came out of it is
whatever the test says came out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from octavia_dag.graph import GRAPH, Node, as_spoken
from octavia_dag.keys import recipe
from octavia_dag.plan import GONE, NEVER, UNUSABLE, Plan, Sight, plan
from octavia_dag.resources.artifacts import Current
from octavia_dag.settings import Settings, digest, effective

VIDEO = "talk-1a2b3c4d"
BELOW_THE_MIX = ["ducked_mix", "final_mux", "qa_report"]


@dataclass
class Installation:
    """Answers a plan from memory; another key is another outcome, unless a test says that it came out equal."""

    store: dict[tuple[str, str | None, str], str] = field(default_factory=dict[tuple[str, str | None, str], str])
    given: dict[str, Any] = field(default_factory=dict[str, Any])
    approved: set[str] = field(default_factory=set[str])
    review: bool = False
    revision: str = "1"
    clones: bool = False
    samples: bool = False

    def node(self, node: Node, settings: Settings) -> Node:
        return as_spoken(node, cloning=self.clones, sampling=self.samples)

    def engines(self, node: Node, settings: Settings) -> dict[str, str]:
        return dict.fromkeys(node.roles, self.revision)

    def extras(self, node: Node, sight: Sight, language: str | None, inputs: Mapping[str, str]) -> dict[str, Any]:
        return {"texts": self.given[node.name]} if node.name in self.given else {}

    def sources(self, node: Node, sight: Sight, language: str | None) -> dict[str, str]:
        return {"texts": digest(self.given[node.name])} if node.name in self.given else {}

    def version(self, node: Node, sight: Sight, language: str | None, key: str) -> str | None:
        return self.store.get((node.name, language, key))

    def seconds(self, node: Node, programme_s: float) -> float | None:
        return 2.0

    def waits(self, sight: Sight, language: str, translation: str) -> bool:
        return self.review and translation not in self.approved

    def run(self, sight: Sight, equal: frozenset[str] = frozenset()) -> Sight:
        """Every asset made as it is asked for; one of `equal` comes out as it did before."""
        current = dict(sight.current)
        for declared in GRAPH.values():
            node = self.node(declared, sight.settings[None])
            for language in (None,) if node.granularity == "video" else sight.languages:
                above = {n: current[n, language if GRAPH[n].granularity == "dub" else None] for n in node.inputs}
                made = recipe(
                    node,
                    language,
                    inputs={n: one.data_version for n, one in above.items()} or {"file": sight.file},
                    settings=sight.settings[language],
                    engines=self.engines(node, sight.settings[language]),
                    extras=self.extras(node, sight, language, {}),
                )
                before = current.get((node.name, language))
                version = before.data_version if before and node.name in equal else f"out of {made.key}"
                self.store.setdefault((node.name, language, made.key), version)
                current[node.name, language] = Current(
                    asset=node.name,
                    video=sight.video,
                    language=language,
                    key=made.key,
                    data_version=self.store[node.name, language, made.key],
                    code_version=made.code_version,
                    inputs=dict(made.inputs),
                    settings=dict(made.settings),
                    engines=dict(made.engines),
                    extras=dict(made.extras),
                    counts={},
                    seconds=1.0,
                )
        return replace(sight, current=current)


def sight(*languages: str, settings: Settings | None = None) -> Sight:
    chosen = settings or Settings()
    return Sight(VIDEO, "f" * 64, 60.0, languages, dict.fromkeys((None, *languages), chosen), {})


def changed(before: Sight, layer: dict[str, dict[str, Any]], language: str | None = "every") -> Sight:
    settings = {
        one: effective([layer]) if language in ("every", one) else found for one, found in before.settings.items()
    }
    return replace(before, settings=settings)


def names(found: Plan, *states: Any) -> list[str]:
    return [item.asset for item in found.of(*states)]


@pytest.fixture
def house() -> Installation:
    return Installation()


@pytest.fixture
def built(house: Installation) -> Sight:
    return house.run(sight("es", "pt-BR"))


def test_what_was_never_made_is_to_be_made(house: Installation) -> None:
    found = plan(sight("es"), house)
    assert names(found, "make") == ["source_video"]
    assert names(found, "may follow") == [name for name in GRAPH if name != "source_video"]
    assert all(item.causes[0] == NEVER for item in found.items)


def test_where_nothing_changed_nothing_is_to_do(house: Installation, built: Sight) -> None:
    assert plan(built, house).empty


def test_a_depth_of_one_language_touches_that_language_s_mix_alone(house: Installation, built: Sight) -> None:
    found = plan(changed(built, {"mix": {"duck_depth_db": 3.0}}, "es"), house)
    assert [(i.asset, i.language, i.state) for i in found.of("make", "reuse", "may follow")] == [
        ("ducked_mix", "es", "make"),
        ("final_mux", "es", "may follow"),
        ("qa_report", "es", "may follow"),
    ]
    assert found.items[[i.asset for i in found.items].index("ducked_mix")].causes == ("mix.duck_depth_db: 6.0 -> 3.0",)


def test_a_setting_put_back_is_taken_from_the_store(house: Installation, built: Sight) -> None:
    other = house.run(changed(built, {"mix": {"duck_depth_db": 3.0}}, "es"))
    found = plan(changed(other, {}), house)
    assert names(found, "reuse") == BELOW_THE_MIX
    assert names(found, "make", "may follow") == []


def test_a_setting_put_back_before_anything_ran_is_nothing_at_all(house: Installation, built: Sight) -> None:
    assert plan(changed(changed(built, {"mix": {"ratio": 4.0}}), {}), house).empty


def test_an_equal_outcome_makes_nothing_below_it_stale(house: Installation, built: Sight) -> None:
    wished = changed(built, {"separation": {"track": 0}})
    assert names(plan(wished, house), "make") == ["source_video"]
    made = house.run(wished, equal=frozenset({"source_video", "stems"}))
    assert plan(made, house).empty
    assert made.current["chunks", None] == built.current["chunks", None]


def test_another_code_version_of_one_asset_is_that_asset_and_its_cause(
    house: Installation, built: Sight, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GRAPH, "translation", replace(GRAPH["translation"], code_version="99"))
    found = plan(built, house)
    assert names(found, "make") == ["translation", "translation"]
    assert found.of("make")[0].causes == ("code version 1 -> 99",)


def test_other_weights_name_the_role(house: Installation, built: Sight) -> None:
    house.revision = "2"
    assert plan(built, house).of("make")[0].causes == (
        "diarizer: 1 -> 2",
        "separator: 1 -> 2",
        "transcriber: 1 -> 2",
    )


def test_what_people_gave_makes_the_step_that_uses_it(house: Installation, built: Sight) -> None:
    house.given["translation"] = {"L001": "Olá"}
    found = plan(built, house)
    assert names(found, "make") == ["translation", "translation"]
    assert found.of("make")[0].causes == ("wordings of people changed",)


def test_a_new_language_asks_nothing_of_the_video(house: Installation, built: Sight) -> None:
    wider = replace(built, languages=("es", "fr", "pt-BR"), settings={**built.settings, "fr": Settings()})
    found = plan(wider, house)
    assert not found.stale_video
    assert found.stale_languages == ("fr",)


def test_an_experiment_is_told_from_what_is_set(house: Installation, built: Sight) -> None:
    tried = house.run(changed(built, {"mix": {"duck_depth_db": 3.0}}, "es"))
    marked = {
        place: one.model_copy(update={"experiment": {"mix": {"duck_depth_db": 3.0}}})
        for place, one in tried.current.items()
    }
    found = plan(replace(changed(tried, {}), current=marked), house)
    assert found.of("reuse")[0].causes[-1] == "made by an experiment (mix.duck_depth_db=3.0)"


def test_a_translation_that_is_not_approved_waits_and_is_not_stale(house: Installation, built: Sight) -> None:
    house.review = True
    spoken = {"dubbed_chunks", "synced_speech", *BELOW_THE_MIX}
    fresh = {place: one for place, one in built.current.items() if place[0] not in spoken}
    found = plan(replace(built, current=fresh), house)
    assert found.empty
    assert set(names(found, "waiting")) == spoken


def test_an_approved_translation_goes_on(house: Installation, built: Sight) -> None:
    house.review = True
    house.approved = {one.data_version for place, one in built.current.items() if place[0] == "translation"}
    fresh = {place: one for place, one in built.current.items() if place[0] != "dubbed_chunks"}
    assert names(plan(replace(built, current=fresh), house), "reuse") == ["dubbed_chunks", "dubbed_chunks"]


def test_a_transcript_that_cannot_be_used_holds_the_dubs(house: Installation, built: Sight) -> None:
    bad = built.current["transcript", None].model_copy(update={"counts": {UNUSABLE: 1}})
    only_video = {place: one for place, one in built.current.items() if place[1] is None}
    found = plan(replace(built, current={**only_video, ("transcript", None): bad}), house)
    assert found.empty
    assert len(found.of("held")) == 2 * len([node for node in GRAPH.values() if node.granularity == "dub"])


def test_the_desired_state_is_the_same_whatever_came_of_it(house: Installation, built: Sight) -> None:
    assert plan(built, house).desired == plan(sight("es", "pt-BR"), house).desired


def test_the_desired_state_of_one_language_is_its_own(house: Installation, built: Sight) -> None:
    before, after = (plan(one, house).desired for one in (built, changed(built, {"mix": {"ratio": 4.0}}, "es")))
    assert [one for one in before if before[one] != after[one]] == ["es"]


def test_time_is_told_apart_for_what_is_sure_and_what_may_follow(house: Installation, built: Sight) -> None:
    found = plan(changed(built, {"mix": {"duck_depth_db": 3.0}}, "es"), house)
    assert (found.seconds("make"), found.seconds("may follow")) == (2.0, 4.0)


def test_what_was_made_and_is_gone_is_to_be_made(house: Installation, built: Sight) -> None:
    gone = built.current["ducked_mix", "pt-BR"]
    del house.store["ducked_mix", "pt-BR", gone.key]
    found = plan(built, house)
    assert [(one.asset, one.causes) for one in found.of("make")] == [("ducked_mix", (GONE,))]


def test_only_an_engine_that_clones_speaks_from_the_profiles(house: Installation, built: Sight) -> None:
    assert "voice_profiles" not in built.current["dubbed_chunks", "es"].inputs
    house.clones = True
    found = plan(built, house)
    assert [(i.asset, i.language, i.causes) for i in found.of("make")] == [
        ("dubbed_chunks", "es", ("voice_profiles changed",)),
        ("dubbed_chunks", "pt-BR", ("voice_profiles changed",)),
    ]
    cloned = house.run(built)
    assert plan(cloned, house).empty
    assert cloned.current["dubbed_chunks", "es"].inputs["voice_profiles"]


def test_only_an_engine_that_samples_is_listened_to_while_it_speaks(house: Installation, built: Sight) -> None:
    assert "transcriber" not in built.current["dubbed_chunks", "es"].engines
    house.samples = True
    assert plan(built, house).of("make")[0].causes == ("transcriber: none -> 1",)
