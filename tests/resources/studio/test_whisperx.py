"""Whisper base and silero, both real, through whisperx: the words of recordings, whatever the batch."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recordings import noise, regions_of, sound_16k
from tiny_transcriber import whisper_base, whisper_of_noise
from transcriber_contract import Spoken, TranscriberContract

from octavia_dag.dubbing.hearing import accept, hear_text, word_error_rate
from octavia_dag.errors import EngineError, ModelError, SettingsError
from octavia_dag.resources.engine_room import EngineRoom
from octavia_dag.resources.engines import HeardSegment, Samples, Transcriber
from octavia_dag.resources.studio import decoding
from octavia_dag.resources.studio.transcriber import WhisperXTranscriber
from octavia_dag.schema import Span

pytestmark = pytest.mark.studio

RATE_HZ = 16000
ENGLISH_VIDEO = "Good morning, my name is Jordi Mas. I am from Barcelona. And I love this city."
JFK = "And so my fellow Americans, ask not what your country can do for you, ask what you can do for your country."
ENGINE = "octavia_dag.resources.studio.transcriber:WhisperXTranscriber"


@pytest.fixture(scope="module")
def base(models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    return whisper_base(tmp_path_factory.mktemp("weights") / "whisper", models_dir)


@pytest.fixture(scope="module")
def transcriber(models_dir: str, base: str) -> WhisperXTranscriber:
    return WhisperXTranscriber(models_dir=models_dir, weights=base, device="cpu")


@pytest.fixture(scope="module")
def spoken(media_dir: Path, models_dir: str) -> Spoken:
    sound = sound_16k(media_dir / "englishvideo.mp4", models_dir)
    return sound, regions_of(sound), "en"


@pytest.fixture(scope="module")
def dialogue(media_dir: Path, models_dir: str) -> Spoken:
    sound = sound_16k(media_dir / "dialogue" / "dialogue.mp4", models_dir)
    return sound, regions_of(sound), "en"


class TestWhisperXKeepsTheContract(TranscriberContract):
    """Every claim of the contract."""


def believed(transcriber: Transcriber, spoken: Spoken) -> list[HeardSegment]:
    sound, regions, language = spoken
    return accept(transcriber.transcribe(sound, regions, language), regions, clip_s=len(sound) / RATE_HZ)[0]


def with_options(transcriber: WhisperXTranscriber, **options: Any) -> WhisperXTranscriber:
    fields: dict[str, Any] = {name: getattr(transcriber, name) for name in WhisperXTranscriber.model_fields}
    return WhisperXTranscriber(**fields | options)


def test_the_words_of_recordings_are_heard(
    transcriber: WhisperXTranscriber, spoken: Spoken, dialogue: Spoken, media_dir: Path, models_dir: str
) -> None:
    truth = json.loads((media_dir / "dialogue" / "truth.json").read_text(encoding="utf-8"))["segments"]
    jfk = sound_16k(media_dir / "jfk.flac", models_dir)
    assert word_error_rate(ENGLISH_VIDEO, hear_text(believed(transcriber, spoken))) <= 0.10
    assert word_error_rate(" ".join(one["text"] for one in truth), hear_text(believed(transcriber, dialogue))) <= 0.05
    assert word_error_rate(JFK, hear_text(believed(transcriber, (jfk, regions_of(jfk), "en")))) <= 0.05


def test_a_batch_hears_what_is_heard_one_by_one(transcriber: WhisperXTranscriber, dialogue: Spoken) -> None:
    """37 s are two windows, of different length."""
    one_by_one = with_options(transcriber, batch=1, beam=1).transcribe(*dialogue)
    assert one_by_one
    assert with_options(transcriber, beam=1).transcribe(*dialogue) == one_by_one


def test_a_quarter_of_an_hour_is_heard_in_as_few_batches_as_hold_its_windows(
    transcriber: WhisperXTranscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def decode(_pipeline: object, sounds: list[Samples], _language: str, **_: object) -> list[decoding.Decoded]:
        sizes.append(len(sounds))
        word = decoding.SaidWord(" word", 0.5, len(sounds[0]) / RATE_HZ, 0.9)
        return [decoding.Decoded((word,), 0.01)] * len(sounds)

    monkeypatch.setattr("octavia_dag.resources.studio.transcriber.decode", decode)
    regions = [Span(start=start, end=start + 26.0) for start in range(0, 900, 30)]
    transcriber.transcribe(np.zeros(900 * RATE_HZ, np.float32), regions, "en")
    assert sizes == [16, 14]


def test_where_memory_gives_out_half_as_many_windows_are_heard_at_once(
    transcriber: WhisperXTranscriber, dialogue: Spoken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The card is simulated: it holds one window, and says so as CTranslate2 does."""
    greedy = with_options(transcriber, beam=1)
    whole = greedy.transcribe(*dialogue)
    real, sizes = decoding.features_of, list[int]()

    def features(model: object, sounds: list[Samples]) -> object:
        sizes.append(len(sounds))
        if len(sounds) > 1:
            raise RuntimeError("CUDA failed with error out of memory")
        return real(model, sounds)

    monkeypatch.setattr(decoding, "features_of", features)
    assert greedy.transcribe(*dialogue) == whole
    assert sizes[:3] == [2, 1, 1]


def test_a_window_that_does_not_fit_alone_is_a_sentence(
    transcriber: WhisperXTranscriber, spoken: Spoken, monkeypatch: pytest.MonkeyPatch
) -> None:
    def features(_model: object, _sounds: list[Samples]) -> object:
        raise RuntimeError("CUDA failed with error out of memory")

    monkeypatch.setattr(decoding, "features_of", features)
    with pytest.raises(EngineError, match=r"Hearing a window of 30 s: memory of the device gave out"):
        transcriber.transcribe(*spoken)


def test_what_the_card_cannot_hold_goes_to_the_cpu_only_where_it_may(
    transcriber: WhisperXTranscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card is simulated that holds pieces of one, not of two."""
    monkeypatch.setattr(WhisperXTranscriber, "home", "cuda")

    def run(batch: Sequence[int], device: str) -> list[str]:
        if device == "cuda" and sum(batch) > 1:
            raise MemoryError
        return [device for _ in batch]

    helped = with_options(transcriber, cpu_fallback=True)
    assert helped.fitting([1, 2, 1], run, 3, "Hearing") == ["cuda", "cpu", "cuda"]
    with pytest.raises(EngineError, match="Hearing: memory of the device gave out"):
        transcriber.fitting([1, 2, 1], run, 3, "Hearing")


def test_what_is_said_outside_of_the_regions_is_not_heard(transcriber: WhisperXTranscriber, spoken: Spoken) -> None:
    sound, _, language = spoken
    only = [Span(start=5.2, end=6.7)]
    heard = transcriber.transcribe(sound, only, language)
    assert word_error_rate("I am from Barcelona", hear_text(heard)) == 0
    assert all(5.2 <= word.start < word.end <= 6.7 for one in heard for word in one.words)


def test_a_region_longer_than_a_window_loses_no_word(transcriber: WhisperXTranscriber, dialogue: Spoken) -> None:
    """As one region of 37 s it is parted where silero hears that nobody speaks."""
    sound, regions, language = dialogue
    whole = [Span(start=regions[0].start, end=regions[-1].end)]
    assert whole[0].seconds > 27
    apart = hear_text(transcriber.transcribe(sound, regions, language))
    assert word_error_rate(apart, hear_text(transcriber.transcribe(sound, whole, language))) <= 0.03


@pytest.mark.parametrize("name", ["tone_no_speech.mp4", "dialogue/music.flac", "pink"])
def test_what_it_invents_where_nobody_speaks_is_refused_by_the_gates(
    transcriber: WhisperXTranscriber, media_dir: Path, models_dir: str, name: str
) -> None:
    sound = noise(name, 5) if name == "pink" else sound_16k(media_dir / name, models_dir)[: 5 * RATE_HZ]
    everything = (sound, [Span(start=0, end=len(sound) / RATE_HZ)], "en")
    assert transcriber.transcribe(*everything)
    assert believed(transcriber, everything) == []


def test_speech_is_told_from_noise_by_the_figures_that_the_gates_read(
    transcriber: WhisperXTranscriber, spoken: Spoken
) -> None:
    pink = noise("pink", 5)
    speech = transcriber.transcribe(*spoken)
    invented = transcriber.transcribe(pink, [Span(start=0, end=5)], "en")
    assert min(one.mean_logprob for one in speech) > max(one.mean_logprob for one in invented)
    assert max(one.no_speech for one in speech) < min(one.no_speech for one in invented)
    assert all(0 < one.compression < 2.4 for one in speech)


def test_hot_words_spell_a_name_as_it_is_written(transcriber: WhisperXTranscriber, spoken: Spoken) -> None:
    plain = hear_text(transcriber.transcribe(*spoken))
    expecting = transcriber.expecting(["Jordy Mass"])
    assert "Jordy Mass" not in plain
    assert "Jordy Mass" in hear_text(expecting.transcribe(*spoken))
    assert expecting.info().revision != transcriber.info().revision


def test_more_hot_words_than_whisper_holds_are_refused(transcriber: WhisperXTranscriber, spoken: Spoken) -> None:
    many = ", ".join(f"Barcelona{number}" for number in range(200))
    with pytest.raises(SettingsError, match=r"transcription.options.hotwords: they are \d+ tokens long"):
        with_options(transcriber, hotwords=many).transcribe(*spoken)


def test_an_unknown_language_is_refused_by_name(transcriber: WhisperXTranscriber, spoken: Spoken) -> None:
    with pytest.raises(SettingsError, match=r"Klingon.*knows af, am"):
        transcriber.transcribe(spoken[0], spoken[1], "Klingon")


def test_the_language_of_nothing_is_refused(transcriber: WhisperXTranscriber) -> None:
    with pytest.raises(EngineError, match="empty"):
        transcriber.detect_language(np.zeros(0, np.float32))


def test_accented_speech_is_told_by_what_is_heard(transcriber: WhisperXTranscriber, spoken: Spoken) -> None:
    language, probability = transcriber.detect_language(spoken[0])
    assert language == "en"
    assert probability > 0.5


def test_weights_that_are_not_those_asked_for_are_refused(models_dir: str, base: str, spoken: Spoken) -> None:
    other = WhisperXTranscriber(models_dir=models_dir, weights=f"{base}#sha256={'0' * 64}", device="cpu")
    with pytest.raises(ModelError, match="was asked for"):
        other.transcribe(*spoken)


def test_weights_that_are_not_there_are_a_sentence_that_says_how_to_get_them(tmp_path: Path, spoken: Spoken) -> None:
    absent = WhisperXTranscriber(models_dir=str(tmp_path), device="cpu")
    with pytest.raises(ModelError, match="octavia models pull mobiuslabsgmbh/faster-whisper-large-v3-turbo@main"):
        absent.transcribe(*spoken)


def test_a_folder_without_a_model_is_a_sentence(models_dir: str, tmp_path: Path, spoken: Spoken) -> None:
    broken = WhisperXTranscriber(
        models_dir=models_dir, weights=whisper_of_noise(tmp_path / "w", models_dir), device="cpu"
    )
    with pytest.raises(ModelError, match="cannot be loaded"):
        broken.transcribe(*spoken)


def test_options_reach_it_from_the_settings_and_change_its_revision(models_dir: str, base: str) -> None:
    room = EngineRoom(models_dir=models_dir, device="cpu")
    plain = room.get(Transcriber, ENGINE, {"weights": base})
    for option in ({"beam": "1"}, {"compute_type": "float32"}, {"hotwords": "Barcelona"}):
        assert room.get(Transcriber, ENGINE, {"weights": base, **option}).info().revision != plain.info().revision
    assert room.get(Transcriber, ENGINE, {"weights": base, "batch": "2"}).info().revision == plain.info().revision


def test_a_wrong_option_is_refused(models_dir: str, base: str) -> None:
    room = EngineRoom(models_dir=models_dir, device="cpu")
    with pytest.raises(SettingsError, match="option batch"):
        room.get(Transcriber, ENGINE, {"weights": base, "batch": "0"})
    with pytest.raises(SettingsError, match="option aligners"):
        room.get(Transcriber, ENGINE, {"weights": base, "aligners": "some"})


def test_the_library_says_nothing_on_the_commands_output(
    transcriber: WhisperXTranscriber, spoken: Spoken, capfd: pytest.CaptureFixture[str]
) -> None:
    other = with_options(transcriber, compute_type="float32")  # loads anew
    other.transcribe(*spoken)
    assert capfd.readouterr().out == ""


def test_torch_keeps_its_threads_beside_silero(transcriber: WhisperXTranscriber, spoken: Spoken) -> None:
    import torch

    transcriber.transcribe(*spoken)
    assert "silero_vad" in sys.modules
    assert torch.get_num_threads() > 1
