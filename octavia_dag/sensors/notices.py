"""Tells people of what needs them, where they read: a run that failed, and a dub that is held back.

A notice is the sentence and the link, nothing else. Each failure and each report is told once: Dagster's own sensor
remembers the runs, and a cursor the reports. A job that takes or delivers is begun again by itself, minute after minute
while a storage is away: of it only the first failure of a kind is told. Where no webhook is named both are stopped.
"""

import dagster as dg

from octavia_dag.assets.checks import reasons_to_hold
from octavia_dag.errors import OctaviaError
from octavia_dag.resources.notices import Notices
from octavia_dag.resources.workshop import Workshop
from octavia_dag.sensors import handing_over, taking
from octavia_dag.sensors.sentences import failure_sentence

_INTERVAL_S = 30
_BATCH = 5
_REPORT = "qa_report"
_AGAIN_BY_ITSELF = (taking.JOB, handing_over.JOB)


def failure_notice(instance: dg.DagsterInstance, run: dg.DagsterRun, notices: Notices) -> str:
    """What is told of a run that failed."""
    partition = run.tags.get("dagster/partition")
    what = f"{run.job_name} of {partition}" if partition else run.job_name
    return f"{what} failed. {failure_sentence(instance, run)}\n{notices.run_link(run.run_id)}"


def held_notice(workshop: Workshop, video: str, language: str, link: str) -> str | None:
    """What is told of a dub that is held back; None where it is not."""
    broken = reasons_to_hold(workshop.store, video, language)
    return f"The dub of {video} into {language} is held back. {' '.join(broken)}\n{link}" if broken else None


def failure_sensor(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Posts every run that failed."""

    @dg.run_failure_sensor(
        name="failure_notices",
        minimum_interval_seconds=_INTERVAL_S,
        default_status=status,
        description="Posts the sentence and the link of every run that failed.",
    )
    def failure_notices(context: dg.RunFailureSensorContext, notices: Notices) -> dg.SkipReason | None:
        if _told_before(context.instance, context.dagster_run):
            return dg.SkipReason(f"The run of {context.dagster_run.job_name} before it failed in the same way.")
        told = notices.post(failure_notice(context.instance, context.dagster_run, notices))
        if told is None:
            return None
        context.log.warning(told)
        return dg.SkipReason(told)

    return failure_notices


def _told_before(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether the run of this job that ended before this one failed with the same sentence."""
    if run.job_name not in _AGAIN_BY_ITSELF:
        return False
    (this,) = instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
    wanted = dg.RunsFilter(job_name=run.job_name, statuses=ended, created_before=this.create_timestamp)
    before = [one for one in instance.get_runs(wanted, limit=2) if one.run_id != run.run_id]
    if not before or before[0].status is not dg.DagsterRunStatus.FAILURE:
        return False
    return failure_sentence(instance, before[0]) == failure_sentence(instance, run)


def held_sensor(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Posts every dub whose report holds it back."""

    @dg.sensor(
        name="held_notices",
        minimum_interval_seconds=_INTERVAL_S,
        default_status=status,
        description="Posts the sentences and the link of every dub that its report holds back.",
    )
    def held_notices(context: dg.SensorEvaluationContext, workshop: Workshop, notices: Notices) -> dg.SkipReason:
        problems = _tell_new(context, workshop, notices)
        for one in problems:
            context.log.warning(one)
        return dg.SkipReason(" ".join(problems) or "Every report that holds a dub back is told.")

    return held_notices


def _tell_new(context: dg.SensorEvaluationContext, workshop: Workshop, notices: Notices) -> list[str]:
    """Tells of reports since the last tick, a few at a time; returns what did not work, in sentences.

    The first tick only remembers where it is: what was reported before nobody waits to hear.
    """
    key, after = dg.AssetKey(_REPORT), context.cursor
    latest = context.instance.fetch_materializations(key, limit=1).records
    if after is None:
        context.update_cursor(str(latest[0].storage_id if latest else 0))
        return []
    since = dg.AssetRecordsFilter(asset_key=key, after_storage_id=int(after))
    problems: list[str] = []
    for record in context.instance.fetch_materializations(since, limit=_BATCH, ascending=True).records:
        partition = record.partition_key or ""
        language, _, video = partition.partition("|")
        try:
            text = held_notice(workshop, video, language, notices.asset_link(_REPORT, partition))
        except OctaviaError as error:
            text = None
            problems.append(str(error))
        failed = notices.post(text) if text else None
        problems += [failed] if failed else []
        context.update_cursor(str(record.storage_id))
    return problems
