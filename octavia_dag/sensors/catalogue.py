"""Every night a part of the catalogue, within a budget: a schedule, and an asset whose materializations are the nights.

A night is an asset so that the UI shows what it took and left as tables, and what it spent over time. The schedule only
starts it: to fetch and measure files takes longer than a tick may. It runs wherever there is a catalogue; where there
is none it says so. A budget is for a day, so a night that is started again spends what is left of it.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from octavia_dag.errors import OctaviaError, SettingsError
from octavia_dag.layers import settings_of
from octavia_dag.nightly import Nights
from octavia_dag.resources.catalogue import Catalogue
from octavia_dag.resources.nights import Entry, NightReport, one_at_a_time
from octavia_dag.resources.workshop import Workshop
from octavia_dag.sensors.automation import NIGHT_TAG
from octavia_dag.sensors.night import Night

ASSET, JOB, GROUP = "catalogue_nights", "catalogue_night", "operators"
_SCHEDULED_TAG = "dagster/scheduled_execution_time"
_MOST_ROWS = 500


def night_of(when: datetime, nights: Nights) -> str:
    """The day whose budget a night spends that begins at `when`."""
    return when.astimezone(ZoneInfo(nights.timezone)).date().isoformat()


@dg.asset(
    name=ASSET,
    group_name=GROUP,
    kinds={"python"},
    owners=["team:operations"],
    description="The nights of the catalogue: what each took within its budget, and what it left and why.",
)
def catalogue_nights(
    context: dg.AssetExecutionContext, workshop: Workshop, catalogue: Catalogue
) -> dg.MaterializeResult[Any]:
    """One night: chooses, asks for what it chose, and reports."""
    told = context.run.tags.get(_SCHEDULED_TAG)
    when = datetime.fromisoformat(told) if told else datetime.now().astimezone()
    try:
        with one_at_a_time(workshop.store):
            name = night_of(when, settings_of(Path(workshop.store.root)).catalogue)
            night = Night(workshop, context.instance, catalogue.read(), name, "a night")
            report = night.carry_out(night.choice())
    except OctaviaError as error:
        raise dg.Failure(description=str(error), metadata={"exit_code": error.exit_code}) from error
    context.log.info(report.summary)
    for one in report.bad:
        context.log.warning("Row %s is skipped: %s", one.row, one.why)
    return dg.MaterializeResult(metadata=told_report(report))


def told_report(report: NightReport) -> dict[str, Any]:
    """A night's report as the UI shows it."""
    ignored = {"columns_nobody_reads": ", ".join(report.ignored)} if report.ignored else {}
    return {
        "summary": report.summary,
        "minutes": report.minutes,
        **({} if report.money is None or report.money_allowed is None else {"money": report.money}),
        "rows_taken": len(report.taken),
        "rows_left": len(report.left),
        "rows_bad": len(report.bad),
        **_table("taken", report.taken),
        **_table("left", report.left),
        **_table("bad", report.bad),
        **ignored,
    }


def _table(name: str, rows: Sequence[Entry]) -> dict[str, Any]:
    """A table, where there are rows; of a long one the beginning, which is the most urgent."""
    records = [
        dg.TableRecord(
            {
                "row": one.row,
                "state": one.state,
                "why": one.why,
                "video": one.video or "",
                "languages": ", ".join(one.languages),
                "priority": one.priority,
                "deadline": one.deadline.isoformat() if one.deadline else "",
                "tenant": one.tenant,
                "minutes": one.minutes,
                "uri": one.uri,
            }
        )
        for one in rows[:_MOST_ROWS]
    ]
    return {name: dg.MetadataValue.table(records)} if records else {}


night_job = dg.define_asset_job(
    JOB,
    selection=dg.AssetSelection.assets(ASSET),
    executor_def=dg.in_process_executor,
    description="One night of the catalogue: chooses within the budget and asks for what it chose.",
)


def night_schedule(store: Path) -> dg.ScheduleDefinition:
    """The schedule, at the time that the settings of `store` name."""
    try:
        nights = settings_of(store).catalogue
    except SettingsError:
        nights = Nights()  # the night itself says what is wrong; the UI must come up all the same

    @dg.schedule(
        name="catalogue",
        job=night_job,
        cron_schedule=nights.cron,
        execution_timezone=nights.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Begins a night of the catalogue, where there is one.",
    )
    def begin(context: dg.ScheduleEvaluationContext, catalogue: Catalogue) -> dg.RunRequest | dg.SkipReason:
        if catalogue.address() is None:
            return dg.SkipReason(f"There is no catalogue in {catalogue.root}.")
        when = context.scheduled_execution_time
        return dg.RunRequest(
            run_key=when.isoformat(), tags={NIGHT_TAG: night_of(when, nights), "dagster/priority": "1"}
        )

    return begin
