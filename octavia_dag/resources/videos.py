"""The videos of an installation: one record each, found by content hash, whatever name the file came under.

A record is made when a video is registered and rewritten when its file moves or another language is asked for. The
video's layers of settings lie beside it. Registering the same content twice gives the same id.
"""

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from octavia_dag.errors import InputError, StorageError
from octavia_dag.resources.artifacts import ArtifactStore, guarded, write_atomically
from octavia_dag.resources.probe import sha256_cached
from octavia_dag.schema import Document

RECORD = "video.json"
HASH_LENGTHS = (8, 16, 64)


class VideoRecord(Document):
    """A registered video. `path` is where its file was last seen, `requested` the languages asked for so far.

    `seconds` is its length, from which the time of work on it is estimated. `origin` is the address that a copy below
    `fetched` was made of, "" where it came through the drop folder.
    """

    id: str
    name: str
    path: str
    sha256: str
    size: int
    seconds: float = 0.0
    requested: tuple[str, ...] = ()
    origin: str = ""


def record(store: ArtifactStore, video: str) -> VideoRecord:
    """The record of `video`; an InputError where it was never registered."""
    path = store.video_folder(video) / RECORD
    try:
        return VideoRecord.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise InputError(
            f"There is no video {video} here; register its file with 'octavia dub FILE --to LANG'."
        ) from error
    except ValidationError as error:
        raise StorageError(f"The record of {video} is damaged; delete {path} and register its file again.") from error


def records(store: ArtifactStore) -> list[VideoRecord]:
    """All registered videos, by id."""
    folder = Path(store.root) / "videos"
    return [record(store, path.parent.name) for path in sorted(folder.glob(f"*/{RECORD}"))]


def find(store: ArtifactStore, sha256: str) -> VideoRecord | None:
    """The registered video with this content, None where there is none."""
    folder = Path(store.root) / "videos"
    for path in sorted(folder.glob(f"*-{sha256[: HASH_LENGTHS[0]]}*/{RECORD}")):
        found = record(store, path.parent.name)
        if found.sha256 == sha256:
            return found
    return None


def file_state(store: ArtifactStore, known: VideoRecord) -> Literal["whole", "gone", "another"]:
    """Whether the video's file is where it was last seen, and still holds what was registered."""
    path = Path(known.path)
    if not path.is_file():
        return "gone"
    same = sha256_cached(path, Path(store.root) / "hashes.json") == known.sha256
    return "whole" if same else "another"


def save(store: ArtifactStore, changed: VideoRecord) -> VideoRecord:
    """Writes a record and returns it."""
    with guarded(f"Registering {changed.name}"):
        write_atomically(store.video_folder(changed.id) / RECORD, changed.model_dump_json(indent=1).encode())
    return changed


def request(store: ArtifactStore, video: str, language: str) -> VideoRecord:
    """Notes that `language` is wanted of `video`; its private voices are kept until all such dubs are reported."""
    known = record(store, video)
    if language in known.requested:
        return known
    return save(store, known.model_copy(update={"requested": tuple(sorted({*known.requested, language}))}))
