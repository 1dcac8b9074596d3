"""At risk: a line that differs with its neighbours, a length that is missed, a GPT that works twice, a text cut off.

The weights are random: what is said cannot be heard, but how it is made can be counted and compared with the library.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cloning_synthesizer_contract import CloningSynthesizerContract, Sentence, utterance
from pydantic import PrivateAttr
from sealing import sealed
from tiny_xtts import shrink, tiny_xtts

from octavia_dag.errors import EngineError, ModelError
from octavia_dag.resources.engines import Profile, Samples
from octavia_dag.resources.studio import residency
from octavia_dag.resources.studio.synthesizer import XttsSynthesizer
from octavia_dag.resources.studio.voice_cloner import XttsCloner, unpacked
from octavia_dag.resources.studio.xtts import Loaded
from octavia_dag.resources.studio.xtts_rows import Row, draw_codes, sound_of
from octavia_dag.schema import Span

pytestmark = pytest.mark.studio

HZ = 24000


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    shrink()
    return sealed(tiny_xtts(tmp_path_factory.mktemp("xtts"), stop_bias=0.5))


@pytest.fixture(scope="module")
def synthesizer(weights: str, tmp_path_factory: pytest.TempPathFactory) -> XttsSynthesizer:
    return XttsSynthesizer(models_dir=str(tmp_path_factory.mktemp("models")), weights=weights, device="cpu")


@pytest.fixture(scope="module")
def profiles(synthesizer: XttsSynthesizer) -> tuple[Profile, Profile]:
    cloner = XttsCloner(models_dir=synthesizer.models_dir, weights=synthesizer.weights, device="cpu")
    sounds = [np.random.default_rng(n).normal(0, 0.1, 16000).astype(np.float32) for n in range(2)]
    first, second = (cloner.profile("AB"[n], one, [Span(start=0, end=1)]) for n, one in enumerate(sounds))
    return first, second


@pytest.fixture(scope="module")
def profile(profiles: tuple[Profile, Profile]) -> Profile:
    return profiles[0]


@pytest.fixture(scope="module")
def sentence() -> Sentence:
    return "Olá mundo, isto é um teste.", "pt-BR"


class TestXttsKeepsTheContract(CloningSynthesizerContract):
    """Every claim of the contract."""


@contextmanager
def counted(synthesizer: XttsSynthesizer, monkeypatch: pytest.MonkeyPatch) -> Generator[list[int]]:
    """Batch sizes of the GPT's passes, generating and for latents alike."""
    passes: list[int] = []
    with synthesizer.loaded() as held, monkeypatch.context() as patch:
        gpt: Any = held.model.gpt
        generate, forward = gpt.generate, gpt.forward

        def generating(cond_latents: Any, **more: Any) -> Any:
            passes.append(len(cond_latents))
            return generate(cond_latents, **more)

        def passing(*args: Any, **more: Any) -> Any:
            passes.append(len(args[0]))
            return forward(*args, **more)

        patch.setattr(gpt, "generate", generating)
        patch.setattr(gpt, "forward", passing)
        yield passes


def rows_of(synthesizer: XttsSynthesizer, texts: list[str], people: tuple[Profile, Profile]) -> list[Row]:
    import torch

    with synthesizer.loaded() as held:
        tokens = [tuple(held.model.tokenizer.encode(text, "en")) for text in texts]
    voices = [[torch.from_numpy(one) for one in unpacked(person.clone)[1:]] for person in people]
    return [Row(told, *voices[n % 2], seed=n) for n, told in enumerate(tokens)]


def test_a_batch_has_the_same_codes_as_one_by_one(
    synthesizer: XttsSynthesizer, profiles: tuple[Profile, Profile]
) -> None:
    texts = ["hello world", "world hello", "hello hello", "world world"] * 4
    rows = rows_of(synthesizer, texts, profiles)
    rows = [row for row in rows if len(row.tokens) == len(rows[0].tokens)]
    with synthesizer.loaded() as held:
        together = draw_codes(held.model, rows)
        alone = [draw_codes(held.model, [row])[0] for row in rows]
    assert [one.tolist() for one in together] == [one.tolist() for one in alone]
    assert len({tuple(one.tolist()) for one in alone}) == len(rows), "each says something of its own"
    assert len({len(one) for one in alone}) > 1, "and stops where it stops"


def test_another_seed_draws_other_codes_and_the_global_stream_is_left_alone(
    synthesizer: XttsSynthesizer, profiles: tuple[Profile, Profile]
) -> None:
    import torch

    [row, *_] = rows_of(synthesizer, ["hello world"], profiles)
    state = torch.get_rng_state()
    with synthesizer.loaded() as held:
        drawn = {
            tuple(draw_codes(held.model, [Row(row.tokens, row.latents, row.timbre, n)])[0].tolist()) for n in (1, 2)
        }
    assert len(drawn) == 2
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("speed", [0.85, 0.93, 1.07, 1.2])
def test_an_asked_duration_is_met_without_another_pass(
    synthesizer: XttsSynthesizer, sentence: Sentence, profile: Profile, monkeypatch: pytest.MonkeyPatch, speed: float
) -> None:
    [natural] = synthesizer.speak_all([utterance(sentence, profile)])
    with counted(synthesizer, monkeypatch) as passes:
        [stretched] = synthesizer.speak_all([utterance(sentence, profile, speed=speed)])
    assert passes == []
    assert len(stretched) == pytest.approx(len(natural) / speed, rel=0.02)


@pytest.mark.parametrize("codes", [4, 5, 9, 23])
def test_a_length_is_met_within_the_larger_of_two_percent_and_half_a_frame(
    synthesizer: XttsSynthesizer, codes: int
) -> None:
    """From 0.18 s on; half a frame of the decoder is 128 samples."""
    import torch

    latents, timbre = torch.randn(1, codes, 64), torch.randn(1, 512, 1)
    with synthesizer.loaded() as held:
        natural = len(sound_of(held.model, latents, timbre, 1.0))
        assert natural > 0.18 * HZ
        for speed in np.linspace(0.85, 1.2, 15):
            wanted = natural / speed
            missed = abs(len(sound_of(held.model, latents, timbre, float(speed))) - wanted)
            assert missed <= max(0.02 * wanted, 128), (codes, speed)


TWICE = " ".join(["hello small world and hello small world."] * 2 * 6)


def test_a_text_in_pieces_meets_its_length_too(synthesizer: XttsSynthesizer, profile: Profile) -> None:
    lengths = {
        speed: len(synthesizer.speak_all([utterance((TWICE, "en"), profile, speed=speed)])[0])
        for speed in (1.0, 0.85, 0.95, 1.05, 1.1, 1.2)
    }
    for speed, length in lengths.items():
        assert length == pytest.approx(lengths[1.0] / speed, rel=0.02), speed


def test_the_same_piece_twice_in_a_text_is_spoken_twice(
    synthesizer: XttsSynthesizer, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a stream of its own, or the text would sound like an echo."""
    monkeypatch.setattr("octavia_dag.resources.studio.synthesizer.pieces", lambda text, fits: [text, text])  # pyright: ignore[reportUnknownLambdaType]
    with counted(synthesizer, monkeypatch) as passes:
        synthesizer.speak_all([utterance(("small hello", "en"), profile)])
    assert passes == [2, 1, 1]


def test_no_more_rows_are_spoken_at_once_than_were_asked_for(
    weights: str, synthesizer: XttsSynthesizer, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = XttsSynthesizer(models_dir=synthesizer.models_dir, weights=weights, device="cpu", rows=2)
    with counted(two, monkeypatch) as passes:
        two.speak_all([utterance(("hello", "en"), profile, take=take) for take in range(5)])
    assert passes == [2, 1, 1, 2, 1, 1, 1, 1]


def decoding_to(sound: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is decoded sounds like this."""
    monkeypatch.setattr("octavia_dag.resources.studio.synthesizer.sound_of", lambda *_: sound)  # pyright: ignore[reportUnknownLambdaType]


def test_between_pieces_is_a_pause_and_not_the_silence_around_them(
    synthesizer: XttsSynthesizer, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octavia_dag.resources.studio.synthesizer.pieces", lambda text, fits: [text, text])  # pyright: ignore[reportUnknownLambdaType]
    silence = np.zeros(HZ, np.float32)
    decoding_to(np.concatenate([silence, np.full(HZ, 0.5, np.float32), silence]), monkeypatch)
    [sound] = synthesizer.speak_all([utterance(("hello", "en"), profile)])
    assert len(sound) / HZ == pytest.approx(1 + 0.25 + 1, abs=0.05)


def test_a_line_without_sound_is_a_sentence(
    synthesizer: XttsSynthesizer, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoding_to(np.zeros(HZ, np.float32), monkeypatch)
    with pytest.raises(EngineError, match="gave no sound; check the weights"):
        synthesizer.speak_all([utterance(("hello", "en"), profile)])


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_a_speed_that_is_none_is_a_sentence(synthesizer: XttsSynthesizer, profile: Profile, speed: float) -> None:
    with pytest.raises(EngineError, match="a speed is above 0"):
        synthesizer.speak_all([utterance(("hello", "en"), profile, speed=speed)])


def test_digits_in_a_language_in_which_they_cannot_be_read_aloud_are_a_sentence(
    synthesizer: XttsSynthesizer, profile: Profile
) -> None:
    with pytest.raises(EngineError, match="cannot read digits and signs aloud in hi; write them in words"):
        synthesizer.speak_all([utterance(("1", "hi"), profile)])


@pytest.mark.parametrize("clone", [b"garbage", b"PK\x03\x04garbage"])
def test_a_damaged_clone_is_a_sentence(synthesizer: XttsSynthesizer, profile: Profile, clone: bytes) -> None:
    damaged = profile.model_copy(update={"clone": clone})
    with pytest.raises(EngineError, match="it is damaged; have the voices"):
        synthesizer.speak_all([utterance(("hello", "en"), damaged)])


@pytest.mark.parametrize("said", ["CUDA error: out of memory", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED"])
def test_memory_that_gives_out_on_the_model_is_a_sentence(
    synthesizer: XttsSynthesizer, profile: Profile, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    def full(folder: Path) -> Any:
        raise RuntimeError(said)

    monkeypatch.setattr("octavia_dag.resources.studio.xtts._model", full)
    residency.residents("cpu").drop_idle()
    with pytest.raises(EngineError, match=r"Loading xtts .* memory of the device gave out"):
        synthesizer.speak_all([utterance(("hello", "en"), profile)])


def test_what_was_never_spoken_costs_one_pass_for_all_and_one_for_each(
    synthesizer: XttsSynthesizer, profiles: tuple[Profile, Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [utterance(("test world", "en"), one, take=7) for one in profiles]
    with counted(synthesizer, monkeypatch) as passes:
        synthesizer.speak_all(asked)
    assert passes == [2, 1, 1]


def test_another_take_is_another_sound_and_the_same_take_the_same(
    weights: str, synthesizer: XttsSynthesizer, sentence: Sentence, profile: Profile
) -> None:
    first, second = (synthesizer.speak_all([utterance(sentence, profile, take=take)])[0] for take in (0, 1))
    assert not np.array_equal(first, second)
    fresh = XttsSynthesizer(models_dir=synthesizer.models_dir, weights=weights, device="cpu", rows=1)
    np.testing.assert_array_equal(fresh.speak_all([utterance(sentence, profile, take=1)])[0], second)


def test_at_natural_speed_it_says_what_the_library_says(tmp_path: Path, profile: Profile) -> None:
    """With one code to choose from at each step no stream matters, so the library's own sound is the oracle."""
    weights = sealed(tiny_xtts(tmp_path / "greedy", seed=3, top_k=1))
    engine = XttsSynthesizer(models_dir=str(tmp_path / "models"), weights=weights, device="cpu")
    [ours] = engine.speak_all([utterance(("Hello World", "en"), profile)])
    with engine.loaded() as held:
        import torch

        _, latents, timbre = unpacked(engine_profile(engine, profile).clone)
        told = held.model.config
        theirs = held.model.inference(
            "Hello World", "en", torch.from_numpy(latents), torch.from_numpy(timbre), temperature=told.temperature,
            top_k=1, top_p=told.top_p, repetition_penalty=told.repetition_penalty, length_penalty=told.length_penalty,
        )["wav"]  # fmt: skip
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def engine_profile(engine: XttsSynthesizer, profile: Profile) -> Profile:
    """The same person as the weights of `engine` know them: the engine speaks from the reference sound then."""
    import io

    import soundfile

    sound = np.asarray(soundfile.read(io.BytesIO(profile.reference_wav), dtype="float32")[0], np.float32)
    cloner = XttsCloner(models_dir=engine.models_dir, weights=engine.weights, device="cpu")
    return cloner.profile("A", sound, [Span(start=0, end=len(sound) / 16000)])


class Cramped(XttsSynthesizer):
    """Memory gives out on more than `most` rows at once."""

    most: int = 2

    _asked: list[int] = PrivateAttr(default_factory=list)

    def _spoken(self, some: Any, device: str) -> Any:
        self._asked.append(len(some))
        if len(some) > self.most:
            raise MemoryError
        return super()._spoken(some, device)

    @property
    def asked(self) -> list[int]:
        return self._asked


def test_a_batch_that_does_not_fit_is_halved_and_says_the_same(
    weights: str, synthesizer: XttsSynthesizer, profile: Profile
) -> None:
    asked = [utterance(("hello", "en"), profile, take=take) for take in range(4)]
    cramped = Cramped(models_dir=synthesizer.models_dir, weights=weights, device="cpu")
    found = cramped.speak_all(asked)
    assert cramped.asked == [4, 2, 2]
    for ours, theirs in zip(found, synthesizer.speak_all(asked), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_single_line_that_does_not_fit_is_a_sentence(weights: str, tmp_path: Path, profile: Profile) -> None:
    cramped = Cramped(models_dir=str(tmp_path), weights=weights, device="cpu", most=0)
    with pytest.raises(EngineError, match="Speaking a line: memory of the device gave out"):
        cramped.speak_all([utterance(("hello", "en"), profile)])


class Overflowing(XttsSynthesizer):
    """Its card holds nothing but the model; here the card is the CPU under another name."""

    @property
    def home(self) -> str:
        return "card"

    @contextmanager
    def loaded(self, device: str = "") -> Generator[Loaded]:
        del device
        with super().loaded("cpu") as held:
            yield held

    def _spoken(self, some: Any, device: str) -> Any:
        if device == self.home:
            raise MemoryError
        return super()._spoken(some, device)


def test_the_cpu_helps_out_only_where_it_may(weights: str, synthesizer: XttsSynthesizer, profile: Profile) -> None:
    asked = [utterance(("hello", "en"), profile)]
    told: dict[str, Any] = {"models_dir": synthesizer.models_dir, "weights": weights}
    with pytest.raises(EngineError, match="memory of the device gave out"):
        Overflowing(**told).speak_all(asked)
    [helped] = Overflowing(**told, cpu_fallback=True).speak_all(asked)
    np.testing.assert_array_equal(helped, synthesizer.speak_all(asked)[0])


def test_a_long_text_is_spoken_whole_in_pieces(
    synthesizer: XttsSynthesizer, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    with synthesizer.loaded() as held:
        encode, limit = held.model.tokenizer.encode, held.model.tokenizer.char_limits["en"]

        def encoding(text: str, lang: str) -> list[int]:
            heard.append(text)
            return encode(text, lang=lang)

        monkeypatch.setattr(held.model.tokenizer, "encode", encoding)
        text = "hello small world. " * 20
        sound: Samples = synthesizer.speak_all([utterance((text, "en"), profile)])[0]
    spoken = heard[-2:]
    assert " ".join(spoken) == text.strip()
    assert all(len(one) <= limit for one in spoken)
    assert len(sound) > 0.25 * HZ


def test_a_folder_that_is_no_xtts_is_a_sentence(tmp_path: Path, profile: Profile) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    engine = XttsSynthesizer(models_dir=str(tmp_path), weights=sealed(folder), device="cpu")
    with pytest.raises(ModelError, match=r"there is no model\.pth"):
        engine.speak_all([utterance(("hello", "en"), profile)])


def test_weights_that_changed_since_they_were_sealed_are_refused(tmp_path: Path, profile: Profile) -> None:
    folder = tmp_path / "changed"
    folder.mkdir()
    (folder / "model.pth").write_bytes(b"one")
    reference = sealed(folder)
    (folder / "model.pth").write_bytes(b"two")
    engine = XttsSynthesizer(models_dir=str(tmp_path), weights=reference, device="cpu")
    with pytest.raises(ModelError, match="sha256"):
        engine.speak_all([utterance(("hello", "en"), profile)])


def test_it_is_not_for_sale_and_names_what_is(synthesizer: XttsSynthesizer) -> None:
    [licence] = synthesizer.licences("pt-BR")
    assert (licence.commercial, licence.instead) == (False, "engines.profile studio-commercial")
