"""Which artifacts nobody needs any more: those that no pointer names, once they have been left alone for a while.

The time of grace is what makes a setting that was put back cost nothing, and keeps what a run that is at work has just
made. A deliverable and its report are never among them, even of other settings: somebody may have been given them.
"""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from octavia_dag.resources.artifacts import MANIFEST, ArtifactStore, guarded
from octavia_dag.resources.locks import locked

# What is handed over to people.
DELIVERED = ("final_mux", "qa_report")


@dataclass(frozen=True)
class Unneeded:
    """One artifact that may go: where it lies, its size, and how long nobody has pointed at it at the least."""

    asset: str
    video: str
    language: str | None
    folder: Path
    bytes: int
    age_s: float


def unneeded(store: ArtifactStore, *, grace_s: float, now: float | None = None) -> Iterator[Unneeded]:
    """Artifacts that no pointer names and that were made, or last pointed at, more than `grace_s` ago."""
    moment = time.time() if now is None else now
    root = Path(store.root) / "videos"
    for manifest in sorted(root.glob(f"*/*/**/{MANIFEST}")):
        folder = manifest.parent
        video, asset, *rest = folder.relative_to(root).parts
        language = rest[0] if len(rest) == 2 else None
        if asset in DELIVERED:
            continue
        pointer = store.pointer(asset, video, language)
        if pointer is not None and pointer.key.startswith(folder.name):
            continue
        age_s = moment - max(manifest.stat().st_mtime, folder.stat().st_mtime)
        if age_s > grace_s:
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            yield Unneeded(asset, video, language, folder, size, age_s)


def remove(store: ArtifactStore, one: Unneeded) -> bool:
    """Deletes it, unless a run has pointed at it meanwhile; the manifest goes first, so that no half is ever read."""
    with locked(store, one.asset, one.video, one.language), guarded(f"Removing {one.folder}"):
        pointer = store.pointer(one.asset, one.video, one.language)
        if not one.folder.exists() or (pointer is not None and pointer.key.startswith(one.folder.name)):
            return False
        (one.folder / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(one.folder)
        return True
