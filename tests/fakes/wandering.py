"""Sequences of changes, dubs and kills over one small video, and the clean dubs that they are measured by.

Two sequences are under way at a time, each in a copy of one home in which the video was dubbed once. The clean dub of
a state is made in a fresh home that is given the same names for the same lines, since a correction is kept by them.
"""

import hashlib
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from random import Random
from threading import Lock
from typing import Any

import ffmpeg
from forking import Forge
from octavia_command import Octavia
from octavia_fakes import ENGINES
from wishes import LANGUAGE, Wanted, drawn, give, moved

from octavia_dag.assets.judging import Judge
from octavia_dag.definitions import workshop
from octavia_dag.environment import read
from octavia_dag.resources.artifacts import MANIFEST, Manifest
from octavia_dag.resources.corrections import keep_line_ids, read_line_ids
from octavia_dag.resources.media import Media
from octavia_dag.resources.videos import records
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import Line, Transcript

ENDS = 5  # states at which sequences end; ten times as many by hand
SIDE_BY_SIDE = 2


@dataclass
class Found:
    """What became of one sequence; `way` tells what was done, for whoever must look into it."""

    way: list[str] = field(default_factory=list[str])
    refused: list[str] = field(default_factory=list[str])
    half: list[str] = field(default_factory=list[str])
    left: list[str] = field(default_factory=list[str])
    sound: list[str] = field(default_factory=list[str])
    clean_sound: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class Bench:
    """One home with one video in it."""

    octavia: Octavia
    video: Path
    out: Path

    @property
    def tools(self) -> Workshop:
        return workshop(read(self.octavia.home))

    @property
    def id(self) -> str:
        return records(self.tools.store)[0].id

    def lines(self) -> Sequence[Line]:
        found = self.tools.store.current("transcript", self.id, None)
        return () if found is None else found.read(Transcript).lines

    def dub(self, forge: Forge, kill_after_s: float | None = None) -> tuple[int, str]:
        wish = ("dub", self.video, "--to", LANGUAGE, "--out", self.out)
        ended = forge.run(self.octavia.environment(), *wish, kill_after_s=kill_after_s)
        return ended.code, ended.told

    def half(self) -> list[str]:
        """Folders of artifacts without a manifest, and pointers that name none or one that is not whole."""
        store = self.tools.store
        videos = Path(store.root) / "videos"
        folders = [path for path in videos.glob("*/**/") if len(path.name) == 32 and not (path / MANIFEST).exists()]
        pointers = list(videos.glob("*/current/*.json"))
        for path in pointers:
            asset, _, language = path.stem.partition(".")
            if store.current(asset, path.parents[1].name, language or None) is None:
                folders.append(path)
        for path in videos.glob(f"*/**/{MANIFEST}"):
            manifest = Manifest.model_validate_json(path.read_bytes())
            if store.find(manifest.asset, manifest.video, manifest.language, manifest.key) is None:
                folders.append(path)
        return [str(path) for path in folders]

    def sound(self, media: Media) -> list[str]:
        """A hash per audio track of what was handed over, decoded."""
        path = self.out / f"{self.video.stem}.{LANGUAGE}{self.video.suffix}"
        tracks = media.probe(path, "-show_streams", "-select_streams", "a")["streams"]
        return [_decoded(media, path, number) for number in range(len(tracks))]


def _decoded(media: Media, path: Path, track: int) -> str:
    told = hashlib.sha256()
    for block in media.read(ffmpeg.output(ffmpeg.input(str(path))[f"a:{track}"], "pipe:", format="s16le"), "Decoding"):
        told.update(block)
    return told.hexdigest()[:16]


class Grounds:
    """Where sequences are run: one home to begin from, and the clean dubs made so far."""

    def __init__(self, folder: Path, models_dir: str, video: Path) -> None:
        self._folder, self._models_dir, self._video = folder, models_dir, video
        self._media = Media(models_dir=models_dir)
        self._base = self._bench("base")
        environment = self._base.octavia.environment()
        self._all = [Forge(self._made(f"forge{n}"), environment) for n in range(SIDE_BY_SIDE)]
        self._idle: SimpleQueue[Forge] = SimpleQueue()
        self._pool = ThreadPoolExecutor(SIDE_BY_SIDE)
        self._found: dict[int, Future[Found]] = {}
        self._clean: dict[str, Future[list[str]]] = {}
        self._lock = Lock()
        for forge in self._all:
            self._idle.put(forge)
        self._dub_s, self._lines, self._ends = 0.0, tuple[Line, ...](), ENDS

    def close(self) -> None:
        """Waits for what is under way, and ends the processes."""
        self._pool.shutdown(cancel_futures=True)
        for forge in self._all:
            forge.__exit__(None, None, None)

    def begin(self, seeds: Sequence[int]) -> None:
        """Starts the sequences; the first dub of each process is thrown in, and tells how long one takes."""
        self._ends = max(ENDS, len(seeds) // 4)
        give_engines(self._base)
        for forge in self._all:
            begun = time.monotonic()
            code, told = self._base.dub(forge)
            assert code == 0, told
            self._dub_s = max(self._dub_s, time.monotonic() - begun)
        self._lines = tuple(self._base.lines())
        self._found = {seed: self._pool.submit(self._with_forge(self._sequence), seed) for seed in seeds}

    def of(self, seed: int) -> Found:
        """What became of a sequence."""
        return self._found[seed].result()

    def _with_forge(self, run: Callable[[Forge, int], Found]) -> Callable[[int], Found]:
        def with_forge(seed: int) -> Found:
            forge = self._idle.get()
            try:
                return run(forge, seed)
            finally:
                self._idle.put(forge)

        return with_forge

    def _sequence(self, forge: Forge, seed: int) -> Found:
        random, found, bench = Random(seed), Found(), self._bench(f"seed{seed}")
        shutil.copytree(self._base.octavia.home, bench.octavia.home)
        wanted = Wanted()
        for _ in range(random.randint(1, 3)):
            wanted = moved(random, wanted, bench.lines())
        self._step(forge, bench, found, wanted, self._moment(random, 0.7))
        # The last step is a small one: where nearly all can be used again, what is wrongly used again shows.
        wanted = drawn(Random(seed % self._ends), self._lines)
        near = moved(random, wanted, self._lines)
        self._step(forge, bench, found, near, self._moment(random, 0.3))
        self._step(forge, bench, found, wanted, None)
        found.left = [f"{one.asset} {one.state} {one.causes}" for one in _left(bench)]
        found.sound = bench.sound(self._media)
        found.clean_sound = self._clean_sound(forge, bench, wanted)
        shutil.rmtree(bench.octavia.home.parent)
        return found

    def _moment(self, random: Random, likely: float) -> float | None:
        return random.uniform(0.05, 0.9) * self._dub_s if random.random() < likely else None

    def _step(self, forge: Forge, bench: Bench, found: Found, wanted: Wanted, kill_after_s: float | None) -> None:
        give(bench.tools, bench.id, wanted, ENGINES)
        code, told = bench.dub(forge, kill_after_s)
        found.way.append(f"{wanted} killed after {kill_after_s} s: {code}")
        allowed = (0,) if kill_after_s is None else (0, -9)
        found.refused += [] if code in allowed else [f"{code}: {told}"]
        found.half += bench.half()

    def _clean_sound(self, forge: Forge, bench: Bench, wanted: Wanted) -> list[str]:
        """Made once for what is wanted and which lines the wordings meet; whoever comes second waits for the first."""
        store = bench.tools.store
        met = [(line.id, line.start, line.end) for line in bench.lines() if line.id in wanted.texts]
        place = hashlib.sha256(f"{wanted} {met}".encode()).hexdigest()[:16]
        with self._lock:
            there = self._clean.get(place)
            mine = self._clean.setdefault(place, Future())
        if there is None:
            try:
                mine.set_result(self._made_clean(forge, place, read_line_ids(store, bench.id), bench.id, wanted))
            except BaseException as error:
                mine.set_exception(error)
                raise
        return mine.result()

    def _made_clean(self, forge: Forge, place: str, ids: Any, video: str, wanted: Wanted) -> list[str]:
        bench = self._bench(f"clean{place}")
        tools = bench.tools
        give(tools, video, wanted, ENGINES)
        keep_line_ids(tools.store, video, ids)
        code, told = bench.dub(forge)
        assert code == 0, told
        assert bench.id == video
        return bench.sound(self._media)

    def _bench(self, name: str) -> Bench:
        folder = self._made(name)
        control = folder / "fakes.json"
        control.write_text("{}", encoding="utf-8")
        return Bench(Octavia(folder / "home", self._models_dir, control), self._video, folder / "out")

    def _made(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir(parents=True)
        return folder


def give_engines(bench: Bench) -> None:
    """The catalogue's layer of a fresh home."""
    from octavia_dag.layers import Place, change_layer

    engines: Mapping[str, Any] = ENGINES
    change_layer(Path(bench.tools.store.root), Place(), dict(engines), who="a test")


def _left(bench: Bench) -> Sequence[Any]:
    found = Judge(bench.tools).plan(bench.id)
    return [] if found.empty else found.of("make", "reuse", "may follow")
