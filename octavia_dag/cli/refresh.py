"""`octavia refresh`: makes what the plan finds stale, of one video or of all, and nothing else."""

from pathlib import Path

import click
import dagster as dg

from octavia_dag import environment as surroundings
from octavia_dag.assets.judging import Judge
from octavia_dag.assets.slices import sync_settings
from octavia_dag.cli import running
from octavia_dag.cli.failing import HANDLED, told
from octavia_dag.cli.home import home_option
from octavia_dag.cli.planning import told_plan
from octavia_dag.cli.progress import Progress
from octavia_dag.cli.which import meant
from octavia_dag.layers import settings_of
from octavia_dag.partitions import dub_key
from octavia_dag.plan import Plan
from octavia_dag.resources import videos as registry
from octavia_dag.resources.ghosts import clear_ghosts
from octavia_dag.resources.workshop import Workshop
from octavia_dag.sensors.automation import DESIRED_TAG


@click.command()
@click.option("--video", "named", help="One video, by id or file; without it, all.")
@home_option
def refresh(named: str | None, home: Path | None) -> int:
    """Make again what is stale; print what, and why, first."""
    from octavia_dag.definitions import build, workshop

    environment = surroundings.read(home)
    tools = workshop(environment)
    known = [meant(tools.store, named)] if named else registry.records(tools.store)
    judge = Judge(tools)
    plans = [found for one in known if not (found := judge.plan(one.id)).empty]
    if not plans:
        click.echo("Nothing to do: everything is as it should be.")
        return 0
    running.prepare(environment)
    codes: list[int] = []
    with dg.DagsterInstance.get() as instance:
        clear_ghosts(instance, environment.scratch)
        definitions = build(environment)
        for found in plans:
            codes += refreshed(definitions, instance, tools, found)
    click.echo("What was made lies in the store; 'octavia dub FILE --out FOLDER' hands it over.", err=True)
    return max(codes)


def refreshed(definitions: dg.Definitions, instance: dg.DagsterInstance, tools: Workshop, found: Plan) -> list[int]:
    """Exit codes of one video's jobs; one language that fails does not stop the others."""
    progress, codes = Progress(quiet=False), [0]
    progress.begin(found.video, len(found.stale_languages))
    progress.planned(told_plan(found, settings_of(Path(tools.store.root), found.video)))
    sync_settings(instance, found.video, Judge(tools).sight(found.video).settings)

    def run(job: str, key: str, desired: str) -> bool:
        try:
            with progress.of(job):
                running.run_job(definitions, instance, job, key, {DESIRED_TAG: desired})
        except HANDLED as error:
            sentence, code = told(error)
            progress.failed(sentence)
            codes.append(code)
            return False
        return True

    if found.stale_video and not run("analyse_video", found.video, found.desired[None]):
        return codes
    after = Judge(tools).plan(found.video)
    for tag in after.stale_languages:
        run("dub_video", dub_key(found.video, tag), after.desired[tag])
    return codes
