"""One mechanism for all assets: look for the manifest, else make in scratch, verify, publish.

    content key = hash(code version, data versions of the inputs, effective settings read, engines and revisions)

A step reads its settings itself, at step time, and its inputs through the store's pointers, never from Dagster's
event log (whose input tags are hashes of hashes for partitioned inputs). Failures reach Dagster as one sentence with
the exit code in their metadata; an interrupted run is marked canceled and its scratch is gone.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg

from octavia_dag.errors import InputError, OctaviaError, RefusedError
from octavia_dag.graph import GRAPH, ROLE_SETTINGS, Node, RoleName
from octavia_dag.partitions import DUBS, VIDEOS, parts
from octavia_dag.resources import progress, vad, videos
from octavia_dag.resources.artifacts import PICTURE, Artifact, Manifest, data_version, stored_files
from octavia_dag.resources.engines import Engine
from octavia_dag.resources.stopwatch import intervals, union_seconds
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import Document, Transcript
from octavia_dag.settings import Settings, digest, effective, read_layer, slice_values

E = TypeVar("E", bound=Engine)
D = TypeVar("D", bound=Document)
Result = dg.MaterializeResult[Any]
CHAT_CONDENSER = "octavia_dag.resources.chat_condenser:ChatCondenser"


@dataclass(frozen=True)
class Made:
    """What a step made: its document, counts for the metadata, a picture; files lie in the work's folder.

    `version` replaces the hash of the content where the content is private (a keyed hash).
    """

    document: Document
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    picture: bytes | None = None
    version: str | None = None


@dataclass(frozen=True)
class Work:
    """What a step works with: one partition, its effective settings, its inputs, a folder of its own."""

    node: Node
    video: str
    language: str | None
    settings: Settings
    workshop: Workshop
    inputs: Mapping[str, Artifact]
    record: videos.VideoRecord
    folder: Path

    def read(self, name: str, kind: type[D]) -> D:
        """The document of an input."""
        return self.inputs[name].read(kind)

    def file(self, name: str, file: str) -> Path:
        """A file of an input."""
        return self.inputs[name].file(file)

    def engine(self, role: type[E], name: RoleName) -> E:
        """The engine that the settings choose for a role."""
        return engine_for(self.workshop, self.settings, role, name)

    def report(self, fraction: float) -> None:
        """Tells how much of this step is done."""
        progress.report(self.node.name, fraction)

    @property
    def tag(self) -> str:
        """The target language; only steps of a dub have one."""
        assert self.language is not None
        return self.language


def asset(name: str) -> Callable[[Callable[[dg.AssetExecutionContext, Workshop], Result]], dg.AssetsDefinition]:
    """`dg.asset`, with everything that the graph declares of `name`."""
    node = GRAPH[name]
    return dg.asset(
        name=node.name,
        deps=[dg.AssetKey(one) for one in node.inputs],
        group_name=node.group,
        description=node.description,
        partitions_def=VIDEOS if node.granularity == "video" else DUBS,
        kinds=set(node.kinds),
        owners=[node.owner],
        code_version=node.code_version,
        tags={"octavia/private": "true"} if node.private else {},
    )


def run_step(
    context: dg.AssetExecutionContext,
    workshop: Workshop,
    make: Callable[[Work], Made],
    tell: Callable[[Artifact], dict[str, Any]],
) -> Result:
    """Materialises the asset of `context`: returns the artifact that is there, or makes it with `make`.

    `tell` turns the artifact into metadata, alike for one made now and one found.
    """
    node = GRAPH[context.asset_key.path[-1]]
    started = time.monotonic()
    progress.report(node.name, 0.0)
    try:
        artifact, hit = _artifact(context.partition_key, node, workshop, make)
    except OctaviaError as error:
        raise dg.Failure(
            description=str(error), metadata={"exit_code": error.exit_code}, allow_retries=error.exit_code != 2
        ) from error
    except dg.DagsterExecutionInterruptedError:
        context.instance.report_run_canceling(context.run, "Interrupted.")
        raise
    progress.report(node.name, 1.0)
    metadata = {**_facts(artifact, hit, time.monotonic() - started), **tell(artifact), **_origin(artifact)}
    return dg.MaterializeResult(data_version=dg.DataVersion(artifact.manifest.data_version), metadata=metadata)


def current(workshop: Workshop, name: str, video: str, language: str | None) -> Artifact:
    """The current artifact of an asset; a RefusedError says what to run where there is none."""
    node = GRAPH[name]
    artifact = workshop.store.current(name, video, language if node.granularity == "dub" else None)
    if artifact is None:
        job = "analyse_video" if node.granularity == "video" else "dub_video"
        raise RefusedError(f"{name} of {video} is not there yet; run {job} for {video} first.")
    return artifact


def settings_of(workshop: Workshop, video: str) -> Settings:
    """The effective settings of a video."""
    path = videos.layer_path(workshop.store, video)
    return effective([read_layer(path)] if path.exists() else [])


def engine_for(workshop: Workshop, settings: Settings, role: type[E], name: RoleName) -> E:
    """The engine that `settings` choose for a role; a chat endpoint, where one is named, is the condenser."""
    chosen = settings.translation
    if name == "condenser" and chosen.endpoint:
        options = {"endpoint": chosen.endpoint, "endpoint_model": chosen.endpoint_model, "prompt": chosen.prompt}
        return workshop.engines.get(role, CHAT_CONDENSER, {**options, "api_key": workshop.engines.chat_key})
    place = ROLE_SETTINGS[name]
    return workshop.engines.get(role, str(slice_values(settings, [place])[place]))


def _artifact(partition: str, node: Node, workshop: Workshop, make: Callable[[Work], Made]) -> tuple[Artifact, bool]:
    video, language = parts(partition)
    known = videos.request(workshop.store, video, language) if language else videos.record(workshop.store, video)
    settings = settings_of(workshop, video)
    inputs = {name: current(workshop, name, video, language) for name in node.inputs}
    _refuse_bad_transcript(workshop, node, video)
    manifest = _wanted(workshop, node, video, language, settings, inputs, known)
    artifact = workshop.store.find(node.name, video, language, manifest.key)
    hit = artifact is not None
    if artifact is None:
        with workshop.store.workspace() as folder:
            work = Work(node, video, language, settings, workshop, inputs, known, folder)
            artifact = _published(work, manifest, make)
    workshop.store.point(artifact)
    return artifact, hit


def _wanted(
    workshop: Workshop,
    node: Node,
    video: str,
    language: str | None,
    settings: Settings,
    inputs: Mapping[str, Artifact],
    known: videos.VideoRecord,
) -> Manifest:
    """The manifest as far as it is known before the work: what the key is made of."""
    versions = {name: artifact.manifest.data_version for name, artifact in inputs.items()} or {"file": known.sha256}
    engines: dict[str, str] = {}
    for role in node.roles:
        info = engine_for(workshop, settings, Engine, role).info()
        engines[role] = f"{info.name} {info.revision}"
    if node.hears_speech:
        engines["vad"] = vad.revision()
    values = slice_values(settings, node.reads)
    key = digest([node.name, node.code_version, versions, values, engines, language])
    return Manifest(
        asset=node.name,
        video=video,
        language=language,
        key=key,
        data_version="",
        code_version=node.code_version,
        inputs=versions,
        settings=values,
        engines=engines,
        files={},
        counts={},
        seconds=0.0,
        busy_seconds=0.0,
    )


def _published(work: Work, wanted: Manifest, make: Callable[[Work], Made]) -> Artifact:
    started = time.monotonic()
    made = make(work)
    if made.picture:
        (work.folder / PICTURE).write_bytes(made.picture)
    files = stored_files(work.folder)
    manifest = wanted.model_copy(
        update={
            "data_version": made.version or data_version(made.document, files),
            "files": files,
            "seconds": round(time.monotonic() - started, 3),
            "busy_seconds": round(union_seconds(intervals(started)), 3),
            "counts": dict(made.counts),
        }
    )
    return work.workshop.store.publish(work.folder, made.document, manifest)


def _refuse_bad_transcript(workshop: Workshop, node: Node, video: str) -> None:
    """Blocking checks do not cross jobs, so the first steps of a dub read the verdict themselves."""
    if node.granularity == "video" or any(GRAPH[name].granularity == "dub" for name in node.inputs):
        return
    verdict = current(workshop, "transcript", video, None).read(Transcript).verdict
    if not verdict.ok:
        raise InputError(f"Dubbing {video}: its transcript cannot be used. {' '.join(verdict.reasons)}")


def _facts(artifact: Artifact, hit: bool, seconds: float) -> dict[str, Any]:
    """What an operator asks first of any asset: how long, by which engines, how many."""
    manifest = artifact.manifest
    engines = {"engines": dg.MetadataValue.json(manifest.engines)} if manifest.engines else {}
    return {
        "seconds": round(seconds, 3),
        "seconds_when_made": manifest.seconds,
        "cache_hit": hit,
        **engines,
        **manifest.counts,
    }


def _origin(artifact: Artifact) -> dict[str, Any]:
    """What it was made from, and where it lies."""
    manifest = artifact.manifest
    return {
        "settings": dg.MetadataValue.json(manifest.settings),
        "inputs": dg.MetadataValue.json(manifest.inputs),
        "content_key": manifest.key,
        "folder": dg.MetadataValue.path(str(artifact.folder)),
    }
