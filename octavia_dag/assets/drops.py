"""What was dropped, beside the video it became: under which names it came, into which languages, with which settings.

    STORE/videos/VIDEO/drop/drops.json

Languages are those of the sidecar, else of the folder's settings.yaml, else of the deepest folder that is named after
languages (`es+pt-BR`), else of the catalogue. Settings are the folder's, and the sidecar's over them. Both come from
whoever may write into the storage, so they may not name engines or addresses: those run code, or are sent texts and a
key. Nor may they open the thresholds by which a dub is held, or set prices and nights: those are the operator's.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from octavia_dag.dubbing.dropping import Upload
from octavia_dag.dubbing.uniting import Layer, laid_over, united, without
from octavia_dag.errors import InputError, PairError, SettingsError
from octavia_dag.layers import read_layer
from octavia_dag.partitions import LANGUAGES, checked_language
from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.corrections import keep_document, read_document
from octavia_dag.resources.foreign import for_operators
from octavia_dag.resources.storage import INCOMING, Storage
from octavia_dag.schema import Drop, Drops

_MOST_SETTINGS = 1 << 20
_LANGUAGES = ("delivery", "languages")


def drops_path(store: ArtifactStore, video: str) -> Path:
    """Where the arrivals of a video are recorded."""
    return store.video_folder(video) / "drop" / "drops.json"


def drops_of(store: ArtifactStore, video: str) -> tuple[Drop, ...]:
    """The arrivals of a video, the oldest first; none where it was not dropped."""
    found = read_document(drops_path(store, video), Drops)
    return found.drops if found else ()


def dropped_at(store: ArtifactStore, video: str) -> float:
    """When a video was dropped last, in seconds of the clock; 0 where it never was."""
    return max((datetime.fromisoformat(one.when).timestamp() for one in drops_of(store, video)), default=0.0)


def record_drop(store: ArtifactStore, video: str, drop: Drop) -> None:
    """Adds an arrival; one of the same key and version is the same."""
    others = [one for one in drops_of(store, video) if (one.key, one.version) != (drop.key, drop.version)]
    keep_document(drops_path(store, video), Drops(drops=(*others, drop)))


def asked_for(storage: Storage, upload: Upload, folder: Path) -> tuple[tuple[str, ...], Layer]:
    """Languages (none: the catalogue's) and settings that an upload asks for itself; an InputError where it may not."""
    layer: Layer = {}
    for one in (upload.settings, upload.sidecar):
        if one is not None:
            if one.size > _MOST_SETTINGS:
                raise SettingsError(f"{one.name} has {one.size} bytes, too many for settings; make it smaller.")
            layer = laid_over(layer, _layer(storage.read(one, _MOST_SETTINGS), one.name, folder))
    named = layer.get("delivery", {}).get("languages")
    languages = tuple(checked_language(str(tag)) for tag in named) if named else folder_languages(upload.video.key)
    return tuple(dict.fromkeys(languages)), without(layer, [_LANGUAGES])


def merged_settings(store: ArtifactStore, video: str, now: Layer, key: str, wanted: Layer) -> Layer:
    """The video's layer with this upload's settings in it; a SettingsError where they contradict others'."""
    latest = {one.key: one.settings for one in drops_of(store, video)}
    own = latest.pop(key, {})
    merged, conflicts = united(now, own, wanted, latest.values())
    if conflicts:
        raise SettingsError(
            f"{key.rsplit('/', 1)[-1]} is the video {video}, which has other settings: {'; '.join(conflicts)}. "
            "Drop it with the same settings, or without any."
        )
    return merged


def folder_languages(key: str) -> tuple[str, ...]:
    """Languages of the deepest folder that names any; a PairError where one of them is not dubbed into."""
    for folder in reversed(key.removeprefix(INCOMING).split("/")[:-1]):
        tags = [tag.strip() for tag in folder.split("+")]
        if any(_known(tag) for tag in tags):
            return tuple(checked_language(tag) for tag in tags)
    return ()


def refuse_no_language(key: str, targets: tuple[str, ...]) -> None:
    """An InputError where there is nothing to dub into."""
    if not targets:
        raise InputError(
            f"There is no language to dub {key.rsplit('/', 1)[-1]} into; put it into a folder named after languages "
            f"({', '.join(LANGUAGES)}; two as es+pt-BR), or name them in a file beside it."
        )


def _layer(content: bytes, name: str, folder: Path) -> Layer:
    path = folder / "sidecar.yaml"
    path.write_bytes(content)
    try:
        layer: dict[str, dict[str, Any]] = read_layer(path)
    except SettingsError as error:
        raise SettingsError(str(error).replace(str(path), name)) from error
    finally:
        path.unlink()
    forbidden = for_operators(layer)
    if forbidden:
        raise SettingsError(f"{name} sets {forbidden}, which may not come with a video; ask the operator to set it.")
    return layer


def _known(tag: str) -> bool:
    try:
        return bool(checked_language(tag))
    except PairError:
        return False
