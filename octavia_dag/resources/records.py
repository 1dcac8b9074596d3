"""Who changed what, and when: one JSON object a line, beside what was changed, appended and never rewritten."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from octavia_dag.resources.artifacts import guarded


def append_record(path: Path, who: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Appends `rows` with `who` and the time; a StorageError where that cannot be done."""
    when = datetime.now(UTC).isoformat(timespec="seconds")
    lines = [json.dumps({"when": when, "who": who, **row}, ensure_ascii=False, default=str) + "\n" for row in rows]
    with guarded(f"Recording a change in {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            # A record that a crash cut short ends in no newline, and must not swallow the next one.
            file.seek(max(0, file.tell() - 1))
            torn = file.read(1) not in (b"", b"\n")
            file.write((b"\n" if torn else b"") + "".join(lines).encode())


def recorded(path: Path) -> list[dict[str, Any]]:
    """What was recorded, the oldest first; a StorageError where it cannot be read."""
    with guarded(f"Reading {path}", "mend its permissions and run it again"):
        if not path.exists():
            return []
        return [row for line in path.read_bytes().splitlines() if (row := _row(line)) is not None]


def _row(line: bytes) -> dict[str, Any] | None:
    """One record; None where it was cut by a crash while it was written."""
    try:
        found: object = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
