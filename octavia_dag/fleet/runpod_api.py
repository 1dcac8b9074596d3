"""What is asked of RunPod's serverless API, and what its answers mean. Nothing here knows of Dagster.

    POST {jobs}/v2/ENDPOINT/run          {"input": ..., "policy": {"executionTimeout": ms, "ttl": ms}} -> {"id": ...}
    GET  {jobs}/v2/ENDPOINT/status/ID    {"status": "IN_QUEUE" ...}; 404 once the result is 30 minutes old
    POST {jobs}/v2/ENDPOINT/cancel/ID
    GET  {jobs}/v2/ENDPOINT/health       {"jobs": {"inQueue", "inProgress"}, "workers": {"idle", "running", ...}}
    GET  {rest}/v1/endpoints/ENDPOINT    {"workersMin": n, "workersMax": n, ...}
    PATCH {rest}/v1/endpoints/ENDPOINT   {"workersMin": n}

(RunPod's documentation, "Endpoint operations" and the REST API, read in November 2026). An answer that says no (429 and
5xx) means that nothing was taken on, so it is asked again, later and later, with jitter. Where no answer comes to a
submission, the job may be there or not: that is an `AnswerLostError`, and it is never asked again here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from octavia_dag.errors import OctaviaError

State = Literal["waiting", "working", "done", "failed", "unknown"]
# "RUNNING" is what the page of job states says, "IN_PROGRESS" what the API answers.
_STATES: dict[str, State] = {
    "IN_QUEUE": "waiting",
    "IN_PROGRESS": "working",
    "RUNNING": "working",
    "COMPLETED": "done",
    "FAILED": "failed",
    "CANCELLED": "failed",
    "TIMED_OUT": "failed",
}


class ProviderError(OctaviaError):
    """The provider refused, or could not be asked. It never holds the key."""


class AnswerLostError(ProviderError):
    """Whether a submission was taken on is not known."""


class _BusyError(Exception):
    """Not now: ask again."""


@dataclass(frozen=True)
class Health:
    """How many jobs wait and are worked on, and how many workers there are of each kind."""

    waiting: int
    working: int
    idle: int
    running: int
    starting: int


@dataclass(frozen=True)
class Scale:
    """How many workers stay up without work, and how many there may be."""

    minimum: int
    most: int


@dataclass(frozen=True)
class RunPod:
    """One serverless endpoint. `key` is the account's; `longest_wait_s` is the longest pause between two of `tries`."""

    endpoint: str
    key: str = field(repr=False)
    jobs: str = "https://api.runpod.ai"
    rest: str = "https://rest.runpod.io"
    timeout_s: float = 20.0
    longest_wait_s: float = 30.0
    tries: int = 6

    def submit(self, job: Mapping[str, Any], *, timeout_s: float, wait_s: float) -> str:
        """Submits once and returns the job's id; `timeout_s` bounds the work, `wait_s` wait and work together.

        AnswerLostError where no answer came; a ProviderError where the provider does not take it.
        """
        policy = {"executionTimeout": round(timeout_s * 1000), "ttl": round(wait_s * 1000)}
        told = self._asked("POST", "run", {"input": dict(job), "policy": policy}, "Submitting a run", safe=False)
        found = told.get("id")
        if not isinstance(found, str) or not found:
            raise AnswerLostError(f"Submitting a run to {self.endpoint}: the answer names no job.")
        return found

    def state(self, job: str) -> State:
        """What became of a job; "unknown" where the provider knows nothing of it (any more)."""
        told = self._asked("GET", f"status/{job}", None, "Asking for a job", missing={"status": ""})
        return _STATES.get(str(told.get("status", "")).upper(), "unknown")

    def cancel(self, job: str) -> None:
        """Ends a job, waiting or at work; one that is not there is ended already."""
        self._asked("POST", f"cancel/{job}", {}, "Cancelling a job", missing={})

    def health(self) -> Health:
        """The endpoint as it is now."""
        told = self._asked("GET", "health", None, "Asking for the endpoint's health")
        jobs, workers = (cast(dict[str, int], told.get(name) or {}) for name in ("jobs", "workers"))
        return Health(
            waiting=int(jobs.get("inQueue", 0)),
            working=int(jobs.get("inProgress", 0)),
            idle=int(workers.get("idle", 0)),
            running=int(workers.get("running", 0)),
            starting=int(workers.get("initializing", 0)),
        )

    def scale(self) -> Scale:
        """How many workers stay up without work now, whoever asked for that. A ProviderError where it is not said."""
        told = self._asked("GET", self._place, None, "Asking how many workers are kept up")
        try:
            return Scale(int(told["workersMin"]), int(told["workersMax"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ProviderError(f"Asking how many workers are kept up at {self.endpoint}: it is not said.") from error

    def keep_workers(self, count: int) -> None:
        """Sets how many workers stay up without work."""
        self._asked("PATCH", self._place, {"workersMin": count}, f"Keeping {count} workers")

    @property
    def _place(self) -> str:
        return f"{self.rest}/v1/endpoints/{self.endpoint}"

    def _asked(
        self,
        method: str,
        what: str,
        body: Mapping[str, Any] | None,
        doing: str,
        *,
        safe: bool = True,
        missing: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The answer; asked again where the provider says "not now", and where `safe` also after no answer."""
        again = Retrying(
            retry=retry_if_exception_type(_BusyError),
            stop=stop_after_attempt(self.tries),
            wait=wait_random_exponential(multiplier=min(1.0, self.longest_wait_s / 4), max=self.longest_wait_s),
            reraise=True,
        )
        address = what if what.startswith("http") else f"{self.jobs}/v2/{self.endpoint}/{what}"
        try:
            return again(self._once, method, address, body, doing, safe, missing)
        except _BusyError as error:
            raise ProviderError(
                f"{doing} at {self.endpoint} failed {self.tries} times ({error}); see to it."
            ) from error

    def _once(
        self,
        method: str,
        address: str,
        body: Mapping[str, Any] | None,
        doing: str,
        safe: bool,
        missing: dict[str, Any] | None,
    ) -> dict[str, Any]:
        try:
            answer = httpx.request(
                method, address, json=body, headers={"Authorization": f"Bearer {self.key}"}, timeout=self.timeout_s
            )
        except httpx.ConnectError as error:  # it was never said
            raise _BusyError("no connection") from error
        except httpx.HTTPError as error:
            if safe:
                raise _BusyError(type(error).__name__) from error
            raise AnswerLostError(f"{doing} at {self.endpoint}: no answer came ({type(error).__name__}).") from error
        if answer.status_code == 429 or answer.status_code >= 500:
            raise _BusyError(f"status {answer.status_code}")
        if answer.status_code == 404 and missing is not None:
            return missing
        if answer.status_code >= 400:
            why = " (is the key right?)" if answer.status_code in (401, 403) else ""
            raise ProviderError(f"{doing} at {self.endpoint} was refused with status {answer.status_code}{why}.")
        return _object(answer, doing, self.endpoint, safe=safe)


def _object(answer: httpx.Response, doing: str, endpoint: str, *, safe: bool) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError as error:
        if safe:
            raise _BusyError("an answer that is no JSON") from error
        raise AnswerLostError(f"{doing} at {endpoint}: the answer cannot be read.") from error
    return cast(dict[str, Any], told) if isinstance(told, dict) else {}
