"""A changed layer is told to Dagster at once, so that the UI says "Unsynced" and why before anybody plans or runs.

Only what the change can concern is told: one video. A change of the catalogue concerns them all, and walking thousands
belongs into the automation's ticks, not into a command that somebody waits for.
"""

import click
import dagster as dg

from octavia_dag import environment as surroundings
from octavia_dag.assets.judging import Judge
from octavia_dag.assets.slices import sync_settings
from octavia_dag.environment import Environment
from octavia_dag.layers import Place


def tell_dagster(environment: Environment, place: Place) -> None:
    """Reports what takes effect at `place` now; nothing where this home has no Dagster yet."""
    if not (environment.dagster_home / "dagster.yaml").exists():
        return
    if place.video is None:
        click.echo("The UI shows this per video after the automation's next tick; 'octavia ui' runs it.")
        return
    from octavia_dag.definitions import workshop

    surroundings.enter(environment)
    settings = Judge(workshop(environment)).sight(place.video).settings
    with dg.DagsterInstance.get() as instance:
        sync_settings(instance, place.video, settings)
