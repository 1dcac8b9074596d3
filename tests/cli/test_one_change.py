"""Change one thing, and only what depends on it is made again: a row of the README's table for each claim.

Real steps, real ffmpeg, fake engines that use every input and count their calls. Each row starts from a copy of one
finished installation, changes one thing by the command, dubs again, and looks at what was called and what was made.
"""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
import pytest
import soundfile
import yaml
from here import make_here
from octavia_command import MakeVideo, Octavia
from octavia_fakes import ENGINES

from octavia_dag.assets.judging import Judge
from octavia_dag.cli import running
from octavia_dag.definitions import build, workshop
from octavia_dag.environment import enter, read
from octavia_dag.graph import GRAPH, of_granularity
from octavia_dag.partitions import dub_key
from octavia_dag.resources.artifacts import Artifact, ArtifactStore
from octavia_dag.resources.videos import records
from octavia_dag.schema import Document, DubbedChunks, QaReport, SpeakerMap

pytestmark = pytest.mark.operators

LANGUAGE, SLOWEST_CAP = "pt-BR", 1.05
SOURCE_SIDE = {node.name for node in of_granularity("video")}
NOTHING_TO_DO_WITHIN_S = 5.0
D = TypeVar("D", bound=Document)


@dataclass(frozen=True)
class House:
    """One installation with one video, dubbed once."""

    octavia: Octavia
    video: Path
    out: Path

    def run(self, *arguments: object) -> str:
        done = self.octavia(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def dub(self, *languages: str) -> dict[str, Any]:
        to = [word for tag in languages or (LANGUAGE,) for word in ("--to", tag)]
        return json.loads(self.run("dub", self.video, *to, "--out", self.out, "--json"))

    def put(self, assignment: str, *, language: str | None = None) -> None:
        self.run("settings", "set", assignment, "--video", self.id, *(["--language", language] if language else []))

    @property
    def store(self) -> ArtifactStore:
        return ArtifactStore(root=str(self.octavia.home / "store"), scratch=str(self.octavia.home / "scratch"))

    @property
    def id(self) -> str:
        return records(self.store)[0].id

    def current(self, name: str, language: str = LANGUAGE) -> Artifact:
        found = self.store.current(name, self.id, language if GRAPH[name].granularity == "dub" else None)
        assert found is not None, name
        return found

    def read(self, name: str, kind: type[D]) -> D:
        return self.current(name).read(kind)

    def made(self) -> dict[str, int]:
        """How many artifacts there are of each asset, in all languages."""
        folders = (path.parent for path in (self.octavia.home / "store" / "videos" / self.id).rglob("manifest.json"))
        counts = dict.fromkeys(GRAPH, 0)
        for folder in folders:
            counts[json.loads((folder / "manifest.json").read_text())["asset"]] += 1
        return counts

    def said(self) -> list[str]:
        """Every call of a fake, in order."""
        return Path(f"{self.octavia.control}.calls").read_text().splitlines()

    def calls(self) -> dict[str, int]:
        """Calls of each fake; of the transcriber only those that hear lines of the dub."""
        said = self.said()
        names = ("FakeSeparator", "FakeDiarizer", "FakeTranslator", "FakeSynthesizer")
        round_trips = sum(one.startswith("FakeTranscriber transcribe") and one.endswith(" pt") for one in said)
        return {**{name: sum(one.startswith(f"{name} ") for one in said) for name in names}, "heard": round_trips}

    def change(self, work: Callable[[], object]) -> tuple[set[str], dict[str, int]]:
        """The assets that `work` made anew, and the calls it took, by engine; what was not called is left out."""
        made, calls = self.made(), self.calls()
        work()
        after, told = self.made(), self.calls()
        new = {name for name in GRAPH if after[name] != made[name]}
        return new, {name: told[name] - calls[name] for name in told if told[name] != calls[name]}


@pytest.fixture(scope="module")
def finished(make_video: MakeVideo, models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("finished")
    octavia = make_here(folder, models_dir)
    video = make_video("one change.mp4", picture_s=16.0, sound_s=16.0)
    settings = folder / "settings.yaml"
    settings.write_text(yaml.safe_dump({**ENGINES, "sync": {"free_rate": 1.0, "max_rate": SLOWEST_CAP}}))
    house = House(octavia, video, folder / "out")
    house.run("dub", video, "--to", LANGUAGE, "--out", house.out, "--settings", settings)
    return house


@pytest.fixture
def house(finished: House, tmp_path: Path) -> House:
    """A copy of the finished installation; its counts of calls begin where the original's ended."""
    shutil.copytree(finished.octavia.home, tmp_path / "home")
    control = tmp_path / "fakes.json"
    shutil.copyfile(finished.octavia.control, control)
    shutil.copyfile(f"{finished.octavia.control}.calls", f"{control}.calls")
    shutil.copytree(finished.out, tmp_path / "out", copy_function=shutil.copy2)
    return House(replace(finished.octavia, home=tmp_path / "home", control=control), finished.video, tmp_path / "out")


def runs_of(octavia: Octavia, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("DAGSTER_HOME", "")  # enter() sets it; the fixture puts it back
    enter(read(octavia.home))
    with dg.DagsterInstance.get() as instance:
        return instance.get_runs_count()


def test_nothing_changed_nothing_launched_nothing_touched(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    before = runs_of(house.octavia, monkeypatch)
    files = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in house.out.iterdir()}
    started = time.monotonic()
    assert house.change(house.dub) == (set(), {})
    took = time.monotonic() - started
    assert runs_of(house.octavia, monkeypatch) == before
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in house.out.iterdir()} == files
    assert took < 4 * NOTHING_TO_DO_WITHIN_S, "the figure itself is measured in bench/, on a machine at rest"


def test_a_ducking_depth_makes_the_mix_and_what_is_below_it(house: House) -> None:
    house.put("mix.duck_depth_db=3")
    before = house.said()
    assert house.change(house.dub) == ({"ducked_mix", "final_mux", "qa_report"}, {})
    assert house.said() == before, "not even the report asks an engine: nothing that sounds of itself is another"


def test_a_threshold_makes_the_report_again_and_asks_no_engine(house: House) -> None:
    strict = house.read("qa_report", QaReport)
    house.put("checks.round_trip=2")
    before = house.said()
    assert house.change(house.dub) == ({"qa_report"}, {})
    assert house.said() == before
    mild = house.read("qa_report", QaReport)
    changed = [new.name for old, new in zip(strict.measures, mild.measures, strict=True) if old != new]
    assert changed == ["round trip WER"]
    assert {one.name: one.ok for one in mild.measures}["round trip WER"]


def test_what_a_report_kept_is_what_it_would_measure_again(house: House) -> None:
    house.put("mix.duck_depth_db=3")
    house.dub()
    kept, before = house.read("qa_report", QaReport), house.said()
    for folder in (house.store.video_folder(house.id) / "measured", house.current("qa_report").folder):
        shutil.rmtree(folder)
    (house.store.video_folder(house.id) / "current" / f"qa_report.{LANGUAGE}.json").unlink()
    house.dub()
    assert len(house.said()) > len(before)
    assert house.read("qa_report", QaReport) == kept


@pytest.mark.parametrize("cleaned", [False, True], ids=["as it is", "after a cleaning"])
def test_a_raised_tempo_limit_speaks_at_most_the_lines_that_had_hit_it(house: House, cleaned: bool) -> None:
    if cleaned:
        house.run("clean", "--grace-days", "0", "--yes")
    hit = sum(one.endswith(f" {SLOWEST_CAP:.3f}") for one in house.said() if one.startswith("FakeSynthesizer "))
    before = house.read("dubbed_chunks", DubbedChunks).lines
    assert 0 < hit < len(before)
    house.put("sync.max_rate=1.3")
    new, calls = house.change(house.dub)
    assert "translation" not in new
    assert 0 < calls["FakeSynthesizer"] <= hit
    after = {line.id: line for line in house.read("dubbed_chunks", DubbedChunks).lines}
    assert sum(after[line.id].key != line.key for line in before) <= hit


def test_a_lowered_tempo_limit_speaks_only_lines_that_no_longer_fit(house: House) -> None:
    house.put("sync.max_rate=1.3")
    house.dub()
    before = house.read("dubbed_chunks", DubbedChunks).lines
    house.put("sync.max_rate=1.1")
    house.put("mix.duck_depth_db=6")  # put back to what it is, to be dubbed with the rest
    _, calls = house.change(house.dub)
    too_fast = [line for line in before if line.rate > 1.1]
    assert calls.get("FakeSynthesizer", 0) <= len(too_fast)
    after = {line.id: line for line in house.read("dubbed_chunks", DubbedChunks).lines}
    assert all(after[line.id].key == line.key for line in before if line not in too_fast)
    assert all(line.rate <= 1.1 for line in after.values())


def test_another_voice_for_one_speaker_speaks_that_speaker_s_lines(house: House) -> None:
    lines = house.read("dubbed_chunks", DubbedChunks).lines
    speaker = house.read("speaker_map", SpeakerMap).speakers[-1].id
    mine = [line for line in lines if line.speaker == speaker]
    taken = {line.voice for line in lines}
    other = next(f"fake_{kind}{n}" for kind in "fm" for n in range(4) if f"fake_{kind}{n}" not in taken)
    house.put(f"voices.cast={{{speaker}: {other}}}", language=LANGUAGE)
    new, calls = house.change(house.dub)
    assert not new & {"translation", *SOURCE_SIDE}
    assert calls["heard"] == len(mine)
    spoken = [one.split()[3] for one in house.said() if one.startswith("FakeSynthesizer ")]
    assert set(spoken[-calls["FakeSynthesizer"] :]) == {other}


def test_a_separation_setting_with_an_equal_outcome_makes_nothing_below(house: House) -> None:
    house.put("separation.track=0")  # the only one there is
    new, calls = house.change(house.dub)
    assert new == {"source_video", "stems"}
    assert "FakeSynthesizer" not in calls
    assert "FakeTranslator" not in calls


def test_a_damaged_sound_of_a_line_is_spoken_again(house: House) -> None:
    sounds = house.store.lines_folder(house.id, LANGUAGE)
    for path in sounds.glob("*.flac"):
        path.write_bytes(path.read_bytes()[:-200])
    house.put("sync.max_rate=1.3")
    house.dub()
    in_use = {line.raw_key for line in house.read("dubbed_chunks", DubbedChunks).lines}
    assert all(len(soundfile.read(sounds / f"{key}.flac")[0]) for key in in_use)


def test_what_was_made_and_deleted_is_made_again(house: House) -> None:
    report = house.current("qa_report").folder
    shutil.rmtree(report)
    assert house.change(house.dub)[0] == {"qa_report"}
    assert report.is_dir()


def test_a_file_that_was_replaced_under_its_name_is_never_muxed(house: House, tmp_path: Path) -> None:
    mine = Path(shutil.copy(house.video, tmp_path / "mine.mp4"))
    house.run("dub", mine, "--to", LANGUAGE, "--out", tmp_path / "elsewhere")
    mine.write_bytes(mine.read_bytes() + b"\0\0\0\x08free")
    house.put("mix.duck_depth_db=3")
    done = house.octavia("refresh")
    assert done.returncode == 2
    assert "mine.mp4 has changed since it was registered" in done.stderr


def test_a_second_language_asks_nothing_of_the_source_side(house: House) -> None:
    before = house.said()
    new, calls = house.change(lambda: house.dub("es"))
    assert not new & SOURCE_SIDE
    assert not {"FakeSeparator", "FakeDiarizer"} & set(calls)
    assert not [one for one in house.said()[len(before) :] if one.startswith("FakeTranscriber") and one.endswith(" en")]
    assert house.current("casting", "es").manifest.counts["voice_profiles_rederived"] == 1


def test_a_setting_put_back_asks_no_engine_and_makes_nothing(house: House) -> None:
    house.put("mix.duck_depth_db=3")
    house.dub()
    house.run("settings", "unset", "mix.duck_depth_db", "--video", house.id)
    assert house.change(house.dub) == (set(), {})
    assert house.current("ducked_mix").manifest.settings["mix"]["duck_depth_db"] == 6.0


@pytest.mark.parametrize("other", [True, False], ids=["another outcome", "an equal outcome"])
def test_a_new_code_version_makes_its_asset_and_below_it_only_what_an_outcome_changes(
    house: House, other: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    environment = read(house.octavia.home)
    enter(environment)
    for name, value in house.octavia.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(GRAPH, "casting", replace(GRAPH["casting"], code_version="99"))
    if other:
        monkeypatch.setattr("octavia_dag.assets.voices.MATCHED_NOT_CLONED", "Told in other words.")

    def run() -> None:
        with dg.DagsterInstance.get() as instance:
            running.run_job(build(environment), instance, "dub_video", dub_key(house.id, LANGUAGE))

    new, calls = house.change(run)
    assert new == ({"casting", "dubbed_chunks", "qa_report"} if other else {"casting"})
    assert "FakeSynthesizer" not in calls, "no voice is another one"
    assert Judge(workshop(environment)).plan(house.id).empty
