"""What a dub takes with the studio engines: seconds per stage, real-time factors, the largest GPU memory.

    .venv-studio/bin/python bench/studio.py VIDEO [--to LANG] [--profile studio] [--settings FILE]

The dub runs as an operator runs it, in a home of its own with the models of this machine. GPU memory is what nvidia-smi
tells of the command's own process, five times a second. A real-time factor is seconds of video per second of work: 60
is an hour in a minute. `octavia plan --gpu` has published figures to compare.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from octavia_dag import environment
from octavia_dag.cli.tables import aligned
from octavia_dag.resources.media import Media

_EVERY_S = 0.2


def main() -> None:
    """Prints the figures of one dub."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("video", type=Path)
    asked.add_argument("--to", default="pt-BR")
    asked.add_argument("--profile", default="studio")
    asked.add_argument("--settings", type=Path)
    chosen = asked.parse_args()
    models = str(environment.read().models_dir)
    length_s = float(Media(models_dir=models).probe(chosen.video, "-show_format")["format"]["duration"])
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "settings.yaml"
        given = chosen.settings.read_text() if chosen.settings else ""
        settings.write_text(given if "engines:" in given else f"engines: {{profile: {chosen.profile}}}\n{given}")
        said, peak_mib, wall_s = _dubbed(chosen.video, chosen.to, settings, Path(folder))
    rows = [("STAGE", "SECONDS", "REAL TIME")]
    rows += [(name, f"{took:.1f}", f"{length_s / took:.1f}x") for name, took in said["seconds"].items() if took]
    rows.append(("all, start-up included", f"{wall_s:.1f}", f"{length_s / wall_s:.1f}x"))
    sys.stdout.write("\n".join(aligned(rows)) + "\n")
    sys.stdout.write(f"largest GPU memory: {peak_mib} MiB\n" if peak_mib else "no GPU at work\n")


def _dubbed(video: Path, target: str, settings: Path, folder: Path) -> tuple[dict[str, Any], int, float]:
    """What the command said of the dub, the largest GPU memory of its process in MiB, and its wall time."""
    command = [str(Path(sys.executable).with_name("octavia")), "dub", str(video), "--to", target, "--json"]
    command += ["--out", f"{folder}/out", "--home", f"{folder}/home", "--settings", str(settings)]
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        most = _watching(process.pid, lambda: process.poll() is None)
        told, _ = process.communicate()
    if process.returncode:
        sys.exit(process.returncode)
    return json.loads(told)["dubs"][0], max(most, default=0), time.monotonic() - started


def _watching(pid: int, lives: Callable[[], bool]) -> list[int]:
    """Grows by what the process holds of the GPU's memory, for as long as it lives."""
    seen: list[int] = []

    def watch() -> None:
        query = ["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]
        while lives():
            try:
                told = subprocess.run(query, capture_output=True, text=True, check=True).stdout
            except (FileNotFoundError, subprocess.CalledProcessError):
                return
            rows = [line.split(",") for line in told.splitlines() if "," in line]
            seen.append(sum(int(memory) for owner, memory in rows if int(owner) == pid))
            time.sleep(_EVERY_S)

    threading.Thread(target=watch, daemon=True).start()
    return seen


if __name__ == "__main__":
    main()
