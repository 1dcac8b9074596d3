"""Takes uploads out of the drop folder: fetched, checked, archived, registered, and only then removed.

This is a run of its own and no part of a tick, since an upload may take minutes to fetch. Every write before the
removal can be made again to the same effect, so a run that is killed anywhere is simply repeated. An arrival is
recorded with its version before anything of it is removed, and the sidecar goes before the video: a repetition never
reads a video without the settings it came with, and one whose sidecar was replaced meanwhile stays to be taken again.
Whether it is dubbed then is not decided here: the automation dubs every video that has languages it is not dubbed into.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from pydantic import Field

from octavia_dag.assets.admission import record_of, refuse_container, refuse_undubbable, register
from octavia_dag.assets.drops import asked_for, drops_of, merged_settings, record_drop, refuse_no_language
from octavia_dag.dubbing.dropping import Listed, Upload
from octavia_dag.dubbing.uniting import Layer
from octavia_dag.errors import InputError, MediaError
from octavia_dag.layers import Place, change_layer, layer_at
from octavia_dag.partitions import parts
from octavia_dag.resources.fetched import file_name, keep, make_room
from octavia_dag.resources.nights import open_now
from octavia_dag.resources.probe import probe_video
from octavia_dag.resources.storage import ARCHIVE, QUARANTINE, ChangedError, Storage
from octavia_dag.resources.videos import VideoRecord, find, record
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import Drop
from octavia_dag.sensors.automation import partitions_at_work
from octavia_dag.sensors.handing_over import being_delivered
from octavia_dag.sensors.one_by_one import one_by_one
from octavia_dag.settings import effective

WHO = "drop folder"
JOB = "take_uploads"
_REASON = "reason.txt"


class ObjectConfig(dg.Config):
    """One object of the storage, as it was listed."""

    key: str
    size: int
    etag: str
    modified: float

    @classmethod
    def of(cls, one: Listed) -> "ObjectConfig":
        """The same as configuration."""
        return cls(key=one.key, size=one.size, etag=one.etag, modified=one.modified)

    @property
    def listed(self) -> Listed:
        """The same as it was listed."""
        return Listed(self.key, self.size, self.etag, self.modified)


class UploadConfig(dg.Config):
    """A video and what lies beside it."""

    video: ObjectConfig
    beside: dict[str, ObjectConfig] = Field(default={}, description="What lies beside it, by what it is.")
    reason: str = Field(default="", description="Why it goes to quarantine unseen.")

    @classmethod
    def of(cls, one: Upload) -> "UploadConfig":
        """The same as configuration."""
        told = {"sidecar": one.sidecar, "sidecar_done": one.sidecar_done, "done": one.done, "settings": one.settings}
        beside = {name: ObjectConfig.of(found) for name, found in told.items() if found is not None}
        return cls(video=ObjectConfig.of(one.video), beside=beside, reason=one.reason)

    @property
    def upload(self) -> Upload:
        """The same as the decision knows it."""
        beside = {name: one.listed for name, one in self.beside.items()}
        return Upload(self.video.listed, **beside, reason=self.reason)


class TakeConfig(dg.Config):
    """What to take."""

    uploads: list[UploadConfig]


@dg.op(name="take", description="Fetches, checks, archives and registers uploads, and removes them from incoming/.")
def take(context: dg.OpExecutionContext, config: TakeConfig, workshop: Workshop) -> None:
    """One after the other; what cannot be taken now does not stop the others."""
    uploads = [one.upload for one in config.uploads]
    one_by_one(
        context,
        workshop,
        "taking",
        (ARCHIVE, QUARANTINE),
        uploads,
        lambda one: take_one(workshop, context.instance, one),
    )


@dg.job(name=JOB, executor_def=dg.in_process_executor, description="Takes what lies in the drop folder.")
def take_uploads() -> None:
    """The op alone."""
    take()


def take_one(tools: Workshop, instance: dg.DagsterInstance, upload: Upload) -> str:
    """Takes one upload and says what became of it; ChangedError where it is gone or another one by now."""
    video = upload.video
    if upload.reason:
        return quarantined(tools.storage, upload, upload.reason)
    with tools.store.workspace() as folder:
        path = folder / file_name(video.name)
        make_room(tools.storage, video.size, in_use(tools, instance))
        sha256 = tools.storage.fetch(video, path)
        known = record_of(tools.store, video.name, sha256)
        try:
            drop, layer, seconds = _admitted(tools, upload, path, known, folder)
        except (InputError, MediaError) as error:
            return quarantined(tools.storage, upload, str(error), path)
        tools.storage.keep(video, ARCHIVE + sha256, path)
        kept = keep(tools.storage, path, sha256)
    change_layer(Path(tools.store.root), Place(known.id), layer, who=WHO)
    record_drop(tools.store, known.id, drop)
    register(tools.store, instance, known, kept, seconds, drop.languages)
    open_now(tools.store, known.id)
    if upload.sidecar is not None and not tools.storage.remove(upload.sidecar):
        raise ChangedError(f"{upload.sidecar.key} has changed while its video was taken; both are looked at again.")
    for one in (upload.sidecar_done, upload.done, video):
        if one is not None:
            tools.storage.remove(one)
    return f"{video.key} is {known.id}, to be dubbed into {', '.join(drop.languages)}."


def quarantined(storage: Storage, upload: Upload, reason: str, path: Path | None = None) -> str:
    """Moves an upload and what lies beside it to the quarantine, the reason first; `path` holds its bytes, if any.

    Nothing stays there of what has changed meanwhile: it may be fine by now.
    """
    video = upload.video
    place = f"{QUARANTINE}{hashlib.sha256(f'{video.key} {video.version}'.encode()).hexdigest()[:16]}/"
    told = f"{video.key}\n{video.size} bytes, ETag {video.etag}\n\n{reason}\n"
    storage.write(place + _REASON, told.encode(errors="replace"))
    beside = [one for one in (upload.sidecar, upload.sidecar_done, upload.done) if one is not None]
    names = {one: place + file_name(one.name) for one in (*beside, video)}
    try:
        for one, name in names.items():
            storage.keep(one, name, path if one is video else None)
    except ChangedError:
        for name in (*names.values(), place + _REASON):
            storage.delete(name)
        raise
    for one in names:
        storage.remove(one)
    return f"{video.key} went to {place}: {reason}"


def _admitted(
    tools: Workshop, upload: Upload, path: Path, known: VideoRecord, folder: Path
) -> tuple[Drop, Layer, float]:
    """The arrival, the video's layer with its settings in it, its length; an InputError where it cannot be dubbed."""
    root, video = Path(tools.store.root), upload.video
    now = layer_at(root, Place(known.id))
    # A repetition whose sidecar is gone already; with one it is judged anew, since a bucket's clock counts seconds, and
    # within one the same content may be put there again with other settings.
    recorded = find(tools.store, known.sha256) is not None and upload.sidecar is None
    for one in drops_of(tools.store, known.id) if recorded else ():
        if (one.key, one.version) == (video.key, video.version):
            return one, now, known.seconds
    refuse_container(path, probe_video(tools.media, path, known.sha256, None))
    languages, wanted = asked_for(tools.storage, upload, folder)
    layer = merged_settings(tools.store, known.id, now, video.key, wanted)
    settings = effective([layer_at(root, Place()), layer])
    source = probe_video(tools.media, path, known.sha256, settings.separation.track)
    targets = languages or tuple(dict.fromkeys(settings.delivery.languages))
    refuse_no_language(video.key, targets)
    refuse_undubbable(tools, settings, targets)
    drop = Drop(
        key=video.key,
        version=video.version,
        etag=video.etag,
        size=video.size,
        when=datetime.now(UTC).isoformat(timespec="milliseconds"),
        languages=targets,
        settings=wanted,
    )
    return drop, layer, source.seconds


def in_use(tools: Workshop, instance: dg.DagsterInstance) -> set[str]:
    """Hashes of the videos that runs are at work on, or wait to be."""
    found: set[str] = set()
    for video in {key.rpartition("|")[2] for key in partitions_at_work(instance)} | being_delivered(instance):
        if (tools.store.video_folder(video) / "video.json").exists():
            found.add(record(tools.store, parts(video)[0]).sha256)
    return found
