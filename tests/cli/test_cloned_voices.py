"""At risk: a cloned voice that speaks for somebody else, is kept for longer than it is needed, or is gone when it is.

With fakes for all engines, of which the synthesizer clones and samples.
"""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from finished import Dub
from octavia_command import MakeVideo, Octavia, make_octavia
from octavia_fakes import ENGINES

from octavia_dag.assets.private import PAYLOAD
from octavia_dag.schema import Casting, DubbedChunks

pytestmark = pytest.mark.operators

TO = "pt-BR"
CLONING = {**ENGINES, "synthesis": {"engine": "cloning_fakes:FakeCloning"}}


class Bench:
    """One video on one installation."""

    def __init__(self, octavia: Octavia, video: Path, folder: Path) -> None:
        self.octavia, self.video, self.folder = octavia, video, folder
        self.dub = Dub(octavia, video, Path(), {})

    def run(self, settings: dict[str, Any] = CLONING) -> None:
        path = self.folder / "settings.yaml"
        path.write_text(yaml.safe_dump(settings))
        done = self.octavia("dub", self.video, "--to", TO, "--out", self.folder / "out", "--settings", path, "--json")
        assert done.returncode == 0, done.stderr

    def edit(self) -> str:
        """Gives the first line another wording; its id."""
        path = self.folder / "table.csv"
        done = self.octavia("review", "export", self.video, "--to", TO, "--out", path)
        assert done.returncode == 0, done.stderr
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
        rows[0]["translation"] = "Algo completamente diferente."
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        done = self.octavia("review", "import", path, "--video", self.video, "--to", TO, "--json")
        assert done.returncode == 0, done.stderr
        return rows[0]["line"] if "line" in rows[0] else next(iter(rows[0].values()))

    def spoken(self) -> list[str]:
        """What was spoken anew, the fake's words for it."""
        path = Path(f"{self.octavia.control}.calls")
        return [one for one in path.read_text().splitlines() if one.startswith("FakeCloning speak")]


@pytest.fixture(scope="module")
def bench(make_video: MakeVideo, models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("cloned")
    bench = Bench(make_octavia(folder / "octavia", models_dir), make_video("cloned.mp4"), folder)
    bench.run()
    return bench


def test_everybody_speaks_in_their_own_voice_and_no_likeness_is_claimed(bench: Bench) -> None:
    cast = bench.dub.read("casting", Casting, TO)
    assert cast.cloned
    assert len(cast.roles) == 2
    assert [role.voice.id for role in cast.roles] == [f"cloned:{role.speaker}" for role in cast.roles]
    assert {role.cosine for role in cast.roles} == {None}
    voices = {line.speaker: line.voice for line in bench.dub.read("dubbed_chunks", DubbedChunks, TO).lines}
    assert voices == {role.speaker: role.voice.id for role in cast.roles}


def test_the_lines_are_made_from_the_profiles_and_the_ear_and_say_so(bench: Bench) -> None:
    made = bench.dub.artifact("dubbed_chunks", TO).manifest
    assert made.inputs["voice_profiles"] == bench.dub.artifact("voice_profiles").manifest.data_version
    assert made.engines["transcriber"] == "FakeTranscriber fake-1"


def test_a_line_that_is_always_heard_wrong_is_spoken_three_times(bench: Bench) -> None:
    """The fake ear hears words of its own."""
    takes = [line.split()[-1] for line in bench.spoken()]
    assert takes.count("0") == takes.count("1") == takes.count("2") > 0


def test_the_profiles_are_gone_after_delivery_and_derived_again_for_an_edited_line(bench: Bench) -> None:
    assert not list(bench.octavia.home.rglob(PAYLOAD))
    profiles = bench.dub.artifact("voice_profiles").manifest
    assert profiles.deleted == (PAYLOAD,)
    lines, before = len(bench.dub.read("dubbed_chunks", DubbedChunks, TO).lines), len(bench.spoken())
    bench.edit()
    bench.run()
    counts = bench.dub.artifact("dubbed_chunks", TO).manifest.counts
    assert counts["voice_profiles_rederived"] == 1
    assert counts["spoken_now"] == 1
    assert counts["taken_from_store"] == lines - 1
    assert len(bench.spoken()) == before + 3, "the edited line, in three takes"
    assert bench.dub.artifact("voice_profiles").manifest.data_version == profiles.data_version
    assert not list(bench.octavia.home.rglob(PAYLOAD))


def test_a_voice_that_is_no_clone_cannot_be_chosen(bench: Bench) -> None:
    path = bench.folder / "chosen.yaml"
    path.write_text(yaml.safe_dump({**CLONING, "voices": {**CLONING["voices"], "cast": {"A": "fake_m1"}}}))
    done = bench.octavia("dub", bench.video, "--to", "es", "--out", bench.folder / "es", "--settings", path)
    assert done.returncode == 2
    assert "FakeCloning speaks in cloned voices alone; name one by its speaker, such as cloned:A." in done.stderr


def test_with_an_engine_that_matches_nothing_is_made_from_the_profiles(bench: Bench) -> None:
    bench.run(ENGINES)
    made = bench.dub.artifact("dubbed_chunks", TO).manifest
    assert "voice_profiles" not in made.inputs
    assert "transcriber" not in made.engines
    assert not bench.dub.read("casting", Casting, TO).cloned
    assert json.dumps(made.counts).find("rederived") == -1
