"""`octavia plan`, `status` and `why`: what would be made again and why; nothing is launched."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import dagster as dg

from octavia_dag import environment as surroundings
from octavia_dag.assets.judging import Judge
from octavia_dag.cli.gpu_planning import told_gpu
from octavia_dag.cli.home import home_option
from octavia_dag.cli.planning import APPROVE, plan_json, told_plan
from octavia_dag.cli.which import meant
from octavia_dag.errors import InputError
from octavia_dag.graph import GRAPH
from octavia_dag.layers import settings_of
from octavia_dag.partitions import checked_language
from octavia_dag.plan import Item, Plan
from octavia_dag.resources import videos as registry
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import SpeakerMap
from octavia_dag.sensors.overview import Line, held_back, of_plan, with_runs


def _tools(home: Path | None) -> Workshop:
    from octavia_dag.definitions import workshop

    return workshop(surroundings.read(home))


@click.command("plan")
@click.argument("video", required=False)
@click.option("--to", "languages", multiple=True, metavar="LANG", help="Languages besides those it is dubbed into.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--gpu", metavar="CARD", help="Estimate by published figures what VIDEO, or an hour, takes on this card.")
@home_option
def plan_command(
    video: str | None, languages: tuple[str, ...], as_json: bool, gpu: str | None, home: Path | None
) -> None:
    """Say what a dub of VIDEO would make, reuse and cost, and why."""
    tools = _tools(home)
    if gpu is not None:
        for line in told_gpu(gpu.lower(), *_size(tools, video)):
            click.echo(line)
        return
    if video is None:
        raise click.UsageError("Missing argument 'VIDEO'; only --gpu goes without.")
    known = meant(tools.store, video)
    found = Judge(tools).plan(known.id, tuple(checked_language(tag) for tag in languages))
    settings = settings_of(Path(tools.store.root), known.id)
    if as_json:
        click.echo(json.dumps(plan_json(found, settings), indent=1, ensure_ascii=False))
        return
    click.echo(f"{known.id}:")
    for line in told_plan(found, settings):
        click.echo(f"  {line}")


def _size(tools: Workshop, video: str | None) -> tuple[float, int]:
    """Seconds and speakers of a video; without one, the hour with four speakers that such figures are compared by."""
    if video is None:
        return 3600.0, 4
    known = meant(tools.store, video)
    found = tools.store.current("speaker_map", known.id, None)
    return known.seconds, max(1, len(found.read(SpeakerMap).speakers)) if found else 1


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@home_option
def status(as_json: bool, home: Path | None) -> None:
    """List every partition that is not as it should be, of all videos: stale, held, failed, at work, waiting."""
    tools = _tools(home)
    judge = Judge(tools)
    plans = [judge.plan(one.id) for one in registry.records(tools.store)]
    rows = [{"video": one.video, **_row(item)} for one in plans for item in one.items if item.state != "current"]
    lines = [line for one in plans for line in held_back(tools.store, one)] + _of_runs(home, plans)
    rows += [{"video": one.video, "asset": one.assets, "language": one.language or None, "state": one.state,
              "causes": [one.why]} for one in lines]  # fmt: skip
    if as_json:
        click.echo(json.dumps({"videos": len(plans), "partitions": rows}, indent=1, ensure_ascii=False))
        return
    for one in rows:
        state = "waiting for approval" if one["state"] == "waiting" else one["state"]
        told = (one["video"], one["language"] or "-", one["asset"], state, "; ".join(one["causes"]))
        click.echo("  ".join(told).rstrip())
    parts = {(one["video"], one["language"]) for one in rows}
    click.echo(f"Videos: {len(plans)}. Not as they should be: {len(rows)} assets of {len(parts)} partitions.")


def _of_runs(home: Path | None, plans: Sequence[Plan]) -> list[Line]:
    """What runs say of what is to be made: a run is at work on it, or failed at it, and why."""
    environment = surroundings.read(home)
    if not (environment.dagster_home / "dagster.yaml").exists():
        return []
    surroundings.enter(environment)
    with dg.DagsterInstance.get() as instance:
        found = with_runs(instance, [line for plan in plans for line in of_plan(plan)])
    told = {"failed": "{why} (run {run})", "at work": "run {run}"}
    return [
        replace(line, why=told[line.state].format(why=line.why, run=line.run.partition("-")[0]))
        for line in found
        if line.state in told
    ]


@click.command()
@click.argument("video")
@click.argument("language", metavar="LANG")
@click.argument("asset")
@home_option
def why(video: str, language: str, asset: str, home: Path | None) -> None:
    """Say why ASSET of VIDEO in LANG (- for what has no language) would be made again, or why not."""
    tools = _tools(home)
    if asset not in GRAPH:
        raise InputError(f"There is no asset {asset!r}; the assets are {', '.join(GRAPH)}.")
    tag = None if language == "-" or GRAPH[asset].granularity == "video" else checked_language(language)
    known = meant(tools.store, video)
    items = {(one.asset, one.language): one for one in Judge(tools).plan(known.id, (tag,) if tag else ()).items}
    for line in _reasons(items, asset, tag):
        click.echo(line)
    if items[asset, tag].state == "waiting":
        click.echo(f"It waits for approval: {APPROVE.format(video=known.id, language=tag)}.")


def _reasons(items: dict[tuple[str, str | None], Item], asset: str, language: str | None) -> list[str]:
    """The verdict of one partition, then those of what it is made from, as far as they are not settled."""
    item = items[asset, language]
    told = "it is as it should be" if item.state == "current" else "; ".join(item.causes) or "an earlier outcome"
    lines = [f"{asset}{f' in {language}' if language else ''}: {item.state}: {told}"]
    for name in GRAPH[asset].inputs:
        own = language if GRAPH[name].granularity == "dub" else None
        if items[name, own].state != "current":
            lines += [line for line in _reasons(items, name, own) if line not in lines]
    return list(dict.fromkeys(lines))


def _row(item: Item) -> dict[str, Any]:
    return {"asset": item.asset, "language": item.language, "state": item.state, "causes": list(item.causes)}
