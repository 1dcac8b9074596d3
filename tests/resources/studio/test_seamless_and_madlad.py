"""At risk: a sentence that is lost, cut or in another language than was asked for, and weights that lack something.

Both translators are run with tiny weights through the path of production: sealed folder, real classes, real files.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sealing import sealed
from tiny_translator import tiny_madlad, tiny_seamless
from translator_contract import TEXTS, TranslatorContract

from octavia_dag.errors import EngineError, ModelError, PairError, SettingsError
from octavia_dag.resources.engine_room import EngineRoom
from octavia_dag.resources.engines import Translator
from octavia_dag.resources.licences import refuse_forbidden
from octavia_dag.resources.studio.madlad import MadladTranslator
from octavia_dag.resources.studio.sentence_translator import SentenceTranslator, normal_tag
from octavia_dag.resources.studio.translator import SeamlessTranslator

pytestmark = pytest.mark.studio

Made = Callable[..., SentenceTranslator]
KINDS = {"seamless": (SeamlessTranslator, tiny_seamless), "madlad": (MadladTranslator, tiny_madlad)}
LONGEST = 12
MANY = [*TEXTS, "Yes!", "The quick brown fox jumps over a lazy dog, and then it needs a small test.", "No?"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    made: dict[str, str] = {}
    for name, (kind, tiny) in KINDS.items():
        made[name] = sealed(tiny(tmp_path_factory.mktemp("weights") / name, kind.codes.values()))
    return made


@pytest.fixture(params=sorted(KINDS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def make(name: str, folders: dict[str, str], tmp_path: Path) -> Made:
    def made(**options: Any) -> SentenceTranslator:
        given: dict[str, Any] = {"weights": folders[name], "longest": LONGEST, "models_dir": str(tmp_path), **options}
        return KINDS[name][0](**given)

    return made


class Both(TranslatorContract):
    @pytest.fixture
    def served(self) -> tuple[str, str]:
        return "en", "pt-BR"


class TestSeamless(Both):
    @pytest.fixture
    def translator(self, folders: dict[str, str], tmp_path: Path) -> Translator:
        return SeamlessTranslator(weights=folders["seamless"], longest=LONGEST, models_dir=str(tmp_path))


class TestMadlad(Both):
    @pytest.fixture
    def translator(self, folders: dict[str, str], tmp_path: Path) -> Translator:
        return MadladTranslator(weights=folders["madlad"], longest=LONGEST, models_dir=str(tmp_path))


def asked_directly(name: str, folder: str, text: str) -> list[str]:
    """What transformers says to one sentence on its own, without padding, in five beams: English to French."""
    import torch
    from transformers import AutoTokenizer, SeamlessM4Tv2ForTextToText, T5ForConditionalGeneration

    seamless = name == "seamless"
    kind: Any = SeamlessM4Tv2ForTextToText if seamless else T5ForConditionalGeneration
    model, tokenizer = kind.from_pretrained(folder, dtype=torch.float32).eval(), AutoTokenizer.from_pretrained(folder)
    given = tokenizer(text, src_lang="eng") if seamless else tokenizer(f"<2fr> {text}")
    with torch.inference_mode():
        made = model.generate(
            input_ids=torch.tensor([given["input_ids"]]),
            num_beams=5,
            num_return_sequences=5,
            max_new_tokens=LONGEST,
            **({"tgt_lang": "fra"} if seamless else {}),
        )
    return [" ".join(one.split()) for one in tokenizer.batch_decode(made, skip_special_tokens=True)]


def test_a_padded_batch_gives_each_sentence_what_it_gets_alone(name: str, folders: dict[str, str], make: Made) -> None:
    alone = [list(dict.fromkeys(filter(None, asked_directly(name, folders[name], text))))[:4] for text in MANY]
    for batch in (1, 3, 32):
        assert make(batch=batch).candidates(MANY, "en", "fr") == alone


def test_the_candidates_are_several_the_best_first_and_none_twice(make: Made) -> None:
    offered = make().candidates(TEXTS, "en", "fr")
    assert [one[0] for one in offered] == make().translate(TEXTS, "en", "fr")
    assert all(1 < len(one) <= 4 and len(set(one)) == len(one) for one in offered)
    assert make(alternatives=2).candidates(TEXTS, "en", "fr") == [one[:2] for one in offered]
    assert all(len(one) <= 2 for one in make(alternatives=4, beams=2).candidates(TEXTS, "en", "fr"))


def test_a_text_of_several_sentences_is_translated_sentence_by_sentence(make: Made) -> None:
    translator = make()
    one, two = (translator.candidates([text], "en", "fr")[0] for text in TEXTS[:2])
    together = translator.candidates([f"{TEXTS[0]} {TEXTS[1]}"], "en", "fr")[0]
    most = max(len(one), len(two))
    assert together == [f"{one[min(at, len(one) - 1)]} {two[min(at, len(two) - 1)]}" for at in range(most)]


def test_what_holds_no_word_stays_as_it_is(make: Made) -> None:
    assert make().translate(["", "  ", "...", "?! Yes!"], "en", "fr")[:3] == ["", "  ", "..."]


def test_the_target_is_told_to_the_model(make: Made) -> None:
    assert make().translate(TEXTS, "en", "fr") != make().translate(TEXTS, "en", "de")


def test_the_source_is_told_to_seamless_and_seen_by_madlad_itself(name: str, make: Made) -> None:
    same = make().translate(TEXTS, "en", "fr") == make().translate(TEXTS, "es", "fr")
    assert same == (name == "madlad")


@pytest.mark.parametrize(
    ("loose", "tag"),
    [("pt", "pt-BR"), ("por", "pt-BR"), ("en-US", "en"), ("zh-CN", "zh"), ("zh-TW", "zh-Hant"), ("pt-PT", "pt-BR")],
)
def test_a_loose_tag_names_a_listed_language(loose: str, tag: str) -> None:
    assert normal_tag(loose) == tag
    assert tag in SeamlessTranslator.codes


def test_a_loose_pair_is_served_as_the_listed_one(make: Made) -> None:
    assert make().quality("en-US", "pt") == "neural"
    assert make().translate(TEXTS, "en-GB", "pt") == make().translate(TEXTS, "en", "pt-BR")


@pytest.mark.parametrize("pair", [("en", "en"), ("tlh", "en"), ("en", "no tag"), ("pt", "pt-BR")])
def test_a_pair_that_is_none_is_refused(make: Made, pair: tuple[str, str]) -> None:
    with pytest.raises(PairError):
        make().translate(TEXTS, *pair)
    assert pair not in make().pairs()


def test_what_it_is_and_can_is_told_without_weights(name: str, make: Made) -> None:
    absent = make(weights="nobody/nothing@main")
    assert absent.info().revision.startswith("absent ")
    assert len(absent.pairs()) == len(KINDS[name][0].codes) * (len(KINDS[name][0].codes) - 1)
    with pytest.raises(ModelError, match="octavia models pull nobody/nothing@main"):
        absent.translate(TEXTS, "en", "fr")


def test_every_option_that_changes_the_outcome_changes_the_revision(make: Made) -> None:
    variants: list[dict[str, int]] = [{}, {"beams": 3}, {"alternatives": 2}, {"longest": 20}]
    assert len({make(**one).info().revision for one in variants}) == len(variants)
    assert make(batch=2).info().revision == make().info().revision


def test_options_come_from_settings_as_text(name: str, folders: dict[str, str], tmp_path: Path) -> None:
    path = f"{KINDS[name][0].__module__}:{KINDS[name][0].__name__}"
    room = EngineRoom(models_dir=str(tmp_path))
    made = room.get(SentenceTranslator, path, {"weights": folders[name], "beams": "3", "longest": "9"})  # type: ignore[type-abstract]
    assert (made.beams, made.longest) == (3, 9)
    with pytest.raises(SettingsError, match="beams"):
        room.get(SentenceTranslator, path, {"beams": "none"})  # type: ignore[type-abstract]


def test_only_madlad_may_be_sold(name: str) -> None:
    if name == "madlad":
        refuse_forbidden(MadladTranslator(), "translation.engine", "commercial")
        return
    with pytest.raises(SettingsError, match=r"CC-BY-NC-4\.0.*use the profile studio-commercial \(MADLAD-400\)"):
        refuse_forbidden(SeamlessTranslator(), "translation.engine", "commercial")


@pytest.mark.parametrize(("name", "code"), [("seamless", "cmn_Hant"), ("madlad", "<2hi>")])
def test_weights_that_lack_a_language_are_refused_when_they_are_loaded(
    name: str, code: str, make: Made, tmp_path: Path
) -> None:
    kind, tiny = KINDS[name]
    lacking = sealed(tiny(tmp_path / "lacking", [one for one in kind.codes.values() if one != code]))
    with pytest.raises(ModelError, match=code):
        make(weights=lacking).translate(TEXTS, "en", "fr")


def test_other_weights_than_the_engine_s_are_a_sentence(make: Made, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    with pytest.raises(ModelError, match="could not be loaded as"):
        make(weights=sealed(tmp_path / "other")).translate(TEXTS, "en", "fr")


@pytest.mark.parametrize("suffix", [".safetensors", ".model"])
def test_weights_without_their_tokenizer_or_safetensors_are_a_sentence(
    name: str, suffix: str, make: Made, tmp_path: Path
) -> None:
    kind, tiny = KINDS[name]
    folder = tiny(tmp_path / "half", kind.codes.values())
    for path in folder.glob(f"*{suffix}"):
        path.unlink()
    with pytest.raises(ModelError, match="could not be loaded as"):
        make(weights=sealed(folder)).translate(TEXTS, "en", "fr")


def test_a_wrong_digest_is_refused(name: str, folders: dict[str, str], make: Made) -> None:
    with pytest.raises(ModelError, match="was asked for"):
        make(weights=f"{folders[name]}#sha256={'0' * 64}").translate(TEXTS, "en", "fr")


def test_a_sentence_that_comes_to_no_end_is_an_error_that_quotes_it(name: str, make: Made, tmp_path: Path) -> None:
    kind, tiny = KINDS[name]
    endless = make(weights=sealed(tiny(tmp_path / "endless", kind.codes.values(), ends=False)))
    with pytest.raises(EngineError, match=r"And I love this city.*no whole sentence within 12 tokens"):
        endless.translate([TEXTS[1]], "en", "fr")


@pytest.fixture
def little_memory(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Generation runs out of memory beyond `room` sentences at once on the `card`; `runs` tells what was tried."""
    import torch
    from transformers import SeamlessM4Tv2ForTextToText, T5ForConditionalGeneration

    kind: Any = SeamlessM4Tv2ForTextToText if name == "seamless" else T5ForConditionalGeneration
    told: dict[str, Any] = {"room": 2, "card": None, "runs": []}
    real = kind.generate

    def generate(self: Any, **given: Any) -> Any:
        told["runs"].append(len(given["input_ids"]))
        if len(given["input_ids"]) > told["room"] and told["card"] in (None, getattr(self, "placed", "cpu")):
            raise torch.OutOfMemoryError
        return real(self, **given)

    monkeypatch.setattr(kind, "generate", generate)
    real_to = kind.to

    def to(self: Any, device: str) -> Any:
        self.placed = device  # "cpu:0" stands for a card, and torch drops the number
        return real_to(self, device)

    monkeypatch.setattr(kind, "to", to)
    return told


def test_where_memory_gives_out_the_batch_is_halved(make: Made, little_memory: dict[str, Any]) -> None:
    little_memory["room"] = len(MANY)
    whole = make().candidates(MANY, "en", "fr")
    little_memory.update(room=2, runs=[])
    assert make().candidates(MANY, "en", "fr") == whole
    assert little_memory["runs"] == [6, 3, 1, 1, 1, 1, 1, 1]


def test_a_sentence_that_does_not_fit_alone_fails_in_words(make: Made, little_memory: dict[str, Any]) -> None:
    little_memory["room"] = 0
    with pytest.raises(EngineError, match="memory of the device gave out on a single piece"):
        make().translate(TEXTS, "en", "fr")


def test_it_goes_to_the_cpu_only_where_that_is_allowed(
    make: Made, little_memory: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    little_memory["room"] = len(MANY)
    whole = make().candidates(TEXTS, "en", "fr")

    def card(_: str) -> str:
        return "cpu:0"

    monkeypatch.setattr("octavia_dag.resources.studio.engine.device_of", card)
    little_memory.update(room=0, card="cpu:0", runs=[])
    with pytest.raises(EngineError, match="memory"):
        make(batch=1).candidates(TEXTS, "en", "fr")
    assert make(batch=1, cpu_fallback=True).candidates(TEXTS, "en", "fr") == whole
    # Once more without what is idle, then refused, and once more, then on the CPU; from there on at once.
    assert little_memory["runs"] == [1, 1, 1, *[1, 1] * len(TEXTS)]
