"""What the report measured of things that a change did not touch is kept, so that the change does not pay for it.

Each measurement is kept under a hash of all that it depends on: what it measures, by their data versions, and the
engines that it asks. Only the latest of each name is there, so nothing piles up; a setting that is put back finds the
whole report again. Numbers and times alone are kept, never a voice.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from octavia_dag.assets.engaging import engine_for
from octavia_dag.assets.step import Work
from octavia_dag.graph import RoleName
from octavia_dag.resources.artifacts import guarded, write_atomically
from octavia_dag.resources.engines import Engine
from octavia_dag.schema import Document
from octavia_dag.settings import digest

T = TypeVar("T")


class _Kept(Document):
    key: str
    value: Any


def measured(
    work: Work,
    name: str,
    kind: TypeAdapter[T],
    measure: Callable[[], T],
    *,
    of: Sequence[str],
    roles: Sequence[RoleName] = (),
    also: Mapping[str, Any] | None = None,
    shared: bool = False,
) -> T:
    """What `measure` returns, or returned before for the same inputs `of`, engines of `roles` and values `also`.

    `shared`: every language of the video finds it, so it may depend on no target language. A StorageError where it
    cannot be kept; one that is damaged is measured again.
    """
    engines = {role: engine_for(work.workshop, work.settings, Engine, role).info() for role in roles}
    asked = {role: f"{one.name} {one.revision}" for role, one in engines.items()}
    versions = {one: work.inputs[one].manifest.data_version for one in of}
    key = digest([name, work.node.code_version, versions, asked, dict(also or {})])
    path = _place(work, name, shared)
    kept = _read(path, key)
    if kept is not None:
        with suppress(ValidationError):
            return kind.validate_python(kept.value)
    value = measure()
    told = _Kept(key=key, value=kind.dump_python(value, mode="json"))
    with guarded(f"Keeping what was measured of {work.video}"):
        write_atomically(path, told.model_dump_json().encode())
    return value


def _place(work: Work, name: str, shared: bool) -> Path:
    folder = work.workshop.store.video_folder(work.video) / "measured"
    return folder / (f"{name}.json" if shared else f"{name}.{work.tag}.json")


def _read(path: Path, key: str) -> _Kept | None:
    try:
        kept = _Kept.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    return kept if kept.key == key else None
