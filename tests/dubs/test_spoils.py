"""A dub spoiled on purpose is held, by the promise that it breaks and by no other.

The table names for each spoil what must fail and what may; the dub itself, and the same dub only muxed again, keep all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import ffmpeg
import numpy as np
import pytest
import soundfile
from finished import Dub, DubVideo
from spoiling import LANGUAGE, Bench, Sound, Sounds

from octavia_dag.dubbing import quality as q
from octavia_dag.dubbing.promises import PROMISES, held
from octavia_dag.dubbing.trimming import trimmed
from octavia_dag.resources.embedded.synthesizer import KokoroSynthesizer
from octavia_dag.resources.engines import Samples
from octavia_dag.resources.media import Media
from octavia_dag.resources.sound import read_blocks
from octavia_dag.schema import Casting, DubbedChunks, PlacedLine, SpokenLine, SyncedSpeech, Transcript, Voice

pytestmark = pytest.mark.operators

# What is said when, of the recording: a woman, then a man; and where each begins in the cut.
SAID = ((7.7, 11.95, 2.2), (16.25, 20.5, 6.7))
LENGTH_S = 12.4


@pytest.fixture(scope="module")
def source(media_dir: Path, media: Media, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds of the dialogue over its own music, which begins before and ends after they speak."""
    folder = tmp_path_factory.mktemp("spoils")
    recording = media_dir / "dialogue"
    speech, rate = soundfile.read(recording / "speech.flac", always_2d=True)
    music, _ = soundfile.read(recording / "music.flac", always_2d=True)
    whole = music[: round(LENGTH_S * rate)].copy()
    for start, end, at in SAID:
        piece = speech[round(start * rate) : round(end * rate)]
        whole[round(at * rate) : round(at * rate) + len(piece)] += piece
    soundfile.write(folder / "sound.wav", whole, rate)
    picture, sound = ffmpeg.input(str(recording / "dialogue.mp4"), t=LENGTH_S).video, folder / "sound.wav"
    coding = {"vcodec": "libx264", "pix_fmt": "yuv420p", "acodec": "aac", "b:a": "256k"}
    path = folder / "two people.mp4"
    media.run(ffmpeg.output(picture, ffmpeg.input(str(sound)).audio, str(path), **coding), "Making a video")
    return path


@pytest.fixture(scope="module")
def bench(source: Path, dub_video: DubVideo, media: Media) -> Bench:
    return Bench(dub_video(source), media)


@dataclass(frozen=True)
class Spoil:
    """What is done to `artifact`, and which promises must and may break by it."""

    artifact: str
    change: Callable[[Bench, Path], DubbedChunks | None]
    must: frozenset[str]
    may: frozenset[str] = frozenset()


def in_sound(change: Callable[[Sounds, Dub], Sound]) -> Callable[[Bench, Path], None]:
    return lambda bench, folder: bench.remuxed(folder, np.clip(change(bench.sounds(), bench.dub), -4, 4))


def encoded_again(bench: Bench, folder: Path) -> None:
    bench.remuxed(folder, None, picture="libx264", crf=18)


def one_second_longer(bench: Bench, folder: Path) -> None:
    heard = bench.sounds()
    bench.remuxed(folder, np.pad(heard.speech + heard.bed, ((0, heard.rate), (0, 0))))


def with_less_bed(heard: Sounds, _: Dub) -> Sound:
    return heard.speech + heard.bed * 10 ** (-3 / 20)


def with_a_mono_bed(heard: Sounds, _: Dub) -> Sound:
    return heard.speech + heard.bed.mean(axis=1, keepdims=True)


def in_one_channel(heard: Sounds, _: Dub) -> Sound:
    return (heard.speech + heard.bed).mean(axis=1, keepdims=True)


def with_the_original_voices(heard: Sounds, _: Dub) -> Sound:
    return heard.speech + heard.bed + 0.5 * heard.voice


def with_the_original_voices_late(heard: Sounds, _: Dub) -> Sound:
    late = np.roll(heard.voice, round(0.06 * heard.rate), axis=0)
    return heard.speech + heard.bed + 0.5 * late


def whispered(heard: Sounds, _: Dub) -> Sound:
    return heard.speech * 10 ** (-10 / 20) + heard.bed


def turned(bench: Bench, folder: Path) -> None:
    bench.remuxed(folder, None, asked={"display_rotation": 90})


def with_another_original(bench: Bench, folder: Path) -> None:
    silenced: dict[str, Any] = {"c:a:1": "aac", "filter:a:1": "volume=0"}
    bench.remuxed(folder, None, **silenced)


def without_the_last_word_of_every_line(heard: Sounds, dub: Dub) -> Sound:
    speech = heard.speech.copy()
    for line in dub.read("synced_speech", SyncedSpeech, LANGUAGE).lines:
        speech[round((line.end - 0.09 * line.seconds) * heard.rate) : round(line.end * heard.rate)] = 0
    return speech + heard.bed


def clipped(heard: Sounds, _: Dub) -> Sound:
    return np.clip(heard.speech * 16, -1, 1) + heard.bed


def longest(dub: Dub) -> PlacedLine:
    return max(dub.read("synced_speech", SyncedSpeech, LANGUAGE).lines, key=lambda line: line.seconds)


def without_the_end_of_a_line(heard: Sounds, dub: Dub) -> Sound:
    line, speech = longest(dub), heard.speech.copy()
    speech[round((line.start + line.end) / 2 * heard.rate) : round(line.end * heard.rate)] = 0
    return speech + heard.bed


def without_a_line(heard: Sounds, dub: Dub) -> Sound:
    line, speech = longest(dub), heard.speech.copy()
    speech[round(line.start * heard.rate) : round(line.end * heard.rate)] = 0
    return speech + heard.bed


def the_original_instead(bench: Bench, folder: Path) -> None:
    music = np.concatenate(list(read_blocks(bench.dub.artifact("stems").file("bgm_full.flac"))))
    bench.remuxed(folder, bench.sounds().voice + music)


def with_lines(
    bench: Bench, folder: Path, change: Callable[[SpokenLine, Samples], tuple[SpokenLine, Samples]]
) -> DubbedChunks:
    """The lines and their sounds as `change` makes them."""
    document = bench.dub.read("dubbed_chunks", DubbedChunks, LANGUAGE)
    lines: list[SpokenLine] = []
    for line in document.lines:
        changed, spoken = change(line, np.concatenate(list(read_blocks(folder / line.sound)))[:, 0])
        soundfile.write(folder / line.sound, spoken, document.rate_hz)
        lines.append(changed.model_copy(update={"seconds": round(len(spoken) / document.rate_hz, 3)}))
    return document.model_copy(update={"lines": tuple(lines)})


def spoken_half(bench: Bench, folder: Path) -> DubbedChunks:
    cut = longest(bench.dub).id
    return with_lines(bench, folder, lambda line, sound: (line, sound[: len(sound) // 2] if line.id == cut else sound))


def spoken_as_silence(bench: Bench, folder: Path) -> DubbedChunks:
    gone = longest(bench.dub).id
    return with_lines(bench, folder, lambda line, sound: (line, np.zeros_like(sound) if line.id == gone else sound))


def spoken_in_english(bench: Bench, folder: Path) -> DubbedChunks:
    """What was said in the original, by an English voice of each person's class."""
    originals = {line.id: line.text for line in bench.dub.read("transcript", Transcript).lines}
    cast = {role.speaker: role.voice for role in bench.dub.read("casting", Casting, LANGUAGE).roles}
    voices = KokoroSynthesizer(models_dir=bench.dub.octavia.models_dir).voices("en")
    english = {who: next(one for one in voices if one.voice_class == own.voice_class) for who, own in cast.items()}
    assert len({voice.id for voice in english.values()}) == len(cast)
    return with_lines(
        bench, folder, lambda line, _: _spoken(bench, line, originals[line.id], english[line.speaker], "en")
    )


def spoken_by_one_of_two(bench: Bench, folder: Path) -> DubbedChunks:
    first = bench.dub.read("casting", Casting, LANGUAGE).roles[0].voice
    return with_lines(bench, folder, lambda line, _: _spoken(bench, line, line.text, first, LANGUAGE))


def _spoken(bench: Bench, line: SpokenLine, text: str, voice: Voice, language: str) -> tuple[SpokenLine, Samples]:
    synthesizer = KokoroSynthesizer(models_dir=bench.dub.octavia.models_dir)
    sound = trimmed(synthesizer.speak(text, voice, language, line.rate), synthesizer.rate_hz)
    return line.model_copy(update={"text": text, "voice": voice.id}), sound


def _all(*names: str) -> frozenset[str]:
    return frozenset(names)


# One channel that is played in two is softer in each.
BY_LEVEL = _all(q.GAP_LEVEL, q.GAP_LIKENESS, q.DEPTH, q.AS_LOUD)
SPOILS = {
    "nothing, muxed again": Spoil("final_mux", in_sound(lambda heard, _: heard.speech + heard.bed), _all()),
    "re-encoded picture": Spoil("final_mux", encoded_again, _all(q.PICTURE)),
    "1 s longer": Spoil("final_mux", one_second_longer, _all(q.LENGTH)),
    "bed -3 dB": Spoil("final_mux", in_sound(with_less_bed), _all(q.GAP_LEVEL, q.DEPTH)),
    "mono bed": Spoil("final_mux", in_sound(with_a_mono_bed), _all(q.GAP_WIDTH), _all(q.GAP_LIKENESS)),
    "one channel": Spoil("final_mux", in_sound(in_one_channel), _all(q.CHANNELS, q.GAP_WIDTH), BY_LEVEL),
    "original voices left": Spoil("final_mux", in_sound(with_the_original_voices), _all(q.VOICE_LEFT), _all(q.PEAK)),
    "original voices left, late": Spoil(
        "final_mux", in_sound(with_the_original_voices_late), _all(q.VOICE_LEFT), _all(q.PEAK)
    ),
    "speech -10 dB": Spoil("final_mux", in_sound(whispered), _all(q.AS_LOUD, q.FAR_OFF), _all(q.DEPTH)),
    "turned picture": Spoil("final_mux", turned, _all(q.PICTURE)),
    "another original track": Spoil("final_mux", with_another_original, _all(q.TRACKS)),
    "every line's end cut": Spoil(
        "final_mux", in_sound(without_the_last_word_of_every_line), _all(q.IN_FILE), _all(q.OVERLAP, q.AS_LOUD)
    ),
    "line cut in the file": Spoil(
        "final_mux", in_sound(without_the_end_of_a_line), _all(q.IN_FILE), _all(q.OVERLAP, q.AS_LOUD)
    ),
    "line cut as spoken": Spoil("dubbed_chunks", spoken_half, _all(q.LINE_WORDS), _all(q.ROUND_TRIP, q.OVERLAP)),
    "wrong language": Spoil("dubbed_chunks", spoken_in_english, _all(q.LANGUAGE), _all(q.ROUND_TRIP, q.LINE_WORDS)),
    "the original instead of the dub": Spoil(
        "final_mux",
        the_original_instead,
        _all(q.LANGUAGE, q.IN_FILE, q.VOICE_LEFT, q.AS_LOUD, q.FAR_OFF),
        _all(q.DEPTH, q.PEAK),
    ),
    "two speakers, one voice": Spoil(
        "dubbed_chunks", spoken_by_one_of_two, _all(q.OWN_VOICES, q.APART), _all(q.OWN_LINES, q.CLASSES)
    ),
    # Of two lines one is half of the speech, and so is its level.
    "silence in the file": Spoil(
        "final_mux", in_sound(without_a_line), _all(q.IN_FILE), _all(q.OVERLAP, q.AS_LOUD, q.FAR_OFF)
    ),
    "silence as spoken": Spoil(
        "dubbed_chunks",
        spoken_as_silence,
        _all(q.EMPTY, q.IN_FILE, q.LINE_WORDS, q.ONSET_LARGEST),
        _all(q.ROUND_TRIP, q.OVERLAP, q.DEPTH),
    ),
    "clipped": Spoil("final_mux", in_sound(clipped), _all(q.PEAK), _all(q.AS_LOUD, q.FAR_OFF)),
}


def test_the_dub_itself_keeps_every_promise(bench: Bench) -> None:
    report = bench.dub.report
    assert {one.name: one.value for one in report.measures if not one.ok} == {}
    assert {one.name for one in report.measures} == set(PROMISES)


@pytest.mark.parametrize("name", SPOILS)
def test_a_spoiled_dub_breaks_what_it_must_and_nothing_else(bench: Bench, name: str) -> None:
    spoil = SPOILS[name]
    with bench.spoiled(spoil.artifact, lambda folder: spoil.change(bench, folder)) as judged:
        assert spoil.must <= judged.broken
        assert judged.broken <= spoil.must | spoil.may
        assert bool(held(judged.report)) == bool(spoil.must)
        told = " ".join(held(judged.report))
        assert all(promise in told for promise in spoil.must if not PROMISES[promise].warns)
        _checks_say(judged.checks, judged.broken)


def _checks_say(found: dict[str, dg.AssetCheckEvaluation], broken: Sequence[str] | set[str]) -> None:
    """The checks in Dagster say the same, each with its severity."""
    assert {one.check for one in PROMISES.values()} == set(found)
    for promise in PROMISES.values():
        told = found[promise.check]
        assert told.passed == (promise.name not in broken), promise.name
        severe = told.severity is dg.AssetCheckSeverity.ERROR
        assert severe == (not promise.warns)
        assert told.partition
