"""At risk: a catalogue of which the command dubs the wrong rows, too many, one twice, or says something that is not so.

A thousand rows name ten thousand seconds of film that is not there and ten small videos that are; those are really
dubbed, by the engines' fakes, within a budget that is theirs.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from here import run_here
from octavia_command import Octavia, make_octavia
from octavia_fakes import ENGINES
from tiny import tiny_videos

from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.videos import records

pytestmark = pytest.mark.operators

COUNT, TEN = 1000, 10
SECONDS = 4.0


@dataclass(frozen=True)
class Backfilled:
    """What the command said of a dry run, of a night, and of the same night begun again."""

    octavia: Octavia
    ten: list[str]
    foretold: str
    said: str
    again: str
    status: dict[str, Any]

    @property
    def store(self) -> ArtifactStore:
        return ArtifactStore(root=str(self.octavia.home / "store"), scratch=str(self.octavia.home / "scratch"))


@pytest.fixture(scope="module")
def backfilled(models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Backfilled:
    folder = tmp_path_factory.mktemp("catalogue")
    octavia = make_octavia(folder, models_dir)
    store = octavia.home / "store"
    store.mkdir(parents=True)
    minutes = (TEN + 0.5) * SECONDS / 60.0
    (store / "settings.yaml").write_text(yaml.safe_dump({**ENGINES, "catalogue": {"minutes_per_night": minutes}}))
    films = tiny_videos(models_dir, folder, TEN + 1)
    # The eleventh is as urgent as the tenth and comes after it; all others are less urgent than any of them.
    lines = [f"{path},pt-BR,{50 - number // 2}" for number, path in enumerate(films)]
    others = [f"later/{number}.mp4,pt-BR,1" for number in range(COUNT - len(lines) - 1)]
    rows = [*others[:500], *reversed(lines), "bad.mp4,klingon,99", *others[500:]]
    (octavia.home / "catalogue.csv").write_text("\n".join(["uri,languages,priority", *rows]))
    runs = [run_here(octavia, "catalogue", "backfill", *more) for more in (["--dry-run"], [], [])]
    for one in runs:
        assert one.returncode == 0, one.stderr
    status = run_here(octavia, "catalogue", "status", "--json")
    ten = sorted(films[:TEN], key=lambda path: (films.index(path) // 2, -films.index(path)))
    foretold, said, again = (f"{one.stdout}\n{one.stderr}" for one in runs)
    return Backfilled(octavia, [str(path) for path in ten], foretold, said, again, json.loads(status.stdout))


def taken(said: str) -> list[str]:
    return [line.split(": ", 1)[1].split(" into ")[0] for line in said.splitlines() if line.startswith("take row ")]


def test_the_dry_run_names_the_ten_most_urgent_that_the_budget_allows_in_their_order(backfilled: Backfilled) -> None:
    assert taken(backfilled.foretold) == backfilled.ten
    assert "989 left" in backfilled.foretold


def test_the_ten_are_really_dubbed_in_that_order_and_nothing_else_is_registered(backfilled: Backfilled) -> None:
    assert taken(backfilled.said) == backfilled.ten
    known = {one.path: one.id for one in records(backfilled.store)}
    assert set(known) == set(backfilled.ten)
    made = [backfilled.store.current("qa_report", known[path], "pt-BR") for path in backfilled.ten]
    times = [one.folder.stat().st_mtime_ns for one in made if one is not None]
    assert len(times) == TEN
    assert times == sorted(times)


def test_a_night_that_is_begun_again_takes_nothing_twice_and_no_more_than_its_budget(backfilled: Backfilled) -> None:
    assert taken(backfilled.again) == []
    assert "budget is spent" in backfilled.again


def test_the_bad_row_is_named_by_its_number(backfilled: Backfilled) -> None:
    assert "skip row 513: Its languages 'klingon' cannot be used" in backfilled.said


def test_the_status_says_where_every_row_stands(backfilled: Backfilled) -> None:
    states = {one["uri"]: one["state"] for one in backfilled.status["rows"]}
    done = {uri for uri, state in states.items() if state in ("done", "held")}
    assert done == set(backfilled.ten)
    assert sum(state == "missing" for state in states.values()) == 1
    assert sum(state == "unusable" for state in states.values()) == COUNT - TEN - 2
    assert [one["row"] for one in backfilled.status["bad"]] == [513]


def test_a_setting_that_makes_all_ten_stale_is_made_good_within_the_budget_too(backfilled: Backfilled) -> None:
    """Last, since it changes the installation."""
    octavia = backfilled.octavia
    assert run_here(octavia, "settings", "set", "mix.duck_depth_db=3").returncode == 0
    done = run_here(octavia, "catalogue", "backfill", "--minutes", 2.5 * SECONDS / 60.0)
    assert done.returncode == 0, done.stderr
    assert taken(done.stdout) == backfilled.ten[:2]
    rows = json.loads(run_here(octavia, "catalogue", "status", "--json").stdout)["rows"]
    stale = [one["uri"] for one in rows if one["state"] == "stale"]
    assert stale == backfilled.ten[2:]


def test_without_a_catalogue_the_command_says_where_it_would_lie_and_leaves_nothing_behind(
    models_dir: str, tmp_path: Path
) -> None:
    octavia = make_octavia(tmp_path / "other", models_dir)
    for command in ("status", "backfill"):
        done = run_here(octavia, "catalogue", command)
        assert done.returncode == 2
        assert "There is no catalogue" in done.stderr
    assert not octavia.home.exists()


def test_the_budget_is_a_setting_that_is_checked_and_recorded(models_dir: str, tmp_path: Path) -> None:
    octavia = make_octavia(tmp_path / "other", models_dir)
    done = run_here(octavia, "catalogue", "budget", "--minutes", "-1")
    assert done.returncode == 2
    assert "minutes_per_night" in done.stderr
    assert "90 minutes of video" in run_here(octavia, "catalogue", "budget", "--minutes", "90").stdout
    assert "90.0" in run_here(octavia, "settings", "show", "--changes").stdout
    refused = run_here(octavia, "settings", "set", "catalogue.minutes_per_night=5", "--video", "x-1a2b3c4d")
    assert refused.returncode == 2
