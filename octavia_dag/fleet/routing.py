"""One launcher in front of several: a run's tag says on what it computes, the configuration which launcher that is.

    run_launcher:
      module: octavia_dag.fleet.routing
      class: RoutingRunLauncher
      config:
        default: local
        launchers:
          local: {module: dagster, class: DefaultRunLauncher}
          gpu: {module: octavia_dag.fleet.runpod, class: RunPodRunLauncher, config: {...}}

Which child launched a run is noted on the run, so that whoever ends it or looks after it asks the same one, also when
the configuration has changed meanwhile. Whether a run's worker lives is asked of the child that knows; a run of a child
that cannot tell counts as alive, as it does without this launcher.
"""

from collections.abc import Mapping
from typing import Any, Self

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, ResumeRunContext, RunLauncher, WorkerStatus
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from dagster_shared.check import CheckError

from octavia_dag.errors import InputError
from octavia_dag.graph import COMPUTE_TAG

LAUNCHER_TAG = "octavia/launcher"


class RoutingRunLauncher(RunLauncher[dg.DagsterInstance], ConfigurableClass):
    """Hands each run to the launcher that its tag `octavia/compute` names, and everything about it to the same one."""

    def __init__(
        self, default: str, launchers: Mapping[str, Mapping[str, Any]], inst_data: ConfigurableClassData | None = None
    ) -> None:
        if default not in launchers:
            raise InputError(
                f"The launcher for runs without a tag is {default!r}, which is none of {', '.join(sorted(launchers))}; "
                "mend run_launcher in dagster.yaml."
            )
        self._default = default
        self._children = {name: _child(name, told) for name, told in launchers.items()}
        self._inst_data = inst_data
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """Where it was configured."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """The names of the launchers, and the one for runs without a tag."""
        return {"default": dg.Field(str), "launchers": dg.Field(dg.Permissive({}))}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """The launcher as dagster.yaml describes it."""
        return cls(**config_value, inst_data=inst_data)

    def register_instance(self, instance: dg.DagsterInstance) -> None:
        """To itself and to every child."""
        super().register_instance(instance)
        for child in self._children.values():
            child.register_instance(instance)

    def launch_run(self, context: LaunchRunContext) -> None:
        """By the child that the run's tag names; an InputError where there is none of that name."""
        name = context.dagster_run.tags.get(COMPUTE_TAG, self._default)
        child = self._named(name, context.dagster_run.run_id)
        self._instance.add_run_tags(context.dagster_run.run_id, {LAUNCHER_TAG: name})
        child.launch_run(context)

    def terminate(self, run_id: str) -> bool:
        """By the child that launched it."""
        run = self._instance.get_run_by_id(run_id)
        return run is not None and self._of(run).terminate(run_id)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Where any child can tell."""
        return any(child.supports_check_run_worker_health for child in self._children.values())

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """What the child says that launched it."""
        child = self._of(run)
        if child.supports_check_run_worker_health:
            return child.check_run_worker_health(run)
        return CheckRunHealthResult(WorkerStatus.RUNNING, "its launcher cannot tell")

    @property
    def supports_resume_run(self) -> bool:
        """Where any child can."""
        return any(child.supports_resume_run for child in self._children.values())

    def resume_run(self, context: ResumeRunContext) -> None:
        """By the child that launched it; where that one cannot, the run is reported as failed."""
        child = self._of(context.dagster_run)
        if child.supports_resume_run:
            child.resume_run(context)
            return
        self._instance.report_run_failed(context.dagster_run, "Its worker is gone, and its launcher resumes no run.")

    def get_run_worker_debug_info(self, run: dg.DagsterRun, include_container_logs: bool | None = True) -> str | None:
        """What the child tells."""
        return self._of(run).get_run_worker_debug_info(run, include_container_logs)

    def join(self, timeout: int = 30) -> None:
        """Waits for every child's runs."""
        for child in self._children.values():
            child.join(timeout)

    def dispose(self) -> None:
        """Lets every child clean up."""
        for child in self._children.values():
            child.dispose()

    def child(self, run: dg.DagsterRun) -> RunLauncher[dg.DagsterInstance] | None:
        """The launcher that launched `run`, or will; None where it asks for one that is not there."""
        return self._children.get(self._name_of(run))

    def _of(self, run: dg.DagsterRun) -> RunLauncher[dg.DagsterInstance]:
        """The child that launched `run`."""
        return self._named(self._name_of(run), run.run_id)

    def _name_of(self, run: dg.DagsterRun) -> str:
        return run.tags.get(LAUNCHER_TAG) or run.tags.get(COMPUTE_TAG) or self._default

    def _named(self, name: str, run_id: str) -> RunLauncher[dg.DagsterInstance]:
        child = self._children.get(name)
        if child is None:
            raise InputError(
                f"Launching run {run_id}: its tag {COMPUTE_TAG} asks for {name!r}, and the launchers here are "
                f"{', '.join(sorted(self._children))}; mend the tag, or run_launcher in dagster.yaml."
            )
        return child


def _child(name: str, told: Mapping[str, Any]) -> RunLauncher[dg.DagsterInstance]:
    """A launcher from its own part of the configuration, as Dagster itself would make it."""
    import yaml

    try:
        data = ConfigurableClassData(told["module"], told["class"], yaml.safe_dump(dict(told.get("config") or {})))
        return data.rehydrate(as_type=RunLauncher)
    except (KeyError, CheckError, dg.DagsterInvalidConfigError, ImportError) as error:
        raise InputError(f"The launcher {name!r} of run_launcher in dagster.yaml cannot be made ({error}).") from error
