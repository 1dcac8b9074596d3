"""At risk: a dub that is sold, made with weights that nobody may sell, or that nobody knows the licence of."""

import ast
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import octavia_dag.assets
from octavia_dag.assets.admission import refuse_undubbable
from octavia_dag.assets.engaging import engine_for
from octavia_dag.assets.private import profiles_of
from octavia_dag.errors import SettingsError
from octavia_dag.graph import ROLE_OPTIONS, RoleName
from octavia_dag.profiles import PLACES
from octavia_dag.resources.engine_room import EngineRoom
from octavia_dag.resources.engines import Engine
from octavia_dag.settings import Layer, effective, slice_values

pytestmark = pytest.mark.studio

SHOP: Any = SimpleNamespace(engines=EngineRoom(models_dir="/nowhere"))
REMOTE = "octavia_dag.resources.studio.remote_voices:RemoteSynthesizer"
WEIGHTS: tuple[RoleName, ...] = ("separator", "segmenter", "diarizer", "transcriber", "translator")


def layer(role: RoleName, licences: dict[str, str] | None = None, **options: str) -> Layer:
    name, _, place = PLACES[role]
    sold = {"use": "commercial", "licences": licences or {}}
    return {"engines": {"profile": "studio-commercial"}, "catalogue": sold, name: {place: options}}


def asked(role: RoleName, made: Layer, language: str | None = None) -> Engine:
    return engine_for(SHOP, effective([made]), Engine, role, language)  # type: ignore[type-abstract]


@pytest.mark.parametrize("role", WEIGHTS)
@pytest.mark.parametrize("chosen", ["someone/weights@main", "/models/mine"])
def test_weights_of_one_s_own_are_refused_until_their_licence_is_named(role: RoleName, chosen: str) -> None:
    with pytest.raises(SettingsError, match=rf"{chosen}.*licence is not known.*\{{{chosen}: MIT\}}"):
        asked(role, layer(role, weights=chosen))
    asked(role, layer(role, {chosen: "MIT"}, weights=chosen))
    with pytest.raises(SettingsError, match=r"CC-BY-NC-4\.0"):
        asked(role, layer(role, {chosen: "CC-BY-NC-4.0"}, weights=chosen))


@pytest.mark.parametrize("role", WEIGHTS)
def test_the_usual_weights_may_be_sold_at_any_revision_and_held_to_a_digest(role: RoleName) -> None:
    usual = asked(role, layer(role))
    repository = str(type(usual).model_fields["weights"].default).partition("@")[0]
    asked(role, layer(role, weights=f"{repository}@v2#sha256={'0' * 64}"))
    assert not slice_values(effective([layer(role)]), [ROLE_OPTIONS[role]])[ROLE_OPTIONS[role]].get("weights")


@pytest.mark.parametrize("chosen", ["facebook/mms-1b-all@main", "/models/voxpopuli", "jonatasgrosman/another@main"])
def test_an_aligner_that_nobody_knows_is_refused_until_its_licence_is_named(chosen: str) -> None:
    with pytest.raises(SettingsError, match=rf"for fr, whose licence is not known.*\{{{chosen}: MIT\}}"):
        asked("transcriber", layer("transcriber", aligner_weights=f"fr={chosen}"), "fr")
    asked("transcriber", layer("transcriber", {chosen: "Apache-2.0"}, aligner_weights=f"fr={chosen}"), "fr")


def test_a_forbidden_aligner_is_known_also_in_capitals() -> None:
    named = "fr=Facebook/Wav2vec2-base-10k-VoxPopuli-ft-fr@main"
    with pytest.raises(SettingsError, match=r"CC-BY-NC-4\.0"):
        asked("transcriber", layer("transcriber", aligner_weights=named), "fr")


@pytest.mark.parametrize("told", ["CC-BY-NC-4.0", ""])
def test_a_server_that_is_said_to_be_for_sale_under_a_licence_that_is_not_is_refused(told: str) -> None:
    made = layer("synthesizer", licence=told, commercial="true")
    with pytest.raises(SettingsError, match=r"synthesis\.engine chooses chatterbox"):
        asked("synthesizer", made)


@pytest.mark.parametrize(("spoken", "target"), [("fr", "pt-BR"), ("en", "fr"), (None, "fr")])
def test_a_language_whose_aligner_may_not_be_sold_is_refused_when_a_video_comes_in(
    spoken: str | None, target: str
) -> None:
    made = layer("transcriber", aligners="all")
    made["transcription"]["language"] = spoken
    made["separation"] = {"engine": "octavia_fakes:FakeSeparator"}
    made["diarization"] = {"engine": "octavia_fakes:FakeDiarizer"}
    made["chunking"] = {"segmenter": ""}
    with pytest.raises(SettingsError, match=r"voxpopuli.* for fr, whose licence \(CC-BY-NC-4\.0\)"):
        refuse_undubbable(SHOP, effective([made]), [target])


def test_a_voice_that_is_derived_again_is_held_to_the_licence_of_what_derived_it_first() -> None:
    chosen = {"voices.engine": "octavia_dag.resources.studio.voice_cloner:XttsCloner", "voices.reference_s": 30.0}
    manifest = SimpleNamespace(inputs={}, settings=chosen, files={}, deleted=())
    artifact: Any = SimpleNamespace(manifest=manifest)
    work: Any = SimpleNamespace(
        inputs={"voice_profiles": artifact}, workshop=SHOP, settings=effective([layer("cloner")]), video="talk"
    )
    with pytest.raises(SettingsError, match=r"voices\.engine chooses XTTS v2.*CPML"):
        profiles_of(work)


def test_whoever_hears_words_asks_for_the_ear_with_their_language() -> None:
    """An ear that is asked for without a language was not held to its aligner's licence; to tell one it needs none."""
    bare: list[str] = []
    for path in sorted(Path(octavia_dag.assets.__path__[0]).glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        telling = {id(a.value) for a in ast.walk(tree) if isinstance(a, ast.Attribute) and a.attr == "detect_language"}
        bare += [
            f"{path.name}:{one.lineno}"
            for one in ast.walk(tree)
            if isinstance(one, ast.Call)
            and ast.unparse(one) == "work.engine(Transcriber, 'transcriber')"
            and id(one) not in telling
        ]
    assert bare == []
