"""How long a dub takes, what of it is engines, and how time and memory grow with the length.

    python bench/dub.py VIDEO                     one video, three times: seconds per asset, orchestration ratio
    python bench/dub.py VIDEO --minutes 2 20      the video repeated to each length, with reuse between lines off

Every dub runs in a process and a home of its own, models on disk. Peak memory is the largest process: the command
itself, since ffmpeg and the others are smaller. Machines are shared and noisy, so compare within one run.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from octavia_dag import environment
from octavia_dag.resources.artifacts import Manifest
from octavia_dag.resources.media import Media

RUNS = 3
MIB = 1024


@dataclass(frozen=True)
class Run:
    """One dub: what the command said, seconds of the whole process, its peak memory, calls made for its lines."""

    said: dict[str, Any]
    wall_seconds: float
    peak_mib: float
    counts: dict[str, int]


def dubbed(video: Path, target: str, settings: str) -> Run:
    """Dubs `video` in a fresh home, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        chosen = Path(folder) / "settings.yaml"
        chosen.write_text(settings)
        command = [sys.executable, __file__, "--inside", str(video), target, folder]
        models = {"OCTAVIA_MODELS": str(environment.read().models_dir)}
        started = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **models})
        wall = time.monotonic() - started
        if done.returncode:
            sys.exit(done.stderr)
        told = json.loads(done.stdout)
        counts: dict[str, int] = {}
        for path in Path(folder).rglob("manifest.json"):
            manifest = Manifest.model_validate_json(path.read_text())
            counts |= {f"{manifest.asset}.{name}": value for name, value in manifest.counts.items()}
        return Run(told["said"], wall, told["peak_kib"] / MIB, counts)


def inside(video: str, target: str, folder: str) -> None:
    """The measured process: the command, and its own peak memory behind it."""
    command = [str(Path(sys.executable).with_name("octavia")), "dub", video, "--to", target, "--json"]
    command += ["--out", f"{folder}/out", "--home", f"{folder}/home", "--settings", f"{folder}/settings.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    sys.stdout.write(json.dumps({"said": json.loads(done.stdout)["dubs"][0], "peak_kib": peak}))


def repeated(video: Path, minutes: float, folder: Path) -> Path:
    """`video`, as often as fills `minutes`, by stream copy."""
    media = Media(models_dir=str(environment.read().models_dir))
    seconds = float(media.probe(video, "-show_format")["format"]["duration"])
    listed = folder / "list.txt"
    listed.write_text(f"file '{video.absolute()}'\n" * max(1, round(minutes * 60 / seconds)))
    path = folder / f"{minutes:g} minutes.mp4"
    joined = ffmpeg.input(str(listed), f="concat", safe=0)
    media.run(ffmpeg.output(joined["v"], joined["a"], str(path), c="copy"), "Repeating the video")
    return path


def main() -> None:
    """Prints the figures."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("video", type=Path)
    asked.add_argument("--to", default="pt-BR")
    asked.add_argument("--minutes", type=float, nargs="+", default=[])
    asked.add_argument("--runs", type=int, default=RUNS)
    chosen = asked.parse_args()
    if not chosen.minutes:
        _report_one(chosen.video, chosen.to, chosen.runs)
        return
    with tempfile.TemporaryDirectory() as folder:
        for minutes in chosen.minutes:
            run = dubbed(repeated(chosen.video, minutes, Path(folder)), chosen.to, "synthesis: {reuse: false}\n")
            sys.stdout.write(
                f"{minutes:g} min: {run.wall_seconds:.1f} s, peak {run.peak_mib:.0f} MiB, "
                f"lines {run.counts['dubbed_chunks.lines']}, spoken {run.counts['dubbed_chunks.spoken_now']}, "
                f"heard {run.counts['qa_report.heard_now']}\n"
            )


def _report_one(video: Path, target: str, runs: int) -> None:
    found = [dubbed(video, target, "{}\n") for _ in range(runs)]
    for name in found[0].said["seconds"]:
        values = [run.said["seconds"][name] for run in found]
        sys.stdout.write(f"{name:16} {statistics.median(values):7.2f} s  ({min(values):.2f} to {max(values):.2f})\n")
    for name in ("wall_seconds", "engine_seconds", "orchestration_ratio"):
        values = [run.said[name] for run in found]
        sys.stdout.write(f"{name:20} {statistics.median(values):7.3f}  ({min(values):.3f} to {max(values):.3f})\n")
    sys.stdout.write(f"whole process {statistics.median(run.wall_seconds for run in found):.1f} s, ")
    sys.stdout.write(f"peak memory {max(run.peak_mib for run in found):.0f} MiB\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        inside(*sys.argv[2:])
    else:
        main()
