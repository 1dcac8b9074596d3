"""What a worker of the endpoint starts: each job is one run, worked on in a process of its own and claimed first.

Beside its work it watches the pool that it belongs to: where nobody asks for it any more, it lets the pool down, itself
included. For that it needs OCTAVIA_RUNPOD_ENDPOINT and OCTAVIA_RUNPOD_KEY.
"""

import sys
from functools import partial
from typing import Any

import dagster as dg
import runpod

from octavia_dag import environment
from octavia_dag.definitions import endpoint, workshop
from octavia_dag.environment import RUNPOD_ENDPOINT, RUNPOD_KEY
from octavia_dag.fleet.watch import Watchdog
from octavia_dag.fleet.worker import work

_LOOK_EVERY_S = 60.0
_here = environment.read()
_tools, _endpoint = workshop(_here), endpoint(_here)
_keyed = _here.runpod_endpoint and _here.has_runpod_key
_dog = Watchdog(_endpoint.name, _endpoint.api(), _tools.memory) if _keyed else None


def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Works on the run that the job names; see octavia_dag/fleet/worker.py."""
    environment.enter(_here)
    with dg.DagsterInstance.get() as instance:
        todo = partial(work, event["input"], event["id"], instance, _tools.memory)
        return _dog.after(todo) if _dog else todo()


if _dog:
    _dog.beside(_LOOK_EVERY_S)
else:
    sys.stderr.write(f"octavia: this worker watches no pool; for that it needs {RUNPOD_ENDPOINT} and {RUNPOD_KEY}.\n")
runpod.serverless.start({"handler": handler})
