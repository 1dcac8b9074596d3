"""`octavia catalogue`: where its rows stand, tonight's choice made now, and the budget of a night.

What `backfill` takes is paid out of the budget of the day, like what a night takes, and made here, one video after the
other; the automation leaves it alone. A row that is interrupted is taken again by the next night.
"""

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import dagster as dg

from octavia_dag import environment as surroundings
from octavia_dag.assets.judging import Judge
from octavia_dag.cli import running
from octavia_dag.cli.home import home_option
from octavia_dag.cli.refresh import refreshed
from octavia_dag.cli.tables import aligned
from octavia_dag.cli.who import operator
from octavia_dag.dubbing.budget import Budget, ordered, spelled
from octavia_dag.environment import Environment
from octavia_dag.layers import Place, edit_layer, settings_of
from octavia_dag.resources.catalogue import Table
from octavia_dag.resources.ghosts import clear_ghosts
from octavia_dag.resources.nights import Entry, NightReport, last_report, one_at_a_time, taken_in
from octavia_dag.resources.workshop import Workshop
from octavia_dag.sensors.catalogue import ASSET, night_of, told_report
from octavia_dag.sensors.night import Night
from octavia_dag.settings import Settings


@dataclass(frozen=True)
class _Here:
    """What these commands work with."""

    environment: Environment
    tools: Workshop
    table: Table
    instance: dg.DagsterInstance

    @property
    def settings(self) -> Settings:
        """The settings of the whole installation."""
        return settings_of(self.environment.store)

    def night(self, budget: Budget | None = None) -> Night:
        """Tonight, as this command has it."""
        name = night_of(datetime.now(UTC), self.settings.catalogue)
        return Night(self.tools, self.instance, self.table, name, operator(), opens=False, budget=budget)


@contextmanager
def _here(home: Path | None) -> Generator[_Here]:
    from octavia_dag.definitions import catalogue, workshop

    environment = surroundings.read(home)
    table = catalogue(environment).read()  # before anything is made
    running.prepare(environment)
    with dg.DagsterInstance.get() as instance:
        yield _Here(environment, workshop(environment), table, instance)


@click.group()
def catalogue() -> None:
    """The catalogue of videos, made night by night within a budget."""


@catalogue.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@home_option
def status(as_json: bool, home: Path | None) -> None:
    """Say where every row stands, the most urgent first."""
    with _here(home) as here:
        night = here.night()
        rows = [night.standings[one.row] for one in ordered(one.candidate for one in night.standings.values())]
        bad, last = night.table.bad, last_report(here.tools.store)
    if as_json:
        told = [
            {"row": one.row.number, "state": one.state, "why": one.why, "video": one.video, "uri": one.row.uri,
             "languages": list(one.languages), "priority": one.row.priority, "tenant": one.row.tenant,
             "deadline": one.row.deadline.isoformat() if one.row.deadline else None}
            for one in rows
        ]  # fmt: skip
        said = {"rows": told, "bad": [{"row": one.number, "why": one.why} for one in bad]}
        click.echo(json.dumps(said, indent=1, ensure_ascii=False))
        return
    for line in aligned([("ROW", "STATE", "LANGUAGES", "FILE", "WHY"), *(
        (str(one.row.number), one.state, ", ".join(one.languages), one.row.uri, one.why) for one in rows
    )]):  # fmt: skip
        click.echo(line)
    for one in bad:
        click.echo(f"row {one.number} is skipped: {one.why}")
    click.echo(last.summary if last else "No night has been yet.")


@catalogue.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be taken; fetches what it must measure.")
@click.option("--minutes", type=click.FloatRange(0.0), help="A budget of its own, instead of what is left of today's.")
@home_option
def backfill(dry_run: bool, minutes: float | None, home: Path | None) -> int:
    """Take what tonight's budget allows, and dub it now."""
    from octavia_dag.definitions import build

    with _here(home) as here:
        with one_at_a_time(here.tools.store):
            night = here.night(None if minutes is None else Budget(minutes))
            choice = night.choice()
            report = night.foretold(choice) if dry_run else night.carry_out(choice)
        _tell(report, "would be asked for" if dry_run else "asked for")
        if not dry_run:
            here.instance.report_runless_asset_event(dg.AssetMaterialization(ASSET, metadata=told_report(report)))
        if dry_run or not report.taken:
            return 0
        clear_ghosts(here.instance, here.environment.scratch)
        definitions, codes = build(here.environment), [0]
        for one in report.taken:
            found = Judge(here.tools).plan(one.video or "")
            codes += [] if found.empty else refreshed(definitions, here.instance, here.tools, found)
        return max(codes)


@catalogue.command()
@click.option("--minutes", type=float, help="Minutes of video that a night makes at the most, once per language.")
@click.option("--money", type=float, help="What a night costs at the most, by costs.gpu_hour.")
@home_option
def budget(minutes: float | None, money: float | None, home: Path | None) -> None:
    """Show the budget of a night, or set it."""
    store = surroundings.read(home).store
    asked = {"minutes_per_night": minutes, "money_per_night": money}
    wanted = {name: value for name, value in asked.items() if value is not None}
    if wanted:
        edit_layer(
            store,
            Place(),
            lambda layer: {**layer, "catalogue": {**layer.get("catalogue", {}), **wanted}},
            who=operator(),
        )
    settings = settings_of(store)
    nights, currency = settings.catalogue, settings.costs.currency
    name = night_of(datetime.now(UTC), nights)
    spent = taken_in(store, name)
    click.echo(f"a night: {nights.minutes_per_night:g} minutes of video, {_money(nights.money_per_night, currency)}")
    unknown = "unknown in money" if settings.costs.gpu_hour else "no price is set (costs.gpu_hour)"
    money_spent = spent.money if settings.costs.gpu_hour else None
    click.echo(f"spent of {name}: {spelled(spent.minutes)} minutes, {_money(money_spent, currency, unknown)}")
    click.echo(
        f"nights begin at {nights.cron} ({nights.timezone}), while 'octavia ui' runs; it reads that when it starts"
    )


def _money(value: float | None, currency: str, none: str = "no limit in money") -> str:
    return none if value is None else f"{value:.2f} {currency}"


def _tell(report: NightReport, done: str) -> None:
    """What is taken and what is left, row by row; of many that are left for one reason, one line."""
    for one in report.taken:
        size = f"{', '.join(one.languages)} ({spelled(one.minutes or 0.0)} min)"
        click.echo(f"take row {one.row}: {one.uri} into {size}: {one.why}")
    grouped: dict[tuple[str, str], list[Entry]] = {}
    for one in report.left:
        grouped.setdefault((one.state, one.why), []).append(one)
    for (state, why), rows in grouped.items():
        click.echo(f"leave {_numbers(rows)}: {state}: {why}")
    for one in report.bad:
        click.echo(f"skip row {one.row}: {one.why}", err=True)
    click.echo(report.said(done))


def _numbers(rows: Sequence[Entry]) -> str:
    if len(rows) == 1:
        return f"row {rows[0].row}"
    return f"{len(rows)} rows, from row {rows[0].row}"
