"""How long each asset took on this installation, from which the plan estimates.

One small file per asset, one line per making: seconds of work and seconds of video. Only its tail is read, so that an
installation of years is as quick to ask as a new one.
"""

import json
import os
from pathlib import Path
from statistics import median

from octavia_dag.resources.artifacts import ArtifactStore, guarded

_TAIL_BYTES = 4096
_LATEST = 50


def remember(store: ArtifactStore, asset: str, seconds: float, programme_s: float) -> None:
    """Notes that making `asset` of a video of `programme_s` took `seconds`; a video of unknown length is left out."""
    if programme_s <= 0:
        return
    path = _path(store, asset)
    with guarded(f"Noting the time of {asset}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([round(seconds, 3), round(programme_s, 3)]) + "\n")


def estimate_s(store: ArtifactStore, asset: str, programme_s: float) -> float | None:
    """Seconds that making `asset` of such a video will likely take: the median pace; None where nothing is known."""
    try:
        with _path(store, asset).open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return None
    paces = [seconds / length for seconds, length in filter(None, map(_row, lines[-_LATEST:]))]
    return median(paces) * programme_s if paces and programme_s > 0 else None


def _row(line: str) -> tuple[float, float] | None:
    """One line; None for the first of a tail, which may be cut, or the last of a crash."""
    try:
        seconds, length = json.loads(line)
    except ValueError:
        return None
    return float(seconds), float(length)


def _path(store: ArtifactStore, asset: str) -> Path:
    return Path(store.root) / "history" / f"{asset}.jsonl"
