"""What a change costs: a mix setting, one edited line and a second language, as shares of the first run's time.

    python bench/changes.py VIDEO [--minutes 5] [--to pt-BR] [--second es]

The video is repeated to so many minutes and dubbed by the real engines in a home of its own; its lines share no sound
with one another, since a repetition would otherwise be spoken once. Then each change is made by the command and dubbed
again. Times are of whole processes, start-up and checks included, on one machine in one run.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from dub import repeated

from octavia_dag import environment

ALONE = "synthesis: {share: false}\n"


class House:
    """One home, and the command in it."""

    def __init__(self, folder: Path, video: Path) -> None:
        self.folder, self.video = folder, video
        self._surroundings: Mapping[str, str] = {
            **os.environ,
            "OCTAVIA_MODELS": str(environment.read().models_dir),
            "OCTAVIA_HOME": str(folder / "home"),
        }

    def run(self, *arguments: object) -> float:
        """Seconds that the command takes; what it says is shown where it fails."""
        command = [sys.executable, "-c", "from octavia_dag.cli import main; main()", *map(str, arguments)]
        started = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=self._surroundings)
        if done.returncode:
            sys.exit(done.stderr)
        return time.monotonic() - started

    def dub(self, target: str, *more: object) -> float:
        """Seconds of a dub."""
        return self.run("dub", self.video, "--to", target, "--out", self.folder / "out", *more)

    def edit_one_line(self, target: str) -> None:
        """A word more in the middle line, through the table that people correct."""
        table = self.folder / "lines.csv"
        self.run("review", "export", self.video, "--to", target, "--out", table)
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        rows[len(rows) // 2]["translation"] += " Sim."
        with table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        self.run("review", "import", table, "--video", self.video, "--to", target)


def main() -> None:
    """Prints the figures."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("video", type=Path)
    asked.add_argument("--minutes", type=float, default=5.0)
    asked.add_argument("--to", default="pt-BR")
    asked.add_argument("--second", default="es")
    chosen = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder), repeated(chosen.video, chosen.minutes, Path(folder)))
        settings = Path(folder) / "settings.yaml"
        settings.write_text(ALONE)
        first = house.dub(chosen.to, "--settings", settings)
        _tell("first run", first, first)
        _tell("nothing changed", house.dub(chosen.to), first)
        house.run("settings", "set", "mix.duck_depth_db=4", "--video", house.video)
        _tell("mix setting", house.dub(chosen.to), first)
        house.edit_one_line(chosen.to)
        _tell("one edited line", house.dub(chosen.to), first)
        _tell(f"second language ({chosen.second})", house.dub(chosen.second), first)


def _tell(what: str, seconds: float, first: float) -> None:
    sys.stdout.write(f"{what:24} {seconds:7.1f} s  {seconds / first:6.1%}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
