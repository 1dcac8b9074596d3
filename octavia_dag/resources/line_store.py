"""Sounds of single lines, by a key of all that they were made from: a one-line edit speaks one line.

The store outlives the artifacts, whose keys change with any line. A sound appears in it whole or not at all.
"""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from octavia_dag.resources.engines import Samples
from octavia_dag.resources.sound import write_flac


class LineStore:
    """A folder of FLAC files, mono, 16 bit."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Path | None:
        """The sound of a key, None where it was never made; its time of change becomes that of its latest use."""
        path = self._path(key)
        try:
            with suppress(PermissionError):  # another account's: it can be read, and keeps its time
                os.utime(path)
        except FileNotFoundError:
            return None
        return path

    def put(self, key: str, sound: Samples, rate_hz: int) -> Path:
        """Keeps a mono sound and returns where; one beyond full scale is scaled down to it."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        peak = float(np.abs(sound).max(initial=0.0))
        write_flac(path, [sound / np.float32(max(1.0, peak))], rate_hz, 1)
        return path

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.flac"


def line_key(*parts: object) -> str:
    """sha256 of the canonical JSON of `parts`."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, default=str).encode()).hexdigest()
