"""What nobody needs any more: artifacts that no pointer names, and sounds of lines that no artifact that stays has.

Both go once they have been left alone for a while. The time of grace is what makes a setting that was put back cost
nothing, and keeps what a run that is at work has just made. A deliverable and its report are never among them, even of
other settings: somebody may have been given them.
"""

import shutil
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from octavia_dag.resources.artifacts import MANIFEST, ArtifactStore, guarded
from octavia_dag.resources.locks import locked
from octavia_dag.schema import DubbedChunks

# What is handed over to people.
DELIVERED = ("final_mux", "qa_report")
# Who has lines spoken.
_SPEAKER = "dubbed_chunks"


@dataclass(frozen=True)
class Unneeded:
    """One artifact, or a sound of one line, that may go: where it lies, its size, how long it was not in use at least.

    `asset` is whose lock is held while it is removed: the one that makes it.
    """

    asset: str
    video: str
    language: str | None
    path: Path
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


def unneeded_sounds(
    store: ArtifactStore, besides: Collection[Path], *, grace_s: float, now: float | None = None
) -> Iterator[Unneeded]:
    """Sounds of single lines that no artifact has, `besides` aside, and that were not used for `grace_s`."""
    moment = time.time() if now is None else now
    for folder in sorted(Path(store.root).glob("videos/*/lines/*/")):
        video, _, language = folder.relative_to(Path(store.root) / "videos").parts
        artifacts = [one for one in store.all(_SPEAKER, video, language) if one.folder not in besides]
        in_use = {line.raw_key for one in artifacts for line in one.read(DubbedChunks).lines}
        if "" in in_use:  # an artifact of a time when its lines did not tell
            continue
        for path in sorted(folder.glob("*.flac")):
            told = path.stat()
            if path.stem not in in_use and moment - told.st_mtime > grace_s:
                yield Unneeded(_SPEAKER, video, language, path, told.st_size, moment - told.st_mtime)


def remove(store: ArtifactStore, one: Unneeded) -> bool:
    """Deletes it, unless a run has used it meanwhile; a manifest goes first, so that no half is ever read."""
    with locked(store, one.asset, one.video, one.language), guarded(f"Removing {one.path}"):
        if not one.path.exists():
            return False
        if one.path.is_file():
            if time.time() - one.path.stat().st_mtime < one.age_s:
                return False
            one.path.unlink()
            return True
        pointer = store.pointer(one.asset, one.video, one.language)
        if pointer is not None and pointer.key.startswith(one.path.name):
            return False
        (one.path / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(one.path)
        return True
