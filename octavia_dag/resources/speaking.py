"""Speaks the lines of a dub side by side, and lays placed lines on one track.

Lines share nothing but the engine, so as many are spoken at once as there are cores; the outcome does not depend on
which was ready first. An engine that speaks in batches is given those first, and what is left to each line is its
fitting. The threads are daemons of our own and no ThreadPoolExecutor, whose threads the interpreter joins
when it ends: an interrupted run must end now, not when the line at work is done, which may wait for a remote condenser.
The track is summed and written in blocks: an hour of speech needs no more memory than a minute.
"""

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np

from octavia_dag.dubbing.lengths import predicted_seconds
from octavia_dag.dubbing.timing import SyncLimits, rooms
from octavia_dag.resources.booth import Booth, Job, Take
from octavia_dag.resources.engines import Condenser, Profile, Samples, Synthesizer, Transcriber
from octavia_dag.resources.line_store import LineStore
from octavia_dag.resources.media import Media
from octavia_dag.resources.sound import read_mono, write_flac
from octavia_dag.schema import Casting, DubbedChunks, PlacedLine, SpokenLine, Transcript, Translation

# What the last line may take behind its original where the programme's length is not known here.
_LAST_ROOM_S = 1.0
_BLOCK_S = 10.0


class SpeakingChoices(Protocol):
    """What speaking must be told; the `synthesis` slice of the settings has these fields."""

    @property
    def parallel(self) -> int: ...  # noqa: D102
    @property
    def reuse(self) -> bool: ...  # noqa: D102
    @property
    def share(self) -> bool: ...  # noqa: D102


def speak_lines(
    translation: Translation,
    casting: Casting,
    transcript: Transcript,
    *,
    synthesizer: Synthesizer,
    condenser: Condenser,
    media: Media,
    synthesis: SpeakingChoices,
    sync: SyncLimits,
    glossary: Mapping[str, str],
    version: str,
    threads: int,
    folder: Path,
    store: LineStore,
    programme_s: float | None = None,
    profiles: Mapping[str, Profile] | None = None,
    ear: Transcriber | None = None,
    report: Callable[[float], None] = lambda _: None,
) -> tuple[DubbedChunks, int]:
    """One FLAC per line in `folder`, fitted to its room, and how many lines were spoken now, not found in `store`.

    A text without a letter or digit has nothing to say. `glossary` (term to wording) survives condensing; `version` is
    the code's, part of every line's key; `threads` lines are spoken at once where the settings leave it open.
    `programme_s` ends the last line's room; where it is None that is 1 s behind the last original. `profiles`, by the
    id of the voice, are for an engine that clones; `ear` hears one that samples. An EngineError names the line that
    could not be spoken.
    """
    end_s = max((line.end for line in transcript.lines), default=0.0) + _LAST_ROOM_S
    room = rooms(transcript.lines, sync, end_s if programme_s is None else programme_s)
    originals = {line.id: line for line in transcript.lines}
    voices = {role.speaker: role.voice for role in casting.roles}
    booth = Booth(
        synthesizer=synthesizer,
        condenser=condenser,
        media=media,
        store=store,
        sync=sync,
        language=translation.target,
        folder=folder,
        version=version,
        glossary=glossary,
        reuse=synthesis.reuse,
        share=synthesis.share,
        ear=ear,
    )
    cloned = profiles or {}
    jobs = [
        Job(line, originals[line.id], voices[line.speaker], room[line.id], cloned.get(voices[line.speaker].id))
        for line in translation.lines
        if any(letter.isalnum() for letter in line.text)
    ]
    # The longest first: the cores then end together.
    jobs.sort(key=lambda job: (-predicted_seconds(job.line.text, translation.target), job.line.id))
    spoken: dict[str, SpokenLine] = {}
    made = 0
    with closing(_takes(booth, jobs, synthesis.parallel or threads)) as takes:
        for take in takes:
            spoken[take.job.line.id] = _kept(take, folder, synthesizer.rate_hz)
            made += take.made
            report(len(spoken) / len(jobs))
    lines = tuple(spoken[line.id] for line in translation.lines if line.id in spoken)
    return DubbedChunks(rate_hz=synthesizer.rate_hz, lines=lines), made


def write_speech_track(
    placed: Sequence[PlacedLine], sounds: Mapping[str, Path], seconds: float, rate_hz: int, path: Path
) -> None:
    """A mono FLAC of `seconds` at `rate_hz` with the sound of every placed line at its start.

    Lines that overlap are summed; where a sum would go beyond full scale, the whole track is lowered to it.
    """
    frames = round(seconds * rate_hz)
    ordered = sorted(placed, key=lambda line: line.start)
    overlap = any(after.start < before.end for before, after in pairwise(ordered))
    blocks = _track(ordered, sounds, frames, rate_hz)
    peak = max((float(np.abs(block).max(initial=0.0)) for block in blocks), default=0.0) if overlap else 0.0
    gain = np.float32(1.0 / max(1.0, peak))
    write_flac(path, (block * gain for block in _track(ordered, sounds, frames, rate_hz)), rate_hz, 1)


def _track(ordered: Sequence[PlacedLine], sounds: Mapping[str, Path], frames: int, rate_hz: int) -> Iterator[Samples]:
    waiting = list(reversed(ordered))
    sounding: list[tuple[int, Samples]] = []
    size = round(_BLOCK_S * rate_hz)
    for start in range(0, frames, size):
        block = np.zeros(min(size, frames - start), np.float32)
        while waiting and round(waiting[-1].start * rate_hz) < start + len(block):
            line = waiting.pop()
            sounding.append((round(line.start * rate_hz), read_mono(sounds[line.id], rate_hz)))
        for at, sound in sounding:
            first, last = max(at, start), min(at + len(sound), start + len(block))
            block[first - start : last - start] += sound[first - at : last - at]
        sounding = [(at, sound) for at, sound in sounding if at + len(sound) > start + len(block)]
        yield block


def _kept(take: Take, folder: Path, rate_hz: int) -> SpokenLine:
    line = take.job.line
    name = f"{line.id}.flac"
    write_flac(folder / name, [take.sound], rate_hz, 1)
    return SpokenLine(
        id=line.id,
        speaker=line.speaker,
        text=take.text,
        voice=take.job.voice.id,
        sound=name,
        key=take.key,
        raw_key=take.raw_key,
        seconds=len(take.sound) / rate_hz,
        natural_seconds=take.natural_s,
        room_seconds=take.job.room_s,
        rate=take.rate,
        flags=take.flags,
    )


def _takes(booth: Booth, jobs: Sequence[Job], count: int) -> Generator[Take]:
    """The takes as they get ready; of an engine that speaks in batches one batch after the other."""
    batch = booth.synthesizer.batch
    for some in [jobs] if batch == 1 else [jobs[at : at + batch] for at in range(0, len(jobs), batch)]:
        if batch > 1:
            booth.ahead(some)
        with closing(_side_by_side(booth.take, some, count)) as takes:
            yield from takes


def _side_by_side(work: Callable[[Job], Take], jobs: Sequence[Job], count: int) -> Generator[Take]:
    """The takes as they get ready, `count` at a time; the first failure is raised, and no further line begun."""
    waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    done: queue.SimpleQueue[Take | BaseException] = queue.SimpleQueue()
    stop = threading.Event()

    def speak() -> None:
        while not stop.is_set():
            try:
                done.put(work(waiting.get_nowait()))
            except queue.Empty:
                return
            except BaseException as error:  # noqa: BLE001 - it is raised again, in the caller's thread, which waits
                done.put(error)

    for _ in range(min(count, len(jobs))):
        threading.Thread(target=speak, daemon=True).start()
    try:
        for _ in jobs:
            outcome = done.get()
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome
    finally:
        stop.set()
