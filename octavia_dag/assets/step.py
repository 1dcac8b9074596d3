"""One mechanism for all assets: look for the manifest under the content key, else make in scratch, verify, publish.

A step reads its settings itself, at step time, and its inputs through the store's pointers, never from Dagster's
event log (whose input tags are hashes of hashes for partitioned inputs). Failures reach Dagster as one sentence with
the exit code in their metadata; an interrupted run is marked canceled and its scratch is gone.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg

from octavia_dag.assets.engaging import engine_for, engines_of, node_as_set
from octavia_dag.assets.failing import told_to_dagster
from octavia_dag.assets.given import given, sources_of
from octavia_dag.assets.giving import Asked
from octavia_dag.assets.slices import slices_read
from octavia_dag.errors import InputError, RefusedError
from octavia_dag.graph import ENGINES, GRAPH, Node, RoleName, ancestors
from octavia_dag.keys import Recipe, recipe
from octavia_dag.layers import layers_of
from octavia_dag.partitions import DUBS, VIDEOS, parts
from octavia_dag.resources import progress, videos
from octavia_dag.resources.artifacts import PICTURES, Artifact, Manifest, data_version, stored_files
from octavia_dag.resources.engines import Engine
from octavia_dag.resources.fetched import bring_back
from octavia_dag.resources.history import remember
from octavia_dag.resources.locks import locked
from octavia_dag.resources.stopwatch import intervals, union_seconds
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import Document, Transcript
from octavia_dag.settings import Layer, Settings, effective

E = TypeVar("E", bound=Engine)
D = TypeVar("D", bound=Document)
Result = dg.MaterializeResult[Any]


@dataclass(frozen=True)
class Made:
    """What a step made: its document, counts for the metadata, pictures by name; files lie in the work's folder.

    `version` replaces the hash of the content where the content is private (a keyed hash).
    """

    document: Document
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    pictures: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
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
    extras: Mapping[str, Any]
    record: videos.VideoRecord
    folder: Path

    def read(self, name: str, kind: type[D]) -> D:
        """The document of an input."""
        return self.inputs[name].read(kind)

    def file(self, name: str, file: str) -> Path:
        """A file of an input."""
        return self.inputs[name].file(file)

    def source(self) -> Path:
        """The video's own file, whose content is the one that was registered; an InputError where it is not."""
        path, state = Path(self.record.path), videos.file_state(self.workshop.store, self.record)
        asked = f"Making {self.node.name} of {self.video}"
        if state == "gone":
            raise InputError(f"{asked}: its file {path} is gone; put it back, or dub it from where it is now.")
        if state == "another":
            raise InputError(f"{asked}: {path} has changed since it was registered; dub it again as a new video.")
        return path

    def engine(self, role: type[E], name: RoleName, language: str | None = None) -> E:
        """The engine that the settings choose for a role; `language` where its licence may depend on it."""
        return engine_for(self.workshop, self.settings, role, name, language)

    def report(self, fraction: float) -> None:
        """Tells how much of this step is done."""
        progress.report(self.node.name, fraction)

    @property
    def tag(self) -> str:
        """The target language; only steps of a dub have one."""
        assert self.language is not None
        return self.language


def asset(
    name: str, *, may_wait: bool = False
) -> Callable[[Callable[[dg.AssetExecutionContext, Workshop], Result | Iterator[Result]]], dg.AssetsDefinition]:
    """`dg.asset`, with everything that the graph declares of `name`.

    One that `may_wait` may yield nothing; Dagster then skips what lies below it, and the run is no failure.
    """
    node = GRAPH[name]
    return dg.asset(
        name=node.name,
        deps=[dg.AssetKey(one) for one in (*node.inputs, *node.if_cloning, *slices_read(node))],
        group_name=node.group,
        description=node.description,
        partitions_def=VIDEOS if node.granularity == "video" else DUBS,
        kinds=set(node.kinds),
        owners=[node.owner],
        code_version=node.code_version,
        pool=ENGINES if node.roles else None,
        output_required=not may_wait,
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
    with told_to_dagster(context), progress.also(progress.throttled(context.log.info)):
        artifact, hit = _artifact(context.partition_key, node, workshop, make)
    progress.report(node.name, 1.0)
    pace = per_minute(artifact.manifest.seconds, videos.record(workshop.store, artifact.manifest.video).seconds)
    facts = {**_facts(artifact, hit, time.monotonic() - started), "seconds_per_minute": pace}
    told = {**facts, **tell(artifact), **_origin(artifact)}
    experiment = _experiment(node, workshop)
    metadata = {**told, "experiment": dg.MetadataValue.json(experiment)} if experiment else told
    return dg.MaterializeResult(data_version=dg.DataVersion(artifact.manifest.data_version), metadata=metadata)


def current(workshop: Workshop, name: str, video: str, language: str | None) -> Artifact:
    """The current artifact of an asset; a RefusedError says what to run where there is none."""
    node = GRAPH[name]
    own = language if node.granularity == "dub" else None
    artifact = workshop.store.current(name, video, own)
    if artifact is None and workshop.store.pointer(name, video, own) is not None:
        # Not whole at this moment: whoever makes it, or deletes private files of it, holds its lock.
        with locked(workshop.store, name, video, own):
            artifact = workshop.store.current(name, video, own)
    if artifact is None:
        job = "analyse_video" if node.granularity == "video" else "dub_video"
        raise RefusedError(
            f"{name} of {video} is not there yet; run {job} for {video} first, or 'octavia dub' its file."
        )
    return artifact


def settings_for(workshop: Workshop, video: str, language: str | None) -> Settings:
    """What takes effect in this run: the layers, and over them what the run was told."""
    return effective([*layers_of(Path(workshop.store.root), video, language), workshop.launch.layer()])


def _artifact(partition: str, node: Node, workshop: Workshop, make: Callable[[Work], Made]) -> tuple[Artifact, bool]:
    video, language = parts(partition)
    store = workshop.store
    known = videos.request(store, video, language) if language else videos.record(store, video)
    settings = settings_for(workshop, video, language)
    node = node_as_set(workshop, settings, node)
    with locked(store, node.name, video, language):
        inputs = {name: current(workshop, name, video, language) for name in node.inputs}
        refuse_bad_transcript(workshop, node, video)
        versions = {name: one.manifest.data_version for name, one in inputs.items()} or {"file": known.sha256}
        asked = Asked(workshop, settings, video, language)
        sources = sources_of(asked, node.name)
        extras = given(asked, node.name, versions, sources, store.pointer(node.name, video, language))
        engines = engines_of(workshop, settings, node)
        wanted = recipe(node, language, inputs=versions, settings=settings, engines=engines, extras=extras)
        artifact = store.find(node.name, video, language, wanted.key)
        hit = artifact is not None
        if artifact is None:
            bring_back(store, workshop.storage, known)
            with store.workspace() as folder:
                work = Work(node, video, language, settings, workshop, inputs, wanted.extras, known, folder)
                artifact = _published(work, wanted, make)
        store.point(artifact, sources, _experiment(node, workshop))
    return artifact, hit


def _experiment(node: Node, workshop: Workshop) -> Layer:
    """A run's own configuration, where it set anything that this step, or one above it, reads; else nothing."""
    experiment = workshop.launch.layer()
    above = {node.name, *ancestors(node.name)}
    reads = {place for name in above for place in GRAPH[name].reads}
    given_places = {f"{name}.{field}" for name, fields in experiment.items() for field in fields}
    touched = any(place in reads or place.split(".")[0] in reads for place in given_places)
    return experiment if touched else {}


def _published(work: Work, wanted: Recipe, make: Callable[[Work], Made]) -> Artifact:
    started = time.monotonic()
    made = make(work)
    for name, png in made.pictures.items():
        (work.folder / PICTURES).mkdir(exist_ok=True)
        (work.folder / PICTURES / f"{name}.png").write_bytes(png)
    files = stored_files(work.folder)
    manifest = Manifest(
        asset=wanted.asset,
        video=work.video,
        language=work.language,
        key=wanted.key,
        data_version=made.version or data_version(made.document, files),
        code_version=wanted.code_version,
        inputs=dict(wanted.inputs),
        settings=dict(wanted.settings),
        engines=dict(wanted.engines),
        extras=dict(wanted.extras),
        files=files,
        seconds=round(time.monotonic() - started, 3),
        busy_seconds=round(union_seconds(intervals(started)), 3),
        counts=dict(made.counts),
    )
    published = work.workshop.store.publish(work.folder, made.document, manifest)
    remember(work.workshop.store, wanted.asset, manifest.seconds, work.record.seconds)
    return published


def refuse_bad_transcript(workshop: Workshop, node: Node, video: str) -> None:
    """Blocking checks do not cross jobs, so the first steps of a dub read the verdict themselves."""
    if node.granularity == "video" or any(GRAPH[name].granularity == "dub" for name in node.inputs):
        return
    verdict = current(workshop, "transcript", video, None).read(Transcript).verdict
    if not verdict.ok:
        raise InputError(f"Dubbing {video}: its transcript cannot be used. {' '.join(verdict.reasons)}")


def per_minute(seconds: float, programme_s: float) -> float:
    """Seconds of work for each minute of video."""
    return round(seconds * 60.0 / max(programme_s, 0.001), 3)


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
        **({"given": dg.MetadataValue.json(manifest.extras)} if manifest.extras else {}),
        "inputs": dg.MetadataValue.json(manifest.inputs),
        "content_key": manifest.key,
        "folder": dg.MetadataValue.path(str(artifact.folder)),
    }
