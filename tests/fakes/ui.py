"""`octavia ui` as an operator starts it, in a process of its own, and what the browser asks it, asked by hand."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any

import dagster as dg
import httpx
from daemon import descendants
from octavia_command import Octavia

from octavia_dag.definitions import workshop
from octavia_dag.environment import read
from octavia_dag.resources.workshop import Workshop
from octavia_dag.sensors.automation import AT_WORK

LOCATION = {"repositoryLocationName": "octavia_dag.definitions", "repositoryName": "__repository__"}
UP_WITHIN_S, RUN_WITHIN_S, STOPPED_WITHIN_S = 240.0, 120.0, 30.0


@dataclass
class Ui:
    """The webserver and the daemon over one installation."""

    octavia: Octavia
    process: subprocess.Popen[bytes]
    instance: dg.DagsterInstance
    tools: Workshop
    url: str
    log: Path

    def ask(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The first answer of a GraphQL query; an error that it carries fails the test."""
        answer = httpx.post(f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60)
        told: dict[str, Any] = answer.json()
        assert "errors" not in told, told
        return next(iter(told["data"].values()))

    def backfill(self, **params: Any) -> str:
        """What the dialog "Launch backfill" sends; returns the backfill's id."""
        query = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
            __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
        told = self.ask(query, {"params": params})
        assert told["__typename"] == "LaunchBackfillSuccess", told
        return told["backfillId"]

    def launch(self, job: str) -> str:
        """What the Launchpad sends for a job without partitions; returns the run's id."""
        query = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
            __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
        selector = {**LOCATION, "jobName": job}
        told = self.ask(query, {"params": {"selector": selector, "mode": "default", "runConfigData": {}}})
        assert told["__typename"] == "LaunchRunSuccess", told
        return told["run"]["runId"]

    def runs(self, **tags: str) -> list[dg.DagsterRun]:
        """The runs with these tags, the newest first; dots in a tag's name are written as double underscores."""
        return list(self.instance.get_runs(dg.RunsFilter(tags={k.replace("__", "/"): v for k, v in tags.items()})))

    def wait(self, condition: Callable[[], bool], what: str, limit_s: float = RUN_WITHIN_S) -> None:
        end = time.monotonic() + limit_s
        while not condition():
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            runs = [(one.job_name, one.tags.get("dagster/partition"), one.status) for one in self.instance.get_runs()]
            assert time.monotonic() < end, f"waiting for {what}: {runs}\n{self.log.read_text()[-3000:]}"
            time.sleep(0.3)

    def ended(self, **tags: str) -> bool:
        """Whether there are such runs and all of them are over."""
        found = self.runs(**tags)
        return bool(found) and all(one.status not in AT_WORK for one in found)

    def stop(self) -> None:
        """Ends it by its process id, and what it leaves behind by theirs."""
        children = descendants(self.process.pid)
        self.process.terminate()
        try:
            self.process.wait(STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        end = time.monotonic() + STOPPED_WITHIN_S
        while any(Path(f"/proc/{pid}").exists() for pid in children) and time.monotonic() < end:
            time.sleep(0.2)
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, SIGKILL)


def start_ui(octavia: Octavia, folder: Path, **environment: str) -> Ui:
    """The UI over the home of `octavia`, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "ui.log"
    command = ["-c", "from octavia_dag.cli import main; main()", "ui", "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *command],
            env=octavia.environment() | environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    home = octavia.home / "dagster"
    while not (home / "dagster.yaml").exists() and process.poll() is None:
        time.sleep(0.1)
    instance = dg.DagsterInstance.from_config(str(home))
    ui = Ui(octavia, process, instance, workshop(read(octavia.home)), f"http://127.0.0.1:{port}", log)
    ui.wait(lambda: _answers(ui), "the UI to answer", UP_WITHIN_S)
    return ui


def _answers(ui: Ui) -> bool:
    """Whether it knows the jobs: the code server is up too."""
    query = "query($at: RepositorySelector!) { repositoryOrError(repositorySelector: $at) { __typename } }"
    try:
        return ui.ask(query, {"at": LOCATION})["__typename"] == "Repository"
    except httpx.HTTPError:
        return False
