"""Videos that lie elsewhere are here while they are worked on; they can always be fetched again, from the archive of
what was dropped or from the address that a catalogue names.

    FETCHED/SHA256/NAME

How much may lie here is limited. What was fetched first goes first, never what a run is at work on; a step that needs
it again brings it back, and its hash tells that it is the same.
"""

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from octavia_dag.dubbing.dropping import Listed
from octavia_dag.errors import StorageError
from octavia_dag.resources import remote
from octavia_dag.resources.artifacts import ArtifactStore, guarded
from octavia_dag.resources.storage import ARCHIVE, Storage
from octavia_dag.resources.videos import VideoRecord

_LONGEST_NAME = 200  # bytes; file systems in use allow 255
_ODD = set('/\\:*?"<>|')


def file_name(name: str) -> str:
    """`name` as any file system can hold it: short, nothing hidden, its suffix kept."""
    plain = "".join("_" if one in _ODD or not one.isprintable() else one for one in name).lstrip(".") or "video"
    stem, dot, suffix = plain.rpartition(".")
    if not dot or len(suffix.encode()) > 10:
        stem, suffix = plain, ""
    room = _LONGEST_NAME - len(suffix.encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + (f".{suffix}" if suffix else "")


def keep(storage: Storage, path: Path, sha256: str) -> Path:
    """Moves a file that was fetched to where it lies from now on."""
    target = Path(storage.fetched) / sha256 / path.name
    with guarded(f"Keeping {path.name}"):
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)
    return target


def make_room(storage: Storage, needed: int, in_use: Collection[str]) -> list[str]:
    """Removes what was fetched first until `needed` bytes more are allowed; `in_use` are hashes that stay."""
    root = Path(storage.fetched)
    with guarded("Making room for what was dropped"):
        root.mkdir(parents=True, exist_ok=True)
        folders = sorted((one for one in root.iterdir() if one.is_dir()), key=lambda one: one.stat().st_mtime)
        sizes = {one.name: sum(path.stat().st_size for path in one.iterdir()) for one in folders}
        gone: list[str] = []
        for folder in folders:
            if sum(sizes.values()) + needed <= storage.most_bytes:
                break
            if folder.name not in in_use:
                shutil.rmtree(folder)
                del sizes[folder.name]
                gone.append(folder.name)
    return gone


def bring(store: ArtifactStore, storage: Storage, address: str, in_use: Collection[str]) -> Path:
    """Fetches the file at an address, and returns where it lies now."""
    doing, size = f"Fetching {address}", remote.size(address)
    make_room(storage, size, in_use)
    with store.workspace() as folder, guarded(doing):
        storage.refuse_size(doing, size, folder)
        part = folder / file_name(address.rsplit("/", 1)[-1])
        return keep(storage, part, remote.fetch(address, part))


def bring_back(store: ArtifactStore, storage: Storage, record: VideoRecord) -> None:
    """Fetches the file of a video that lies elsewhere again, where it is not here any more."""
    path = Path(record.path)
    elsewhere = bool(record.origin) or storage.there
    if not elsewhere or path.exists() or not path.is_relative_to(storage.fetched):
        return
    doing = f"Fetching {record.id} again"
    with store.workspace() as folder, guarded(doing):
        part = folder / path.name
        if record.origin:
            storage.refuse_size(doing, record.size, folder)
            sha256 = remote.fetch(record.origin, part)
            other = f"another file lies at {record.origin} now; the next night takes that one."
        else:
            sha256 = storage.fetch(_archived(storage, record, doing), part)
            other = f"what lies in the archive is another file; drop {record.name} again."
        if sha256 != record.sha256:
            raise StorageError(f"{doing}: {other}")
        keep(storage, part, record.sha256)


def _archived(storage: Storage, record: VideoRecord, doing: str) -> Listed:
    """What the archive holds of a video."""
    key = ARCHIVE + record.sha256
    found = [one for one in storage.listed(key) if one.key == key]
    if not found:
        raise StorageError(f"{doing}: it is not in the archive any more; drop {record.name} again.")
    return found[0]
