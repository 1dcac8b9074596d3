"""At risk: a line heard wrong that stays so, one spoken for ever, a batch that is none, a stretch that speaks anew."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from cloning_fakes import FakeCloning
from cloning_synthesizer_contract import CloningSynthesizerContract, Sentence, utterance
from octavia_fakes import FakeCondenser, FakeSynthesizer, FakeTranscriber
from pydantic import PrivateAttr

from octavia_dag.resources import booth
from octavia_dag.resources.engines import HeardSegment, Profile, Samples
from octavia_dag.resources.line_store import LineStore
from octavia_dag.resources.media import Media
from octavia_dag.resources.speaking import speak_lines
from octavia_dag.resources.takes import Takes
from octavia_dag.schema import Casting, DubbedChunks, Line, Role, Span, Transcript, TranslatedLine, Translation, Word
from octavia_dag.settings import Sync, Synthesis

TEXT = "alpha bravo charlie delta"


class Ear(FakeTranscriber):
    """Hears what it was told to hear, one thing after the other, and the last one for ever."""

    _hears: list[str] = PrivateAttr(default_factory=list)
    _heard: list[Samples] = PrivateAttr(default_factory=list)

    def told(self, *texts: str) -> "Ear":
        self._hears = list(texts)
        return self

    @property
    def heard(self) -> list[Samples]:
        return self._heard

    def transcribe(self, sound: Samples, regions: Sequence[Span], language: str) -> list[HeardSegment]:
        text = self._hears.pop(0) if len(self._hears) > 1 else self._hears[0]
        self._heard.append(sound)
        start, end = regions[0].start, regions[0].end
        words = tuple(Word(start=start, end=end, text=word) for word in text.split())
        return [
            HeardSegment(
                start=start, end=end, text=text, words=words, mean_logprob=-0.1, no_speech=0.0, compression=1.0
            )
        ]


@pytest.fixture
def synthesizer() -> FakeCloning:
    return FakeCloning()


@pytest.fixture(scope="module")
def sentence() -> Sentence:
    return TEXT, "pt-BR"


@pytest.fixture(scope="module")
def profile() -> Profile:
    return person("A")


def person(speaker: str) -> Profile:
    return Profile(
        speaker=speaker, segments=(), embedding=(1.0,), pitch_hz=120.0, voice_class="male",
        reference_wav=speaker.encode() * 40,
    )  # fmt: skip


class TestTheFakeKeepsTheContract(CloningSynthesizerContract):
    """Every claim of the contract."""


def spoken_with(ear: Ear, synthesizer: FakeCloning, sentence: Sentence, profile: Profile, folder: Path) -> Samples:
    takes = Takes(synthesizer, LineStore(folder), "1", reuse=True, ear=ear)
    _, sound, made = takes.get(utterance(sentence, profile), "")
    assert made
    return sound


def take_in(sound: Samples, profile: Profile) -> int:
    """Which take a sound of the fake is: its first tone tells."""
    from cloning_fakes import HZ, pitch_of

    part = sound[int(0.01 * HZ) : int(0.04 * HZ)]
    loudest = np.abs(np.fft.rfft(part, HZ)).argmax()
    return round(float(loudest) / pitch_of(profile)) - 2


@pytest.mark.parametrize(
    ("heard", "takes", "kept"),
    [
        ([TEXT], 1, 0),
        (["alpha bravo charlie"], 1, 0),  # a word of four: under the limit
        (["nothing like it", TEXT], 2, 1),
        (["nothing like it", "alpha bravo no no", "wrong again altogether"], 3, 1),
        (["no no no no", "no no no no", TEXT], 3, 2),
        (["no no no no"], 3, 0),
    ],
)
def test_a_line_heard_wrong_is_spoken_again_twice_at_most_and_the_best_take_is_kept(
    synthesizer: FakeCloning,
    sentence: Sentence,
    profile: Profile,
    tmp_path: Path,
    heard: list[str],
    takes: int,
    kept: int,
) -> None:
    ear = Ear().told(*heard)
    sound = spoken_with(ear, synthesizer, sentence, profile, tmp_path)
    assert (len(ear.heard), take_in(sound, profile)) == (takes, kept)


def test_the_take_that_was_heard_right_is_the_one_that_is_stretched(
    synthesizer: FakeCloning, sentence: Sentence, profile: Profile, tmp_path: Path
) -> None:
    ear = Ear().told("no no no no", TEXT)
    takes = Takes(synthesizer, LineStore(tmp_path), "1", reuse=True, ear=ear)
    takes.get(utterance(sentence, profile), "")
    _, sound, _ = takes.get(utterance(sentence, profile, speed=1.1), "")
    assert (len(ear.heard), take_in(sound, profile)) == (2, 1)


def test_an_engine_that_does_not_sample_is_not_listened_to(
    tmp_path: Path, sentence: Sentence, profile: Profile
) -> None:
    ear = Ear().told("no no no no")
    plain = FakeSynthesizer()
    asked = utterance(sentence, profile).model_copy(update={"voice": plain.voices("pt-BR")[0]})
    Takes(plain, LineStore(tmp_path), "1", reuse=True, ear=ear).get(asked, "")
    assert ear.heard == []


def test_what_was_spoken_ahead_is_spoken_once_and_counts_as_made_once(
    synthesizer: FakeCloning, profile: Profile, tmp_path: Path
) -> None:
    takes = Takes(synthesizer, LineStore(tmp_path), "1", reuse=False)
    asked = [utterance((text, "pt-BR"), profile) for text in ("alpha", "bravo charlie", "alpha")]
    takes.ahead([(one, "") for one in asked])
    assert synthesizer.batches == [2], "equal lines are one"
    assert [takes.get(one, "")[2] for one in asked[:2]] == [True, True]
    assert synthesizer.batches == [2]


def dub(folder: Path, synthesizer: FakeCloning, texts: Sequence[str], models_dir: str) -> tuple[DubbedChunks, int]:
    folder.mkdir(exist_ok=True)
    people = {f"cloned:{who}": person(who) for who in "AB"}
    originals = [
        Line(id=f"L{n}", speaker="AB"[n % 2], start=3.0 * n, end=3.0 * n + 2, text="original")
        for n in range(len(texts))
    ]
    lines = tuple(
        TranslatedLine(id=o.id, speaker=o.speaker, text=text, full_text=text, predicted_seconds=0, length_ratio=1)
        for o, text in zip(originals, texts, strict=True)
    )
    voices = [utterance(("", "en"), one).voice for one in people.values()]
    return speak_lines(
        Translation(source="en", target="pt-BR", engine="fake", lines=lines),
        Casting(roles=tuple(Role(speaker=s, voice=v) for s, v in zip("AB", voices, strict=True)), cloned=True),
        Transcript(language="en", lines=tuple(originals)),
        synthesizer=synthesizer, condenser=FakeCondenser(), media=Media(models_dir=models_dir),
        synthesis=Synthesis(), sync=Sync(), glossary={}, version="1", threads=2, folder=folder,
        store=LineStore(folder / "store"), profiles=people,
    )  # fmt: skip


def test_the_lines_of_a_dub_are_spoken_in_batches_by_whoever_says_them(
    synthesizer: FakeCloning, models_dir: str, tmp_path: Path
) -> None:
    texts = [f"alpha bravo charlie delta number{n}" for n in range(6)]
    document, made = dub(tmp_path, synthesizer, texts, models_dir)
    assert made == 6
    assert [size for size in synthesizer.batches if size > 1] == [4, 2]
    assert [line.voice for line in document.lines] == ["cloned:A", "cloned:B"] * 3
    again, made = dub(tmp_path, synthesizer, texts, models_dir)
    assert (made, again.lines) == (0, document.lines)


def test_a_length_that_was_predicted_wrongly_is_stretched_and_not_filtered(
    synthesizer: FakeCloning, models_dir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fake says this in 2.27 s, predicted are 1.88, and the original took 2."""

    def filtered(*_: object) -> Samples:
        raise AssertionError("a tempo filter was used")

    monkeypatch.setattr(booth, "at_tempo", filtered)
    document, _ = dub(tmp_path, synthesizer, ["bcdfg " * 6], models_dir)
    [line] = document.lines
    assert synthesizer.batches == [1, 1], "once as predicted, once stretched"
    assert 1.05 < line.rate <= 1.2
    assert line.natural_seconds == pytest.approx(2.27, rel=0.02)
