"""Lays the dub over the music: the bed steps back by the set depth, and keeps its own level everywhere else.

The key that works the compressor is the dub at a fixed loudness, as long as the bed (a shorter key would cut it off),
so the depth does not depend on how loud the programme is. The compressor's own reduction is read from a constant
put through it: its gain depends on the key alone, so the music has no say in the measurement. The dub is brought to
the loudness of the original speech in the layout it will have. No loudness normalisation over the mix: it would lift
the music. Where the music is switched off the bed is silence, and all the rest is the same. Everything is a stream;
nothing of the programme's length is held but a level per 10 ms.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import ffmpeg
import numpy as np
import soundfile

from octavia_dag.dubbing import mixing
from octavia_dag.dubbing.mixing import Ducking, Levels
from octavia_dag.resources.levels import CEILING_DBTP, as_nut, flac, hear, hear_while_made, limited, speech_lufs
from octavia_dag.resources.media import Media, SideBySide, url
from octavia_dag.schema import DuckedMix, Span

BED = "ducked_bed.flac"
MIX = "final_audio_native_music.flac"
_GAIN_STEP_S = 0.01
_MAX_BOOST_DB = 36.0
_BOOST_ROUNDS = 5
_BLOCK_WINDOWS = 200
# The loudness of the dub and of the original speech; how far the compressor alone reduces.
Measured = Literal["dub", "original", "reduction"]
OFF = "The background music is switched off: the dub is the speech alone."


class Kept(Protocol):
    """What was measured before: `measure` is called where nothing is kept under this name for what it depends on."""

    def __call__(self, name: Measured, measure: Callable[[], float | None], also: Mapping[str, float]) -> float | None:
        """`also` is what it depends on besides the sounds."""
        ...


def _anew(name: Measured, measure: Callable[[], float | None], also: Mapping[str, float]) -> float | None:
    del name, also
    return measure()


@dataclass(frozen=True)
class _Sounds:
    """What is mixed, and the shape that the result has: the background's."""

    background: Path
    speech: Path
    vocals: Path
    rate: int
    frames: int
    channels: int
    layout: str


@dataclass(frozen=True)
class _Key:
    """How the compressor is worked: the gain of the key, and the share of compressed bed in the result."""

    gain_db: float = 0.0
    wet: float = 0.0
    notes: tuple[str, ...] = ()


def duck(
    media: Media,
    *,
    background: Path,
    speech: Path,
    vocals: Path,
    spans_dub: Sequence[Span],
    spans_original: Sequence[Span],
    out_dir: Path,
    mix: Ducking,
    kept: Kept = _anew,
) -> DuckedMix:
    """Writes `ducked_bed` and `final_audio_native_music` into `out_dir`, both with exactly the background's frames.

    `speech` is the mono dub of the programme's length at any rate, `vocals` the original speech; the spans say when
    the dub speaks and when the original did; `kept` knows what was measured before of the same sounds. A StorageError
    where the disk is full, a MediaError where ffmpeg fails.
    """
    sounds = _sounds(media, background, speech, vocals)
    with SideBySide(2) as pool:
        of_dub = pool.submit(kept, "dub", lambda: speech_lufs(media, speech, spans_dub, "dub"), {})
        of_original = pool.submit(kept, "original", lambda: speech_lufs(media, vocals, spans_original, "original"), {})
        dub_lufs, original_lufs = of_dub.result(), of_original.result()
    carriers = len(mixing.speech_channels(sounds.channels))
    placed_lufs = None if dub_lufs is None else dub_lufs + mixing.placement_db(carriers)
    gain_db, notes = _speech_gain(placed_lufs, original_lufs)
    keyed = None if dub_lufs is None or not mix.keep_music else mixing.KEY_LUFS - dub_lufs
    key = _Key() if keyed is None else _key_for_depth(media, sounds, spans_dub, keyed, mix, kept)
    notes += key.notes if mix.keep_music else (OFF,)
    notes += _write_mix(media, sounds, gain_db, _ducked(sounds, key, mix), out_dir)
    reduction = _measured_reduction(background, out_dir / BED, spans_dub) if mix.keep_music else None
    if reduction is None and key.wet > 0.0:
        notes += ("The bed is silent while the dub speaks, so there is nothing that could step back.",)
    return DuckedMix(
        final_audio_native_music=MIX,
        ducked_bed=BED,
        rate=sounds.rate,
        channels=sounds.channels,
        original_speech_lufs=original_lufs,
        speech_lufs=None if placed_lufs is None else placed_lufs + gain_db,
        speech_gain_db=gain_db,
        median_reduction_db=reduction,
        notes=notes,
    )


def _sounds(media: Media, background: Path, speech: Path, vocals: Path) -> _Sounds:
    known = soundfile.info(str(background))
    stream: dict[str, Any] = media.probe(background, "-show_streams")["streams"][0]
    layout = str(stream["channel_layout"])
    return _Sounds(background, speech, vocals, int(known.samplerate), int(known.frames), int(known.channels), layout)


def _speech_gain(placed_lufs: float | None, original_lufs: float | None) -> tuple[float, tuple[str, ...]]:
    if placed_lufs is None or original_lufs is None:
        which = "original speech" if original_lufs is None else "dub"
        return 0.0, (f"The {which} is too soft for its loudness to be measured: the dub keeps its own level.",)
    return original_lufs - placed_lufs, ()


def _read(path: Path) -> Any:
    return ffmpeg.input(url(path)).audio


def _gained(path: Path, gain_db: float, rate: int) -> Any:
    return _read(path).filter("volume", f"{gain_db:.3f}dB", precision="double").filter("aresample", rate)


def _key_for_depth(
    media: Media, sounds: _Sounds, spans: Sequence[Span], gain_db: float, mix: Ducking, kept: Kept
) -> _Key:
    """The key that gives the set depth: raised further where the compressor alone would not reach it."""
    shape = {"gain": gain_db, "threshold": mix.threshold_db, "ratio": mix.ratio,
             "attack": mix.attack_ms, "release": mix.release_ms}  # fmt: skip
    depth = mix.duck_depth_db
    if depth <= 0.0:
        return _Key()

    def reduction(boost: float) -> float:
        gains = _compressed(_constant(sounds), sounds, gain_db + boost, mix)
        return _own_reduction_db(media, gains, sounds, spans)

    boost, own = 0.0, 0.0
    for _ in range(_BOOST_ROUNDS):
        own = reduction(boost) if boost else kept("reduction", lambda: reduction(0.0), shape) or 0.0
        more = mixing.key_boost_db(depth, own, mix.ratio)
        if more <= 0.0 or math.isinf(more) or boost >= _MAX_BOOST_DB:
            break
        boost = min(boost + more, _MAX_BOOST_DB)
    notes: list[str] = []
    if boost > 0.0:
        notes.append(f"The compressor's key was raised by {boost:.1f} dB, for it to reach the depth of {depth:.1f} dB.")
    if own < depth - 0.1:
        notes.append(f"A depth of {depth:.1f} dB is set, but with this threshold and ratio it is {own:.1f} dB.")
    return _Key(gain_db + boost, mixing.wet_for_depth(depth, own), tuple(notes))


def _constant(sounds: _Sounds) -> Any:
    return ffmpeg.input(f"aevalsrc=1:s={sounds.rate}:d={sounds.frames / sounds.rate + 1.0:.3f}", format="lavfi").audio


def _compressed(sound: Any, sounds: _Sounds, key_gain_db: float, mix: Ducking, wet: float = 1.0) -> Any:
    # A mono key is enough: the detector takes the mean over the key's channels, and all of the bed's have one gain.
    key = _gained(sounds.speech, key_gain_db, sounds.rate).filter("apad", whole_len=sounds.frames)
    work = ffmpeg.filter(
        [sound, key],
        "sidechaincompress",
        threshold=10.0 ** (mix.threshold_db / 20.0),
        ratio=mix.ratio,
        attack=mix.attack_ms,
        release=mix.release_ms,
        mix=wet,
    )
    return work.filter("atrim", end_sample=sounds.frames)


def _own_reduction_db(media: Media, gains: Any, sounds: _Sounds, spans: Sequence[Span]) -> float:
    """The median reduction while the dub speaks: `gains` is what is left of a constant 1."""
    raw = ffmpeg.output(gains, "pipe:", format="f32le", acodec="pcm_f32le", ac=1)
    step = round(_GAIN_STEP_S * sounds.rate)
    taken = np.concatenate(list(_every(media.read(raw, "Measuring how far the compressor reduces"), step)))
    median = mixing.median_inside(taken, step / sounds.rate, spans)
    return 0.0 if median is None else abs(20.0 * math.log10(median))


def _every(blocks: Iterator[bytes], step: int) -> Iterator[Levels]:
    """Every `step`-th value of raw float32 that comes in blocks of any length."""
    rest, due = b"", 0
    for block in blocks:
        rest += block
        values = np.frombuffer(rest[: len(rest) // 4 * 4], np.float32)
        rest = rest[len(values) * 4 :]
        yield values[due::step].astype(np.float64)
        due = (due - len(values)) % step
    yield np.empty(0, np.float64)


def _ducked(sounds: _Sounds, key: _Key, mix: Ducking) -> Any:
    bed = _read(sounds.background)
    if not mix.keep_music:
        return bed.filter("volume", 0)
    return _compressed(bed, sounds, key.gain_db, mix, key.wet) if key.wet > 0.0 else bed


def _placed(sounds: _Sounds, gain_db: float) -> Any:
    carried = "|".join(f"{name}=c0" for name in mixing.speech_channels(sounds.channels))
    return _gained(sounds.speech, gain_db, sounds.rate).filter("pan", args=f"{sounds.layout}|{carried}")


def _sum(first: Any, second: Any) -> Any:
    return ffmpeg.filter([first, second], "amix", inputs=2, normalize=0, duration="first")


def _write_mix(media: Media, sounds: _Sounds, gain_db: float, ducked: Any, out_dir: Path) -> tuple[str, ...]:
    """Writes bed and sum in one pass; the sum once more, limited, where it would peak over what the source does."""
    bed = ducked.asplit()
    total = _sum(bed[0], _placed(sounds, gain_db)).asplit()
    made = ffmpeg.merge_outputs(flac(bed[1], out_dir / BED), flac(total[0], out_dir / MIX), as_nut(total[1]))
    peak = hear_while_made(media, made, "Mixing the dub over the bed").true_peak_dbtp
    if peak <= CEILING_DBTP:
        return ()
    source = _sum(_read(sounds.background), _read(sounds.vocals))
    own = hear(media, source, "Measuring the source's true peak", peak=True).true_peak_dbtp
    ceiling = min(max(CEILING_DBTP, own), 0.0)
    if peak <= ceiling:
        return ()
    again = limited(_sum(_read(out_dir / BED), _placed(sounds, gain_db)), sounds.rate, ceiling)
    media.run(flac(again.filter("atrim", end_sample=sounds.frames), out_dir / MIX), "Limiting the mix")
    return (f"The mix peaked at {peak:.1f} dBTP and was limited to {ceiling:.1f} dBTP.",)


def _measured_reduction(before: Path, after: Path, spans: Sequence[Span]) -> float | None:
    rate = int(soundfile.info(str(before)).samplerate)
    window = round(mixing.WINDOW_S * rate)
    with SideBySide(2) as pool:
        one, other = pool.submit(_powers, before, window), pool.submit(_powers, after, window)
        return mixing.median_power_drop_db(one.result(), other.result(), window / rate, spans)


def _powers(path: Path, window: int) -> Levels:
    with soundfile.SoundFile(str(path)) as file:
        parts = [
            mixing.window_powers(block.astype(np.float64), window)
            for block in file.blocks(window * _BLOCK_WINDOWS, dtype="float32", always_2d=True)
        ]
    return np.concatenate([*parts, np.empty(0, np.float64)])
