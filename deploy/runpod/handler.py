"""What a worker of the endpoint starts: each job is one run, worked on in a process of its own and claimed first."""

from typing import Any

import dagster as dg
import runpod

from octavia_dag import environment
from octavia_dag.definitions import workshop
from octavia_dag.fleet.worker import work


def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Works on the run that the job names; see octavia_dag/fleet/worker.py."""
    surroundings = environment.read()
    environment.enter(surroundings)
    with dg.DagsterInstance.get() as instance:
        return work(event["input"], event["id"], instance, workshop(surroundings).memory)


runpod.serverless.start({"handler": handler})
