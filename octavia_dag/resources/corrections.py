"""Where corrections lie: small files beside a video's artifacts, which outlive every run.

    STORE/videos/VIDEO/line_ids.json     the ids that stretches of time are known by
    STORE/videos/VIDEO/edits.json        corrections of the original, and the speakers' names
    STORE/videos/VIDEO/edits.LANG.json   wordings of one language
    STORE/videos/VIDEO/edits.changes.jsonl   who changed what of these, and when

They are written whole or not at all. A damaged one is refused, never taken for an empty one: what people did by hand
would be gone without a word.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from octavia_dag.errors import StorageError
from octavia_dag.resources.artifacts import ArtifactStore, guarded, write_atomically
from octavia_dag.resources.records import append_record, recorded
from octavia_dag.schema import Corrections, Document, LineIds, TextEdits

D = TypeVar("D", bound=Document)

_REMEDY = "mend its permissions and run it again"
_DAMAGED = "put back a copy of it, or delete it and do without what it held"


def read_line_ids(store: ArtifactStore, video: str) -> LineIds:
    """The ids of the video's lines so far."""
    return read_document(_line_ids(store, video), LineIds) or LineIds()


def keep_line_ids(store: ArtifactStore, video: str, ids: LineIds) -> None:
    """Keeps the ids for the next time the lines are made."""
    keep_document(_line_ids(store, video), ids)


def read_corrections(store: ArtifactStore, video: str) -> Corrections:
    """What was corrected of the original."""
    return read_document(_corrections(store, video), Corrections) or Corrections()


def keep_corrections(store: ArtifactStore, video: str, corrections: Corrections) -> None:
    """Makes these the corrections of the original."""
    keep_document(_corrections(store, video), corrections)


def read_texts(store: ArtifactStore, video: str, language: str) -> TextEdits:
    """What people want to be said in one language."""
    return read_document(_texts(store, video, language), TextEdits) or TextEdits()


def keep_texts(store: ArtifactStore, video: str, language: str, texts: TextEdits) -> None:
    """Makes these the wordings of one language."""
    keep_document(_texts(store, video, language), texts)


def record_corrections(store: ArtifactStore, video: str, language: str, *, who: str, told: Sequence[str]) -> None:
    """Keeps who made which corrections, in words, while reviewing the dub in `language`."""
    append_record(_changes(store, video), who, [{"language": language, "change": one} for one in told])


def recorded_corrections(store: ArtifactStore, video: str, language: str) -> list[dict[str, Any]]:
    """Which corrections were made in reviews of one dub, the oldest first: when, who, change."""
    return [row for row in recorded(_changes(store, video)) if row["language"] == language]


def read_document(path: Path, kind: type[D], *, damaged: str = _DAMAGED) -> D | None:
    """The document at `path`, None where there is none; a StorageError where it is damaged, which says what to do."""
    with guarded(f"Reading {path}", _REMEDY):
        try:
            return kind.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise StorageError(f"Reading {path}: the file is damaged; {damaged}.") from error


def keep_document(path: Path, document: Document) -> None:
    """Writes a document whole, and only where it changes something."""
    content = document.model_dump_json(indent=1).encode()
    with guarded(f"Writing {path}"):
        if not path.exists() or path.read_bytes() != content:
            write_atomically(path, content)


def _line_ids(store: ArtifactStore, video: str) -> Path:
    return store.video_folder(video) / "line_ids.json"


def _corrections(store: ArtifactStore, video: str) -> Path:
    return store.video_folder(video) / "edits.json"


def _texts(store: ArtifactStore, video: str, language: str) -> Path:
    return store.video_folder(video) / f"edits.{language}.json"


def _changes(store: ArtifactStore, video: str) -> Path:
    return store.video_folder(video) / "edits.changes.jsonl"
