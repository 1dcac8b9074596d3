"""An installation in which no step ever runs: registry, settings, plan and Dagster's database are real.

What a run would have done is told: that it is at work, or that it failed.
"""

from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import yaml
from dagster._core.execution.plan.objects import StepFailureData, UserFailureData
from dagster._core.test_utils import create_run_for_test
from octavia_fakes import ENGINES

from octavia_dag.assets.judging import Judge
from octavia_dag.dubbing.budget import Budget
from octavia_dag.partitions import dub_key
from octavia_dag.resources import videos
from octavia_dag.resources.catalogue import Catalogue
from octavia_dag.resources.nights import NightReport
from octavia_dag.resources.workshop import Workshop
from octavia_dag.sensors import night as nights
from octavia_dag.sensors.automation import DESIRED_TAG, Request, tick

SENTENCE = "It is no video; give one."


@dataclass
class House:
    """An installation whose files are 90 s long each, and its catalogue."""

    root: Path
    tools: Workshop
    instance: dg.DagsterInstance

    def write(self, *lines: str, head: str = "uri,languages,priority") -> None:
        (self.root / "catalogue.csv").write_text("\n".join([head, *lines]))

    def video(self, name: str, content: str = "") -> str:
        (self.root / name).write_text(content or f"the film {name}")
        return name

    def set(self, **nightly: float) -> None:
        layer = {**ENGINES, "catalogue": nightly}
        (Path(self.tools.store.root) / "settings.yaml").write_text(yaml.safe_dump(layer))

    def night(self, name: str, budget: Budget | None = None) -> nights.Night:
        table = Catalogue(root=str(self.root)).read()
        return nights.Night(self.tools, self.instance, table, name, "a test", budget=budget)

    def sleep(self, name: str) -> NightReport:
        """One whole night."""
        night = self.night(name)
        return night.carry_out(night.choice())

    def tick(self) -> list[Request]:
        """What the automation launches in one tick that has all the time it needs."""
        requests, troubles, _ = tick(self.tools, self.instance, "", now=lambda: 0.0)
        assert troubles == []
        return requests

    def ids(self) -> list[str]:
        return [one.id for one in videos.records(self.tools.store)]

    def run(self, video: str, status: dg.DagsterRunStatus, language: str | None = None) -> None:
        """A run of its own job, or of one dub, that went for what is wanted now."""
        job, key = ("dub_video", str(dub_key(video, language))) if language else ("analyse_video", video)
        ran(self.instance, job, key, Judge(self.tools).plan(video).desired[language], status)


def ran(instance: dg.DagsterInstance, job: str, key: str, desired: str, status: dg.DagsterRunStatus) -> None:
    """A run of `key` that went for a desired state."""
    tags = {"dagster/partition": key, DESIRED_TAG: desired}
    run = create_run_for_test(instance, job_name=job, tags=tags, status=status)
    if status is dg.DagsterRunStatus.FAILURE:
        instance.report_dagster_event(_failure(job), run.run_id)


def _failure(job: str) -> dg.DagsterEvent:
    """A step failed by itself: a run without one was killed, and is another matter."""
    data = StepFailureData(error=None, user_failure_data=UserFailureData(label="", description=SENTENCE))
    return dg.DagsterEvent("STEP_FAILURE", job, step_key="source_video", event_specific_data=data)
