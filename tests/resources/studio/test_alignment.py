"""A wav2vec2 reads letters off the sound: many windows at once as one by one, and every word inside its region."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recordings import regions_of, sound_16k
from tiny_transcriber import tiny_aligner, whisper_base
from transcriber_contract import Spoken

from octavia_dag.errors import ModelError, SettingsError
from octavia_dag.resources.engines import Samples
from octavia_dag.resources.licences import refuse_forbidden
from octavia_dag.resources.studio import alignment
from octavia_dag.resources.studio.decoding import SaidWord
from octavia_dag.resources.studio.transcriber import WhisperXTranscriber

pytestmark = pytest.mark.studio

RATE_HZ = 16000
PLACE = "transcription.engine"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_aligner(tmp_path_factory.mktemp("weights") / "layer", norm="layer")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_aligner(tmp_path_factory.mktemp("weights") / "group", norm="group")


@pytest.fixture(scope="module")
def base(models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    return whisper_base(tmp_path_factory.mktemp("weights") / "whisper", models_dir)


@pytest.fixture(scope="module")
def spoken(media_dir: Path, models_dir: str) -> Spoken:
    sound = sound_16k(media_dir / "englishvideo.mp4", models_dir)
    return sound, regions_of(sound), "en"


def cuts(spoken: Spoken) -> list[Samples]:
    """Pieces of a recording, all of different length."""
    return [spoken[0][: round(seconds * RATE_HZ)] for seconds in (1.3, 4.05, 2.5, 0.7)]


def test_a_padded_batch_reads_the_letters_that_are_read_one_by_one(large: str, spoken: Spoken) -> None:
    aligner = alignment.load_aligner(Path(large), "en", "cpu")
    assert aligner.together
    for alone, together in zip(
        [alignment.read_letters(aligner, [one])[0] for one in cuts(spoken)],
        alignment.read_letters(aligner, cuts(spoken)),
        strict=True,
    ):
        assert alone.shape == together.shape
        assert float((alone - together).abs().max()) < 1e-4


def test_a_model_that_hears_its_padding_is_not_given_any(
    small: str, models_dir: str, base: str, spoken: Spoken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first layer normalizes over all of the sound: padded, it reads something else."""
    aligner = alignment.load_aligner(Path(small), "en", "cpu")
    alone, padded = alignment.read_letters(aligner, cuts(spoken)[:1])[0], alignment.read_letters(aligner, cuts(spoken))
    assert float((alone - padded[0]).abs().max()) > 1e-3
    assert not aligner.together
    sizes: list[int] = []

    def read_letters(aligner: alignment.Aligner, sounds: list[Samples]) -> list[Any]:
        sizes.append(len(sounds))
        return alignment.read_letters(aligner, sounds)

    monkeypatch.setattr("octavia_dag.resources.studio.transcriber.read_letters", read_letters)
    WhisperXTranscriber(models_dir=models_dir, weights=base, device="cpu", aligner_weights=f"en={small}").transcribe(
        *spoken
    )
    assert set(sizes) == {1}


class Letters:
    """A model that is surely right: 100 frames a second, each letter read where it is said, nothing between."""

    def __init__(self) -> None:
        self.letters = {sign: place for place, sign in enumerate(["<pad>", "|", *"abcdefghijklmnopqrstuvwxyz"])}

    def aligner(self) -> alignment.Aligner:
        return alignment.Aligner(None, None, self.letters, 0, "cpu")

    def read(self, said: dict[int, str], frames: int) -> Any:
        import torch

        found = torch.full((frames, len(self.letters)), -9.0)
        found[:, 0] = -0.01
        for frame, letter in said.items():
            found[frame, 0], found[frame, self.letters[letter]] = -9.0, -0.01
        return found


def test_words_are_put_where_their_letters_are_read() -> None:
    letters = Letters()
    read = letters.read({30: "n", 34: "o", 40: "|", 120: "w", 125: "a", 131: "y"}, 200)
    words = [SaidWord(" No", 0.0, 1.0, 0.9), SaidWord(" way.", 1.0, 2.0, 0.8)]
    first, second = alignment.align_words(letters.aligner(), words, read, 2.0)
    assert (first.start, second.start) == pytest.approx((0.30, 1.20), abs=0.011)
    assert 0.34 <= first.end <= 0.41
    assert 1.31 <= second.end <= 1.33
    assert [one.probability for one in (first, second)] == [0.9, 0.8]


def test_a_number_is_found_between_its_neighbours() -> None:
    letters = Letters()
    read = letters.read({30: "n", 34: "o", 40: "|", 60: "x", 70: "|", 120: "w", 125: "a", 131: "y"}, 200)
    words = [SaidWord(" No", 0, 1, 0.9), SaidWord(" 7", 1, 1, 0.9), SaidWord(" way", 1, 2, 0.8)]
    number = alignment.align_words(letters.aligner(), words, read, 2.0)[1]
    assert 0.40 <= number.start <= number.end <= 1.20


def test_a_word_without_a_letter_keeps_its_time() -> None:
    letters = Letters()
    words = [SaidWord(" no", 0.0, 1.0, 0.9), SaidWord(" \u2014", 1.4, 1.5, 0.5)]
    assert alignment.align_words(letters.aligner(), words, letters.read({30: "n", 34: "o"}, 200), 2.0)[1] == words[1]


def test_more_letters_than_frames_leave_the_words_as_they_were() -> None:
    letters = Letters()
    words = [SaidWord(" nononono", 0.0, 0.05, 0.9)]
    assert alignment.align_words(letters.aligner(), words, letters.read({}, 5), 0.05) == words


def test_aligned_words_are_the_same_words_inside_their_regions(
    large: str, models_dir: str, base: str, spoken: Spoken
) -> None:
    sound, regions, language = spoken
    plain = WhisperXTranscriber(models_dir=models_dir, weights=base, device="cpu")
    aligned = WhisperXTranscriber(models_dir=models_dir, weights=base, device="cpu", aligner_weights=f"en={large}")
    before, after = plain.transcribe(sound, regions, language), aligned.transcribe(sound, regions, language)
    words = [word for one in after for word in one.words]
    assert sorted(word.text for word in words) == sorted(word.text for one in before for word in one.words)
    for word in words:
        assert any(region.start <= word.start <= word.end <= region.end for region in regions)


def test_aligned_words_have_the_aligners_times(
    large: str, models_dir: str, base: str, spoken: Spoken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An aligner that hears everything 0.2 s earlier moves every word that nothing holds back."""

    def earlier(_: Any, words: list[SaidWord], *_rest: Any) -> list[SaidWord]:
        return [replace(word, start=max(0.0, word.start - 0.2), end=max(0.1, word.end - 0.2)) for word in words]

    plain = WhisperXTranscriber(models_dir=models_dir, weights=base, device="cpu")
    aligned = WhisperXTranscriber(models_dir=models_dir, weights=base, device="cpu", aligner_weights=f"en={large}")
    before = [word for one in plain.transcribe(*spoken) for word in one.words]
    monkeypatch.setattr("octavia_dag.resources.studio.transcriber.align_words", earlier)
    after = [word for one in aligned.transcribe(*spoken) for word in one.words]
    assert float(np.median([a.end - b.end for a, b in zip(before, after, strict=True)])) == pytest.approx(0.2, abs=0.02)


def test_the_revision_says_which_languages_are_aligned(large: str, models_dir: str, base: str) -> None:
    plain = WhisperXTranscriber(models_dir=models_dir, weights=base, device="cpu")
    aligned = WhisperXTranscriber(models_dir=models_dir, weights=base, device="cpu", aligner_weights=f"en={large}")
    assert "words timed by whisper" in plain.info().revision
    assert "aligned en " in aligned.info().revision


def test_an_aligner_that_the_settings_name_must_be_there(models_dir: str, base: str, spoken: Spoken) -> None:
    named = WhisperXTranscriber(
        models_dir=models_dir, weights=base, device="cpu", aligner_weights="en=/nowhere/aligner"
    )
    assert any("/nowhere/aligner" in sentence for sentence in named.missing())
    with pytest.raises(ModelError, match="octavia models seal /nowhere/aligner"):
        named.transcribe(*spoken)


def test_a_folder_that_holds_no_aligner_is_a_sentence(models_dir: str, base: str, spoken: Spoken) -> None:
    wrong = WhisperXTranscriber(models_dir=models_dir, weights=base, device="cpu", aligner_weights=f"en={base}")
    with pytest.raises(ModelError, match="Wav2Vec2ForCTC"):
        wrong.transcribe(*spoken)


@pytest.mark.parametrize("named", ["/folder", "xx=/folder", "en=folder"])
def test_aligners_that_are_not_named_by_language_are_refused(models_dir: str, named: str) -> None:
    with pytest.raises(SettingsError):
        WhisperXTranscriber(models_dir=models_dir, aligner_weights=named).info()


@pytest.mark.parametrize("language", ["fr", "de", "es", "it"])
def test_an_aligner_that_may_not_be_sold_is_refused_with_the_one_that_may(models_dir: str, language: str) -> None:
    engine = WhisperXTranscriber(models_dir=models_dir)
    with pytest.raises(SettingsError, match=r"voxpopuli.*CC-BY-NC-4.0.*xlsr-53-.*aligners: permitted"):
        refuse_forbidden(engine, PLACE, "commercial", language)
    refuse_forbidden(WhisperXTranscriber(models_dir=models_dir, aligners="permitted"), PLACE, "commercial", language)
    refuse_forbidden(engine, PLACE, "research", language)


def test_a_forbidden_aligner_is_refused_also_where_the_settings_name_it(models_dir: str) -> None:
    named = "fr=facebook/wav2vec2-base-10k-voxpopuli-ft-fr@main"
    engine = WhisperXTranscriber(models_dir=models_dir, aligners="permitted", aligner_weights=named)
    with pytest.raises(SettingsError, match=r"CC-BY-NC"):
        refuse_forbidden(engine, PLACE, "commercial", "fr")


def test_every_part_has_its_licence(models_dir: str) -> None:
    told = {one.part: one.name for one in WhisperXTranscriber(models_dir=models_dir).licences("en-GB")}
    assert told == {
        "whisper (mobiuslabsgmbh/faster-whisper-large-v3-turbo@main)": "MIT",
        "whisperx": "BSD-2-Clause",
        "silero-vad": "MIT",
        "the aligner facebook/wav2vec2-base-960h": "Apache-2.0",
    }


def test_a_language_without_an_aligner_has_no_licence_of_one(models_dir: str) -> None:
    engine = WhisperXTranscriber(models_dir=models_dir)
    assert engine.licences("sw") == engine.licences()


def test_silence_has_no_word_to_align(large: str, models_dir: str, base: str) -> None:
    engine = WhisperXTranscriber(models_dir=models_dir, weights=base, device="cpu", aligner_weights=f"en={large}")
    assert engine.transcribe(np.zeros(RATE_HZ, np.float32), [], "en") == []
