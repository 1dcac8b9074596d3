"""At risk: a correction that is lost, or that makes more than it changed; speech before somebody approved the text."""

import csv
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from octavia_command import MakeVideo, Octavia, make_octavia
from octavia_fakes import ENGINES

from octavia_dag.cli.who import operator
from octavia_dag.graph import of_granularity

pytestmark = pytest.mark.operators

LANGUAGE = "pt-BR"
SOURCE_SIDE = [node.name for node in of_granularity("video")]


class Bench:
    """One video on one installation, with a table in hand."""

    def __init__(self, octavia: Octavia, video: Path, folder: Path) -> None:
        self.octavia, self.video, self.folder = octavia, video, folder
        self.tables = 0

    def dub(self, change: Mapping[str, Any] | None = None) -> dict[str, Any]:
        settings = self.folder / "settings.yaml"
        settings.write_text(yaml.safe_dump({**ENGINES, **(change or {})}))
        given = ("--to", LANGUAGE, "--out", self.folder / "out", "--settings", settings, "--json")
        done = self.octavia("dub", self.video, *given)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["dubs"][0]

    def export(self) -> list[dict[str, str]]:
        self.tables += 1
        path = self.folder / f"table{self.tables}.csv"
        done = self.octavia("review", "export", self.video, "--to", LANGUAGE, "--out", path)
        assert done.returncode == 0, done.stderr
        return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))

    def take(self, rows: list[dict[str, str]], *more: str) -> tuple[int, dict[str, Any]]:
        path = self.folder / "edited.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        done = self.octavia("review", "import", path, "--video", self.video, "--to", LANGUAGE, "--json", *more)
        return done.returncode, json.loads(done.stdout)

    def calls(self) -> dict[str, int]:
        """Calls of every engine; a transcriber's apart by what it listens to: lines of the dub are in its language."""
        said = Path(f"{self.octavia.control}.calls").read_text().splitlines()
        names = ("Separator", "Diarizer", "Synthesizer")
        engines = {name: self.octavia.calls(f"Fake{name}") for name in names}
        round_trips = sum(one.startswith("FakeTranscriber transcribe") and one.endswith(" pt") for one in said)
        return {**engines, "round trips": round_trips}

    def made(self, *assets: str) -> set[Path]:
        """Folders of everything that was ever made of these assets."""
        return {path for name in assets for path in self.kept(f"{name}/*/manifest.json")}

    def kept(self, name: str) -> list[Path]:
        return list((self.octavia.home / "store" / "videos").glob(f"*/{name}"))


@pytest.fixture(scope="module")
def dubbed(make_video: MakeVideo, models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("reviewed")
    bench = Bench(make_octavia(folder / "octavia", models_dir), make_video("reviewed.mp4"), folder)
    bench.dub()
    return bench


@pytest.fixture
def bench(dubbed: Bench, tmp_path: Path) -> Bench:
    """A copy of the dubbed installation."""
    shutil.copytree(dubbed.folder, tmp_path / "copy", copy_function=shutil.copy2)
    octavia = tmp_path / "copy" / "octavia"
    copied = replace(dubbed.octavia, home=octavia / "home", control=octavia / dubbed.octavia.control.name)
    return Bench(copied, dubbed.video, tmp_path / "copy")


def test_one_changed_translation_speaks_and_hears_one_line(bench: Bench) -> None:
    rows = bench.export()
    first, rest = rows[0]["translation"].split(maxsplit=1)
    rows[0]["translation"] = f"{first}a {rest}"  # another length, so another sound to hear
    assert bench.take(rows)[0] == 0
    before, source = bench.calls(), bench.made(*SOURCE_SIDE)
    bench.dub()
    after = bench.calls()
    assert {name: after[name] - before[name] for name in after} == {
        "Separator": 0,
        "Diarizer": 0,
        "Synthesizer": 1,
        "round trips": 1,
    }
    assert bench.made(*SOURCE_SIDE) == source
    now = bench.export()
    assert now[0]["translation"] == rows[0]["translation"]
    assert "edited by a person" in now[0]["flags"]


def test_a_locked_line_survives_a_changed_original(bench: Bench) -> None:
    rows = bench.export()
    kept = rows[0]["translation"]
    rows[0]["locked"] = "yes"
    assert bench.take(rows)[0] == 0  # locked for the original of today, which changes only afterwards
    rows[0]["original"], rows[1]["original"] = "Something else was said.", "This too."
    assert bench.take(rows)[0] == 0
    bench.dub()
    now = bench.export()
    assert (now[0]["original"], now[0]["translation"], now[0]["locked"]) == (rows[0]["original"], kept, "yes")
    assert now[1]["translation"] != rows[1]["translation"]


def test_a_refused_row_leaves_everything_as_it_was_unless_it_is_skipped(bench: Bench) -> None:
    rows = bench.export()
    rows[0]["translation"] = "outra frase."
    rows[1]["start"] = "99"
    code, told = bench.take(rows)
    assert (code, told["written"], [one["row"] for one in told["refused"]]) == (2, False, [3])
    assert not bench.kept(f"edits.{LANGUAGE}.json")
    code, told = bench.take(rows, "--skip-refused")
    assert (code, told["written"], len(told["refused"])) == (0, True, 1)
    assert bench.export()[0]["translation"] == "outra frase."


def test_a_name_makes_the_report_and_no_sound(bench: Bench) -> None:
    rows = bench.export()
    renamed = [{**row, "speaker": "Anna" if row["speaker"] == "A" else row["speaker"]} for row in rows]
    assert bench.take(renamed)[0] == 0
    before = bench.calls()
    bench.dub()
    assert bench.calls() == before
    report = json.loads((bench.folder / "out" / f"reviewed.{LANGUAGE}.qa.json").read_text())
    assert report["lines"][0]["speaker"] == "Anna"
    assert bench.export()[0]["speaker"] == "Anna"


def test_what_was_corrected_is_told_with_who_and_when(bench: Bench) -> None:
    rows = bench.export()
    rows[0]["translation"] = "Outra coisa."
    code, _ = bench.take(rows)
    assert code == 0
    done = bench.octavia("review", "changes", bench.video, "--to", LANGUAGE)
    when, who, what = done.stdout.strip().split("  ")
    assert datetime.now(UTC) - datetime.fromisoformat(when) < timedelta(minutes=5)
    assert who == operator()
    assert rows[0]["line"] in what


def test_a_voice_becomes_a_setting_of_this_dub_with_who_chose_it(bench: Bench) -> None:
    rows = bench.export()
    voice = "fake_f3" if rows[0]["voice"] != "fake_f3" else "fake_f2"
    rows[0]["voice"] = voice
    assert bench.take(rows)[0] == 0
    layer = yaml.safe_load(bench.kept(f"settings.{LANGUAGE}.yaml")[0].read_text())
    assert layer["voices"]["cast"] == {rows[0]["speaker"]: voice}
    assert json.loads(bench.kept("settings.changes.jsonl")[0].read_text().splitlines()[-1])["who"]
    bench.dub()
    assert bench.export()[0]["voice"] == voice


def test_a_split_and_a_drop_are_made_by_the_next_run(bench: Bench) -> None:
    rows = bench.export()
    words = rows[0]["original"].split()
    rows[0] |= {
        "action": "split",
        "original": f"{' '.join(words[:1])} | {' '.join(words[1:])}",
        "translation": "uma parte | outra parte",
    }
    rows[-1]["action"] = "drop"
    assert bench.take(rows)[0] == 0
    bench.dub()
    now = bench.export()
    first = rows[0]["line"]
    assert [row["line"] for row in now][:2] == [first, f"{first}b"]
    assert [row["translation"] for row in now][:2] == ["uma parte", "outra parte"]
    assert rows[-1]["line"] not in {row["line"] for row in now}


def test_nothing_is_spoken_before_the_translation_is_approved(
    make_video: MakeVideo, models_dir: str, tmp_path: Path
) -> None:
    bench = Bench(make_octavia(tmp_path / "octavia", models_dir), make_video("waiting.mp4"), tmp_path)
    required = {"delivery": {"review": "required"}}
    waiting = bench.dub(required)
    assert waiting["waiting"].startswith("waiting for approval: octavia review approve waiting-")
    assert (waiting["outputs"], waiting["error"], waiting["exit_code"]) == ([], None, 0)
    assert bench.octavia.calls("FakeSynthesizer") == 0

    approve = waiting["waiting"].removeprefix("waiting for approval: octavia ").split()
    assert bench.octavia(*approve).returncode == 0
    done = bench.dub(required)
    assert (done["waiting"], len(done["outputs"])) == (None, 4)

    rows = bench.export()
    rows[0]["translation"] = "outra frase."
    bench.take(rows)
    early = bench.octavia(*approve)
    assert "corrections were taken back" in early.stderr, "what is approved would be the text before them"
    assert early.returncode
    again = bench.dub(required)
    assert again["waiting"], "a changed translation was spoken on the approval of the one before"
