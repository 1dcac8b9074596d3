"""Puts what became of a video, dropped or of the catalogue, into the storage: a dub, one that is held, or the sentence
of a failure.

    delivered/VIDEO/LANG/   the deliverable, subtitles, the report and its page, and last result.json for whoever waits
    held/VIDEO/LANG/        the same, with the broken promises in result.json
    failed/VIDEO/LANG.json  why there is none; gone when there is one

What was judged is what is put there, whatever is finished meanwhile: that is looked at next. An old result.json goes
first, so that it never stands beside files that are not its own. What was done is noted beside the video when all of it
is done: a run that is killed does it again from the beginning. A dub does not wait for its page: where that cannot be
written, result.json says why, and `octavia report` writes it later.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from octavia_dag.assets.drops import drops_of
from octavia_dag.assets.reporting import write_report
from octavia_dag.dubbing import handing
from octavia_dag.dubbing.handing import Action, Found
from octavia_dag.dubbing.promises import held
from octavia_dag.errors import OctaviaError
from octavia_dag.partitions import LANGUAGES, dub_key
from octavia_dag.resources.artifacts import Artifact, ArtifactStore, guarded
from octavia_dag.resources.corrections import keep_document, read_document
from octavia_dag.resources.ghosts import was_killed
from octavia_dag.resources.nights import read_listed
from octavia_dag.resources.storage import DELIVERED, FAILED, HELD
from octavia_dag.resources.videos import record
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import FinalMux, Handed, QaReport
from octavia_dag.sensors.automation import AT_WORK, DESIRED_TAG, ENDED_BADLY, attempted_in
from octavia_dag.sensors.one_by_one import one_by_one
from octavia_dag.sensors.sentences import failure_sentence
from octavia_dag.settings import digest

JOB = "deliver_dubs"
RESULT = "result.json"
_REPORT, _PAGE = "qa_report.json", "qa_report.html"
# A deliverable, and the report that judged it.
Pair = tuple[Artifact, Artifact]


class DubConfig(dg.Config):
    """One dub."""

    video: str
    language: str


class DeliverConfig(dg.Config):
    """Which dubs to look at."""

    dubs: list[DubConfig]


@dg.op(name="deliver", description="Puts dubs, or why there are none, into the storage.")
def deliver(context: dg.OpExecutionContext, config: DeliverConfig, workshop: Workshop) -> None:
    """One after the other; one that cannot be put there now does not stop the others."""

    def work(one: DubConfig) -> str:
        done = hand_over(workshop, context.instance, one.video, one.language)
        return f"{one.video} in {one.language}: {done or 'nothing to do'}"

    one_by_one(context, workshop, "delivering", (DELIVERED, HELD, FAILED), config.dubs, work)


@dg.job(
    name=JOB, executor_def=dg.in_process_executor, description="Puts what became of dropped videos into the storage."
)
def deliver_dubs() -> None:
    """The op alone."""
    deliver()


def languages_of(store: ArtifactStore, video: str) -> tuple[str, ...]:
    """The languages that a video was dropped for, or that the catalogue's nights asked for."""
    wanted = {tag for drop in drops_of(store, video) for tag in drop.languages}
    if read_listed(store, video) is not None:
        wanted |= set(record(store, video).requested)
    return tuple(tag for tag in LANGUAGES if tag in wanted)


def handed_path(store: ArtifactStore, video: str, language: str) -> Path:
    """Where it is noted what was put into the storage."""
    return store.video_folder(video) / "drop" / f"handed.{language}.json"


def judged(tools: Workshop, instance: dg.DagsterInstance, video: str, language: str) -> tuple[Found, Action | None]:
    """What there is of one dub, and what is to be done about it."""
    found = _found(instance, video, language, _finished(tools.store, video, language))
    handed = read_document(handed_path(tools.store, video, language), Handed)
    return found, handing.decide(found, handed, tools.storage.address)


def hand_over(tools: Workshop, instance: dg.DagsterInstance, video: str, language: str) -> Action | None:
    """Does what is to be done about one dub, and returns what that was."""
    pair = _finished(tools.store, video, language)
    found = _found(instance, video, language, pair)
    path, storage = handed_path(tools.store, video, language), tools.storage.address
    handed = read_document(path, Handed)
    action = handing.decide(found, handed, storage)
    if action is None:
        return None
    if action in ("deliver", "hold") and pair is not None:
        _put(tools, video, language, found, pair)
        if action == "deliver":
            _clear(tools, f"{HELD}{video}/{language}/", ())
    told = f"{FAILED}{video}/{language}.json"
    if action == "fail":
        tools.storage.write(told, _json(_failure(tools, instance, video, language, found.failed)))
    else:
        tools.storage.delete(told)
    keep_document(path, handing.after(action, found, handed, storage))
    return action


def being_delivered(instance: dg.DagsterInstance) -> set[str]:
    """The videos that a delivery is at work on, or waits to be."""
    found: set[str] = set()
    for run in instance.get_runs(dg.RunsFilter(job_name=JOB, statuses=list(AT_WORK))):
        config: Any = run.run_config
        found |= {str(one["video"]) for one in config["ops"]["deliver"]["config"]["dubs"]}
    return found


def _found(instance: dg.DagsterInstance, video: str, language: str, pair: Pair | None) -> Found:
    failed = next((run.run_id for run in _latest(instance, video, language) if _failed(instance, run)), "")
    if pair is None:
        return Found(failed=failed)
    mux, report = pair
    content = digest([mux.manifest.data_version, report.manifest.data_version])[:32]
    return Found(content, held(report.read(QaReport)), failed)


def _finished(store: ArtifactStore, video: str, language: str) -> Pair | None:
    """The deliverable and the report that was made of it; None where one is not there, or an experiment's."""
    mux, report = (_current(store, name, video, language) for name in ("final_mux", "qa_report"))
    if mux is None or report is None or report.manifest.inputs.get("final_mux") != mux.manifest.data_version:
        return None
    return mux, report


def _current(store: ArtifactStore, asset: str, video: str, language: str) -> Artifact | None:
    """What one and the same pointer names, unless it is an experiment's."""
    pointer = store.pointer(asset, video, language)
    return store.find(asset, video, language, pointer.key) if pointer and not pointer.experiment else None


def _latest(instance: dg.DagsterInstance, video: str, language: str) -> list[dg.DagsterRun]:
    """The latest run of the video's own job and of the dub's, none where one of them is at work."""
    found: list[dg.DagsterRun] = []
    for job, key in (("analyse_video", video), ("dub_video", str(dub_key(video, language)))):
        wanted = dg.RunsFilter(job_name=job, tags={"dagster/partition": key})
        found += instance.get_runs(wanted, limit=1)
    return [] if any(run.status in AT_WORK for run in found) else found


def _failed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether nobody will try again what this run tried."""
    if run.status not in ENDED_BADLY:
        return False
    key, desired = run.tags["dagster/partition"], run.tags.get(DESIRED_TAG, "")
    return not was_killed(instance, run) or attempted_in(instance)(run.job_name, key, desired)


def _put(tools: Workshop, video: str, language: str, found: Found, pair: Pair) -> None:
    place = f"{HELD if found.broken else DELIVERED}{video}/{language}/"
    with tools.store.workspace() as folder:
        page = folder / _PAGE
        files, pageless = _files(video, language, *pair), ""
        try:
            write_report(tools, video, language, page, pair[1])
            files[page.name] = page
        except OctaviaError as error:
            pageless = str(error)
        tools.storage.delete(place + RESULT)
        for name, path in files.items():
            tools.storage.put(path, place + name)
        _clear(tools, place, tuple(files))
        tools.storage.write(place + RESULT, _json(_result(tools, video, language, found, pair[1], files, pageless)))


def _files(video: str, language: str, mux: Artifact, report: Artifact) -> dict[str, Path]:
    """What is handed over, by the name it has there."""
    told = mux.read(FinalMux)
    made = [mux.file(name) for name in (told.video, told.srt, told.vtt) if name]
    return {f"{video}.{language}{path.suffix}": path for path in made} | {_REPORT: report.file(_REPORT)}


def _clear(tools: Workshop, place: str, but: Sequence[str]) -> None:
    """Removes what lies below `place`, except some; a result first."""
    there = [one for one in tools.storage.listed(place) if one.key.removeprefix(place) not in but]
    for one in sorted(there, key=lambda one: one.name != RESULT):
        tools.storage.delete(one.key)


def _result(
    tools: Workshop,
    video: str,
    language: str,
    found: Found,
    judged_by: Artifact,
    files: dict[str, Path],
    pageless: str,
) -> dict[str, Any]:
    report = judged_by.read(QaReport)
    return {
        **_heading(tools, video, language, "held" if found.broken else "delivered"),
        "content": found.content,
        "nothing_to_dub": report.nothing_to_dub,
        "broken_promises": list(found.broken),
        "flags": list(report.flags),
        "no_page": pageless or None,
        "files": {name: {"size": path.stat().st_size, "sha256": _sha256(path)} for name, path in files.items()},
    }


def _sha256(path: Path) -> str:
    with guarded(f"Delivering {path.name}"), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _failure(tools: Workshop, instance: dg.DagsterInstance, video: str, language: str, run_id: str) -> dict[str, Any]:
    run = instance.get_run_by_id(run_id)
    sentence = failure_sentence(instance, run) if run is not None else "The run is gone; launch it again."
    return {**_heading(tools, video, language, "failed"), "sentence": sentence, "run": run_id}


def _heading(tools: Workshop, video: str, language: str, state: str) -> dict[str, Any]:
    names = dict.fromkeys(drop.key for drop in drops_of(tools.store, video) if language in drop.languages)
    listed = read_listed(tools.store, video)
    return {
        "state": state,
        "video": video,
        "language": language,
        "dropped_as": list(names),
        "catalogued_as": listed.uri if listed else None,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1, ensure_ascii=False).encode(errors="replace")
