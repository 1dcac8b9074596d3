"""At risk: a bed that speaks, a comb filter from an uncompensated delay, and memory that grows with the length."""

import json
import subprocess
import sys
from pathlib import Path

import jiwer
import numpy as np
import pytest
import soundfile
import soxr
from separator_contract import SeparatorContract, background_of, bed

from octavia_dag.errors import EngineError
from octavia_dag.resources.embedded import deepfilter
from octavia_dag.resources.embedded.deepfilter import DELAY, FRAME, VoiceStream
from octavia_dag.resources.embedded.separator import DeepFilterSeparator
from octavia_dag.resources.engines import Samples
from octavia_dag.resources.models import model_dir
from octavia_dag.resources.stopwatch import intervals

RATE_HZ = 48_000


@pytest.fixture(scope="module")
def separator(models_dir: str) -> DeepFilterSeparator:
    return DeepFilterSeparator(models_dir=models_dir)


class Dialogue:
    """dialogue/: the mix with its truth, and what the engine makes of it."""

    def __init__(self, folder: Path, separator: DeepFilterSeparator) -> None:
        self.mix, self.music, self.speech = (read(folder / f"{name}.flac") for name in ("mix", "music", "speech"))
        turns = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["segments"]
        self.text = " ".join(turn["text"] for turn in turns)
        self.speaking = np.zeros(len(self.mix), np.bool_)
        for turn in turns:
            self.speaking[int(turn["start"] * RATE_HZ) : int(turn["end"] * RATE_HZ)] = True
        self.background = background_of(separator, self.mix, RATE_HZ)


@pytest.fixture(scope="module")
def dialogue(media_dir: Path, separator: DeepFilterSeparator) -> Dialogue:
    return Dialogue(media_dir / "dialogue", separator)


def read(path: Path) -> Samples:
    return np.asarray(soundfile.read(str(path), dtype="float32", always_2d=True)[0], np.float32)


def level_db(sound: Samples) -> float:
    return float(10 * np.log10(np.mean(np.square(sound, dtype=np.float64)) + 1e-20))


def si_sdr_db(estimate: Samples, truth: Samples) -> float:
    found, wanted = estimate.ravel().astype(np.float64), truth.ravel().astype(np.float64)
    target = wanted * (found @ wanted) / (wanted @ wanted)
    return float(10 * np.log10(np.sum(target**2) / np.sum((found - target) ** 2)))


def words(text: str) -> str:
    return " ".join("".join(sign if sign.isalnum() else " " for sign in text.lower()).split())


def heard(sound: Samples, models_dir: str) -> str:
    from faster_whisper import WhisperModel

    whisper = WhisperModel(str(model_dir(models_dir, "whisper-base")), device="cpu", compute_type="int8")
    mono = soxr.resample(sound.mean(axis=1), RATE_HZ, 16_000).astype(np.float32)
    segments, _ = whisper.transcribe(mono, language="en", beam_size=5, vad_filter=False)
    return words(" ".join(segment.text for segment in segments))


class TestDeepFilterSeparator(SeparatorContract):
    """The contract, on the real engine."""


@pytest.mark.parametrize(("rate", "frames"), [(88_200, 8), (96_000, 1), (192_000, 1), (192_000, 2)])
def test_a_sample_lost_or_gained_in_resampling_is_made_up_for(
    separator: DeepFilterSeparator, rate: int, frames: int
) -> None:
    sound = bed(0.1, rate, 2)[:frames]
    assert background_of(separator, sound, rate).shape == sound.shape


def test_at_most_one_word_in_twenty_is_understood_in_the_background(dialogue: Dialogue, models_dir: str) -> None:
    found = heard(dialogue.background, models_dir)
    hits = jiwer.process_words(words(dialogue.text), found).hits if found else 0
    assert hits <= 0.05 * len(words(dialogue.text).split())


def test_the_music_keeps_its_level_and_shape_under_speech(dialogue: Dialogue) -> None:
    made, true = dialogue.background[dialogue.speaking], dialogue.music[dialogue.speaking]
    assert abs(level_db(made) - level_db(true)) < 0.5
    assert si_sdr_db(made, true) >= 6.5
    assert si_sdr_db((dialogue.mix - dialogue.background)[dialogue.speaking], dialogue.speech[dialogue.speaking]) >= 11


def test_music_alone_passes_untouched(dialogue: Dialogue) -> None:
    made, true = dialogue.background[: 4 * RATE_HZ], dialogue.music[: 4 * RATE_HZ]
    assert abs(level_db(made) - level_db(true)) < 0.01
    assert np.corrcoef(made.ravel(), true.ravel())[0, 1] > 0.9999


def test_the_width_of_the_music_is_kept_under_a_voice_in_the_middle(dialogue: Dialogue) -> None:
    def side(sound: Samples) -> Samples:
        return (sound[:, 0] - sound[:, 1])[dialogue.speaking]

    assert abs(level_db(side(dialogue.background)) - level_db(side(dialogue.music))) < 1.5


def test_a_voice_on_one_side_is_removed_there(dialogue: Dialogue, separator: DeepFilterSeparator) -> None:
    part = slice(0, 16 * RATE_HZ)
    speaking, music = dialogue.speaking[part], dialogue.music[part]
    mix = (music + dialogue.speech[part] * [1.4, 0]).astype(np.float32)
    made = background_of(separator, mix, RATE_HZ)
    assert abs(level_db(made[speaking]) - level_db(music[speaking])) < 1
    assert si_sdr_db(made[speaking], music[speaking]) > 8


def test_in_surround_the_centre_loses_its_voice_and_the_rest_keeps_everything(
    dialogue: Dialogue, separator: DeepFilterSeparator
) -> None:
    part = slice(4 * RATE_HZ, 16 * RATE_HZ)
    music, speech = dialogue.music[part], dialogue.speech[part, :1]
    bed_51 = np.hstack([music, music[:, :1] * 0.1, music[:, :1], music]).astype(np.float32)
    mix = bed_51.copy()
    mix[:, 2:3] += speech
    made = background_of(separator, mix, RATE_HZ)
    assert level_db(made[:, 2]) < level_db(mix[:, 2]) - 12
    np.testing.assert_array_equal(made[:, 3:], mix[:, 3:])
    assert si_sdr_db(made[:, :2], bed_51[:, :2]) > 30


def test_surrounds_that_carry_the_voice_lose_it_too(dialogue: Dialogue, separator: DeepFilterSeparator) -> None:
    part = slice(4 * RATE_HZ, 12 * RATE_HZ)
    mix = np.zeros((8 * RATE_HZ, 6), np.float32)
    mix[:, 2:3] = dialogue.speech[part, :1]
    mix[:, 4:5] = 0.5 * dialogue.speech[part, :1]
    made = background_of(separator, mix, RATE_HZ)
    assert level_db(made[:, 4]) < level_db(mix[:, 4]) - 12


def test_the_answer_of_the_network_is_as_late_as_the_delay_says(dialogue: Dialogue, models_dir: str) -> None:
    speech = np.ascontiguousarray(dialogue.speech[4 * RATE_HZ : 9 * RATE_HZ, 0])
    with VoiceStream(model_dir(models_dir, "deepfilternet3")) as stream:
        voice = stream.feed(speech)
    lags = range(DELAY - 4, DELAY + 5)
    likeness = [float(voice[lag:] @ speech[: len(speech) - lag]) for lag in lags]
    assert lags[int(np.argmax(likeness))] == DELAY


def test_two_streams_do_not_know_of_each_other(models_dir: str) -> None:
    folder = model_dir(models_dir, "deepfilternet3")
    sound = bed(1.0, RATE_HZ, 2)
    with VoiceStream(folder) as alone:
        expected = alone.feed(sound[:, 0])
    with VoiceStream(folder) as one, VoiceStream(folder) as other:
        made = [
            (one.feed(sound[i : i + FRAME, 0]), other.feed(sound[i : i + FRAME, 1]))[0]
            for i in range(0, len(sound), FRAME)
        ]
    np.testing.assert_array_equal(np.concatenate(made), expected)


def test_a_closed_stream_and_a_broken_frame_are_refused(models_dir: str) -> None:
    stream = VoiceStream(model_dir(models_dir, "deepfilternet3"))
    with pytest.raises(EngineError, match="whole frames"):
        stream.feed(np.zeros(FRAME + 1, np.float32))
    stream.close()
    stream.close()
    with pytest.raises(EngineError, match="closed"):
        stream.feed(np.zeros(FRAME, np.float32))


def test_equal_channels_cost_one_network_and_silent_ones_none(
    separator: DeepFilterSeparator, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[int] = []
    real = VoiceStream.feed

    def counted(stream: VoiceStream, sound: Samples) -> Samples:
        fed.append(len(sound))
        return real(stream, sound)

    monkeypatch.setattr(deepfilter.VoiceStream, "feed", counted)
    mono = bed(2.0, RATE_HZ, 1)
    background_of(separator, mono, RATE_HZ)
    once = sum(fed)
    fed.clear()
    background_of(separator, np.repeat(mono, 2, axis=1), RATE_HZ)
    assert sum(fed) == once
    fed.clear()
    background_of(separator, np.zeros((RATE_HZ, 6), np.float32), RATE_HZ)
    assert not fed


def test_a_stream_is_freed_when_the_reader_stops_early(
    separator: DeepFilterSeparator, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[VoiceStream] = []
    real = VoiceStream.close

    def counted(stream: VoiceStream) -> None:
        closed.append(stream)
        real(stream)

    monkeypatch.setattr(deepfilter.VoiceStream, "close", counted)
    blocks = separator.background(iter([bed(9.0, RATE_HZ, 1)]), RATE_HZ)
    next(blocks)
    blocks.close()  # type: ignore[attr-defined]
    assert closed


def test_its_work_is_seen_by_the_stopwatch(separator: DeepFilterSeparator) -> None:
    import time

    since = time.monotonic()
    background_of(separator, bed(0.5, RATE_HZ, 1), RATE_HZ)
    assert {(one.kind, one.name) for one in intervals(since)} == {("engine", "separator"), ("load", "separator")}


PEAK = """
import sys
from separator_contract import bed
from octavia_dag.resources.embedded.separator import DeepFilterSeparator

sound = bed(1.0, 48_000, 2)
for _ in DeepFilterSeparator(models_dir=sys.argv[1]).background((sound for _ in range(int(sys.argv[2]))), 48_000):
    pass
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
def test_five_times_the_length_needs_no_more_memory(models_dir: str) -> None:
    paths = {"PYTHONPATH": f"{Path(__file__).parents[2] / 'contracts'}"}

    def peak(seconds: int) -> int:
        command = [sys.executable, "-c", PEAK, models_dir, str(seconds)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True, env=paths).stdout)

    assert peak(100) < 1.1 * peak(20)
