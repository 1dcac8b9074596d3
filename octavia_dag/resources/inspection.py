"""Listens to the dub as somebody would: to its speech, to its bed, to every line and to its voices.

Sounds are streamed in step, so that an hour needs no more memory than a minute; every line's own sound is heard once,
and what was heard is kept beside it, keyed by it.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from octavia_dag.dubbing.hearing import accept, hear_text, normalize_words
from octavia_dag.dubbing.meters import recovered_share
from octavia_dag.resources.artifacts import write_atomically
from octavia_dag.resources.engines import Samples, Transcriber, VoiceCloner
from octavia_dag.resources.listening import HEARING_HZ
from octavia_dag.resources.sound import read_mono
from octavia_dag.schema import Span, VoiceClass

_LEAST_EMBEDDED_S = 1.5
_LEAST_MEAN_S, _MOST_MEAN_S = 3.0, 30.0


@dataclass(frozen=True)
class DubVoices:
    """How the dub's voices sound: a mean per speaker, an embedding per longer line, the class they are heard as."""

    means: Mapping[str, Samples]
    lines: tuple[tuple[str, str, Samples], ...]
    classes: Mapping[str, VoiceClass]


def ahead(blocks: Iterable[Samples]) -> Iterator[Samples]:
    """The same blocks; while one is worked on the next one is read already."""
    source = iter(blocks)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, source, None)
        while (block := coming.result()) is not None:
            coming = pool.submit(next, source, None)
            yield block


def in_step(*sounds: Iterable[Samples]) -> Iterator[tuple[Samples, ...]]:
    """Sounds in blocks of equal length, up to the end of the shortest one."""
    rest = [iter(one) for one in sounds]
    waiting: list[Samples] = [np.zeros((0, 1), np.float32)] * len(rest)
    while True:
        waiting = [block if len(block) else next(more, block) for block, more in zip(waiting, rest, strict=True)]
        frames = min(map(len, waiting))
        if not frames:
            return
        yield tuple(block[:frames] for block in waiting)
        waiting = [block[frames:] for block in waiting]


def residue(background: Path, regions: Sequence[Span], language: str, words: Sequence[str], ear: Transcriber) -> float:
    """Share of the original's words that the transcriber recovers from the background stem.

    What it invents in music ("you", again and again) is no word of the original's, and is not believed here either.
    """
    sound = read_mono(background, HEARING_HZ)
    believed, _ = accept(ear.transcribe(sound, regions, language), regions)
    heard = hear_text(believed)
    return recovered_share([w for word in words for w in normalize_words(word)], normalize_words(heard))


def hear_line(sound: Path, language: str, ear: Transcriber, kept: Path | None, alone: str = "") -> tuple[str, bool]:
    """What is heard in one line's own sound, and whether it was heard now.

    `kept` is the folder where it is kept, keyed by sound and ear; None hears anew. `alone` is an id of the line, where
    it does not share what was heard with others that sound the same. What the ear invents is not believed: a line of
    silence or noise holds no word.
    """
    info = ear.info()
    told = f"{info.name} {info.revision} believed {language} {alone}".rstrip()
    name = hashlib.sha256(sound.read_bytes() + told.encode()).hexdigest()[:32]
    note = None if kept is None else kept / f"{name}.txt"
    known = None if note is None else _read_note(note)
    if known is not None:
        return known, False
    text = heard_in(read_mono(sound, HEARING_HZ), language, ear)
    if note is not None:
        write_atomically(note, text.encode())
    return text, True


def heard_in(sound: Samples, language: str, ear: Transcriber) -> str:
    """What is heard in a mono 16 kHz sound, as far as it is believed."""
    whole = [Span(start=0, end=len(sound) / HEARING_HZ)]
    believed, _ = accept(ear.transcribe(sound, whole, language) if sound.any() else [], whole)
    return hear_text(believed)


def _read_note(note: Path) -> str | None:
    """What was heard; None where nothing was, or where it is damaged."""
    try:
        return note.read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def dub_voices(sounds: Sequence[tuple[str, str, Path]], cloner: VoiceCloner, go_on: Callable[[], None]) -> DubVoices:
    """Embeddings of the lines (id, speaker, sound) and of each speaker's lines joined; a silent line has none.

    `go_on` is asked before each line.
    """
    joined: dict[str, list[Samples]] = {}
    lines: list[tuple[str, str, Samples]] = []
    for line, speaker, path in sounds:
        go_on()
        samples = read_mono(path, HEARING_HZ)
        if not samples.any():
            continue
        heard = joined.setdefault(speaker, [])
        if sum(map(len, heard)) < _MOST_MEAN_S * HEARING_HZ:
            heard.append(samples)
        if len(samples) >= _LEAST_EMBEDDED_S * HEARING_HZ:
            lines.append((line, speaker, cloner.embed(samples)))
    means: dict[str, Samples] = {}
    classes: dict[str, VoiceClass] = {}
    for speaker, parts in joined.items():
        whole = np.concatenate(parts)
        if len(whole) >= _LEAST_MEAN_S * HEARING_HZ:
            profile = cloner.profile(speaker, whole, [Span(start=0, end=len(whole) / HEARING_HZ)])
            means[speaker] = np.asarray(profile.embedding, dtype=np.float32)
            classes[speaker] = profile.voice_class
    return DubVoices(means, tuple(lines), classes)
