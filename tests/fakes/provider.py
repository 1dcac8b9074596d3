"""A serverless GPU provider on this machine: speaks the documented API, and can lose, repeat and refuse.

Faults are taken one per submission, in order: "429", "500", "lost" (taken on, no answer), "dropped" (not taken on, no
answer), "garbled" (taken on, an answer that is no JSON). Jobs are worked on by `worker`, each in a thread, where one is
given; "twice" hands a job to two of them. How many workers are kept up is noted each time it is set; where
`deaf`, it is set and no answer comes.
"""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Worker = Callable[[dict[str, Any], str], dict[str, Any]]


@dataclass
class Provider:
    endpoint: str = "dub"
    key: str = "right"
    faults: list[str] = field(default_factory=list[str])
    worker: Worker | None = None
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    states: dict[str, str] = field(default_factory=dict[str, str])
    outputs: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    submissions: int = 0
    workers_min: int = 0
    workers_max: int = 300
    kept: list[int] = field(default_factory=list[int])
    deaf: bool = False
    away: bool = False
    address: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list[threading.Thread])

    def take(self, told: dict[str, Any], times: int) -> str:
        """A new job, waiting or already in a worker's hands."""
        with self._lock:
            job = f"job-{len(self.jobs) + 1}"
            self.jobs[job], self.states[job] = told["input"], "IN_QUEUE"
        for _ in range(times if self.worker else 0):
            thread = threading.Thread(target=self._work, args=(job,), daemon=True)
            self._threads.append(thread)
            thread.start()
        return job

    def settle(self, seconds: float = 60.0) -> None:
        """Waits for every worker."""
        for thread in self._threads:
            thread.join(seconds)
            assert not thread.is_alive()

    def _work(self, job: str) -> None:
        assert self.worker is not None
        self.states[job] = "IN_PROGRESS"
        self.outputs.append(self.worker(self.jobs[job], job))
        if self.states[job] == "IN_PROGRESS":
            self.states[job] = "COMPLETED"


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        self.answered(lambda: self.get(self.path.removeprefix(f"/v2/{self.provider.endpoint}/")))

    def do_POST(self) -> None:
        self.answered(lambda: self.post(self.path.removeprefix(f"/v2/{self.provider.endpoint}/"), self.body()))

    def do_PATCH(self) -> None:
        def change() -> tuple[int, bytes] | None:
            wanted = self.body()["workersMin"]
            if wanted > self.provider.workers_max:
                return 400, b"{}"
            self.provider.workers_min = wanted
            self.provider.kept.append(wanted)
            return None if self.provider.deaf else (200, b"{}")

        self.answered(change)

    def body(self) -> dict[str, Any]:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def answered(self, make: Callable[[], tuple[int, bytes] | None]) -> None:
        if self.provider.away:
            answer: tuple[int, bytes] | None = (503, b"")
        elif self.headers["Authorization"] != f"Bearer {self.provider.key}":
            answer = (401, b"{}")
        else:
            answer = make()
        if answer is None:  # the connection ends without a word
            self.close_connection = True
            return
        self.send_response(answer[0])
        self.send_header("Content-Length", str(len(answer[1])))
        self.end_headers()
        self.wfile.write(answer[1])

    def get(self, what: str) -> tuple[int, bytes]:
        told, states = self.provider, list(self.provider.states.values())
        if what == "health":
            jobs = {"inQueue": states.count("IN_QUEUE"), "inProgress": states.count("IN_PROGRESS")}
            workers = {"idle": told.workers_min, "running": states.count("IN_PROGRESS"), "initializing": 0}
            return 200, json.dumps({"jobs": jobs, "workers": workers}).encode()
        if what == f"/v1/endpoints/{told.endpoint}":
            return 200, json.dumps({"workersMin": told.workers_min, "workersMax": told.workers_max}).encode()
        job = what.removeprefix("status/")
        return (200, json.dumps({"id": job, "status": told.states[job]}).encode()) if job in told.states else (404, b"")

    def post(self, what: str, told: dict[str, Any]) -> tuple[int, bytes] | None:
        provider = self.provider
        if what.startswith("cancel/"):
            provider.states[what.removeprefix("cancel/")] = "CANCELLED"
            return 200, b"{}"
        provider.submissions += 1
        fault = provider.faults.pop(0) if provider.faults else ""
        if fault in ("429", "500"):
            return int(fault), b"not now"
        if fault == "dropped":
            return None
        job = provider.take(told, 2 if fault == "twice" else 1)
        if fault == "lost":
            return None
        return 200, b"<html>" if fault == "garbled" else json.dumps({"id": job, "status": "IN_QUEUE"}).encode()

    def log_message(self, format: str, *args: Any) -> None:
        return


@contextmanager
def running(worker: Worker | None = None) -> Generator[Provider]:
    provider = Provider(worker=worker)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": provider}))
    provider.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
