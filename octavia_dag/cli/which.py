"""Which video is meant: by its id, by enough of its beginning, or by its file."""

from pathlib import Path

from octavia_dag.errors import InputError
from octavia_dag.resources import videos as registry
from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.probe import sha256_cached
from octavia_dag.resources.videos import VideoRecord


def meant(store: ArtifactStore, text: str) -> VideoRecord:
    """The registered video that `text` means; an InputError where it means none, or more than one."""
    known = registry.records(store)
    exact = [one for one in known if one.id == text]
    path = Path(text)
    if exact:
        return exact[0]
    if path.is_file():
        return _by_file(store, path)
    found = [one for one in known if text and one.id.startswith(text)]
    if len(found) > 1:
        raise InputError(f"{text!r} is the beginning of {', '.join(one.id for one in found)}; write more of it.")
    if not found:
        raise InputError(f"There is no video {text!r} here and no such file; list those there are: 'octavia videos'.")
    return found[0]


def _by_file(store: ArtifactStore, path: Path) -> VideoRecord:
    found = registry.find(store, sha256_cached(path, Path(store.root) / "hashes.json"))
    if found is None:
        raise InputError(f"{path} was never registered; register it with 'octavia dub {path} --to LANG'.")
    return found
