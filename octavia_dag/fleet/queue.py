"""What a run is told when it is queued: on what it computes, how urgent it is, and for whom it is.

    run_coordinator: {module: octavia_dag.fleet.queue, class: FleetRunCoordinator}
    concurrency:
      runs:
        tag_concurrency_limits:
          - {key: octavia/tenant, value: {applyLimitPerUniqueValue: true}, limit: 4}

However a run was asked for (a click, a command, a sensor, a backfill), it passes here once. Who waits for it in person
goes before what was dropped, and that before a catalogue; what a sensor says of its own runs stands. A run computes on
what the engines of its partition ask for, or where the settings send it. Settings that cannot be used are told by the
run itself, which then goes where runs go that say nothing.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import dagster as dg
from dagster._core.run_coordinator.base import SubmitRunContext
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator
from dagster._serdes import ConfigurableClassData

from octavia_dag.assets.engaging import REMOTE
from octavia_dag.errors import SettingsError
from octavia_dag.graph import COMPUTE_TAG, GRAPH, ROLE_SETTINGS, Node, RoleName, of_granularity
from octavia_dag.layers import layers_of
from octavia_dag.profiles import STUDIO
from octavia_dag.settings import Settings, effective, slice_values

TENANT_TAG = "octavia/tenant"
PRIORITY_TAG = "dagster/priority"
IN_PERSON, DROPPED = 3, 2
# A run that carries one of these was not asked for in person.
_BY_ITSELF = ("dagster/sensor_name", "dagster/schedule_name", "dagster/backfill")


class FleetRunCoordinator(QueuedRunCoordinator):
    """Dagster's queue, for runs that say what they are. `home` is the installation's (OCTAVIA_HOME)."""

    def __init__(self, home: str, **told: Any) -> None:
        self._store = Path(home).expanduser() / "store"
        super().__init__(**told)

    @classmethod
    def config_type(cls) -> Any:
        """That of Dagster's queue, and the home."""
        told: Any = super().config_type()
        return {**told, "home": dg.Field(dg.StringSource, default_value={"env": "OCTAVIA_HOME"})}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """The queue as dagster.yaml describes it."""
        return cls(inst_data=inst_data, **config_value)

    def submit_run(self, context: SubmitRunContext) -> dg.DagsterRun:
        """Says of the run what it does not say itself, and queues it."""
        run = context.dagster_run
        told = {tag: value for tag, value in tags_of(run, self._store).items() if tag not in run.tags}
        if told:
            self._instance.add_run_tags(run.run_id, told)
        return super().submit_run(context)


def tags_of(run: dg.DagsterRun, store: Path) -> dict[str, str]:
    """The tags of a run; of one without a partition of ours, none."""
    key, nodes = run.tags.get("dagster/partition", ""), _nodes(run)
    language, _, video = key.rpartition("|")  # as Dagster writes the key of a dub
    if not video or not nodes:
        return {}
    try:
        settings = effective(layers_of(store, video, language or None))
    except SettingsError:
        return {}
    tenant = settings.delivery.tenant
    tags = {COMPUTE_TAG: compute(settings, nodes), PRIORITY_TAG: str(_priority(run))}
    return {**tags, TENANT_TAG: tenant} if tenant else tags


def compute(settings: Settings, nodes: tuple[Node, ...]) -> str:
    """Where steps compute: where the settings send them, else on a GPU if an engine of theirs needs one."""
    if settings.engines.compute != "auto":
        return settings.engines.compute
    roles: set[RoleName] = {role for node in nodes if node.compute == "gpu" for role in node.roles}
    paths = [str(next(iter(slice_values(settings, [ROLE_SETTINGS[role]]).values()))) for role in roles]
    return "gpu" if any(path.startswith(STUDIO) and not path.startswith(REMOTE) for path in paths) else "cpu"


def _nodes(run: dg.DagsterRun) -> tuple[Node, ...]:
    """What the run makes: what it was told to, else all that its job makes."""
    chosen = run.asset_selection
    if chosen:
        return tuple(GRAPH[key.path[-1]] for key in chosen if key.path[-1] in GRAPH)
    video, dub = of_granularity("video"), of_granularity("dub")
    return {"analyse_video": video, "dub_video": dub}.get(run.job_name, ())


def _priority(run: dg.DagsterRun) -> int:
    if not any(tag in run.tags for tag in _BY_ITSELF):
        return IN_PERSON
    return 0 if "dagster/backfill" in run.tags else DROPPED
