"""The command as an operator runs it: another process, a home of its own, told apart from this machine's real one."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FAKES = Path(__file__).parent
LIMIT_S = 300


@dataclass(frozen=True)
class Octavia:
    """Runs the command in `home` and looks at what is left. `threads`: so many cores, None: those there are; `more`:
    other variables that it is told.
    """

    home: Path
    models_dir: str
    control: Path
    threads: int | None = None
    more: Mapping[str, str] = field(default_factory=dict[str, str])

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OCTAVIA_")}
        return kept | {
            "OCTAVIA_HOME": str(self.home),
            "OCTAVIA_MODELS": self.models_dir,
            "PYTHONPATH": str(FAKES),
            "FAKES_CONTROL": str(self.control),
            **({} if self.threads is None else {"OCTAVIA_THREADS": str(self.threads)}),
            **self.more,
        }

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", "from octavia_dag.cli import main; main()", *map(str, arguments)]
        return subprocess.Popen(
            command, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def __call__(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments) as process:
            try:
                out, err = process.communicate(timeout=LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def tell_fakes(self, wishes: dict[str, dict[str, Any]]) -> None:
        self.control.write_text(json.dumps(wishes), encoding="utf-8")

    def calls(self, name: str) -> int:
        path = Path(f"{self.control}.calls")
        return sum(line.startswith(f"{name} ") for line in path.read_text().splitlines()) if path.exists() else 0


def make_octavia(folder: Path, models_dir: str, threads: int | None = None) -> Octavia:
    """A command with a fresh home below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    control = folder / "fakes.json"
    control.write_text("{}", encoding="utf-8")
    return Octavia(folder / "home", models_dir, control, threads)


MakeVideo = Callable[..., Path]
