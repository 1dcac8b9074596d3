"""Celery on Redis as a way to workers: one task, which hands a piece of work to whoever listens to its queue.

Nothing depends on what the queue remembers. A message may be lost, come twice or come late: who works on a piece, and
whether that worker lives, stands in the database (`resources/claims.py`), and so no result is kept. A message is
acknowledged late, when the work is over: one that a worker took and had not claimed when it died is handed out again.
That happens after the visibility timeout, which must be longer than the longest piece, or healthy work would be handed
out twice (in vain, since it is claimed).
"""

from collections.abc import Mapping
from typing import Any

from celery import Celery
from dagster_shared.error import DagsterError
from kombu.entity import Exchange, Queue
from kombu.exceptions import OperationalError

from octavia_dag.errors import SettingsError
from octavia_dag.graph import COMPUTE_TAG

WORK = "octavia.work"
QUEUES = ("gpu", "cpu")
LONGEST_S = 24 * 3600
# With Redis, of 0 to 9 the lowest goes first.
_STEPS = list(range(10))
_USUAL = 6
# A broker that is restarted is waited for; the queue's daemon launches nothing else meanwhile.
_PATIENCE = {"max_retries": 12, "interval_start": 0.5, "interval_step": 1.0, "interval_max": 5.0}


class QueueAwayError(DagsterError):
    """The broker could not be reached for a minute; the run fails, and run retries launch it again."""


def queue_app(broker: str) -> Celery:
    """The app of whoever sends or works; `broker` is a URL like redis://host:6379/0, which may hold a password."""
    if not broker.startswith(("redis://", "rediss://")):
        raise SettingsError("OCTAVIA_BROKER_URL must be the address of a Redis, like redis://host:6379/0.")
    app = Celery("octavia", broker=broker)
    app.conf.update(
        task_queues=[Queue(name, Exchange(name), routing_key=name) for name in QUEUES],
        task_default_queue="cpu",
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": LONGEST_S,
            "priority_steps": _STEPS,
            "queue_order_strategy": "priority",
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
    )
    return app


def send(app: Celery, job: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    """Hands out a piece of work to the queue that `tags` name; a QueueAwayError where the broker stays away."""
    queue = tags.get(COMPUTE_TAG, "cpu")
    if queue not in QUEUES:
        raise SettingsError(f"Work with {COMPUTE_TAG} {queue!r} has no queue; there are {' and '.join(QUEUES)}.")
    try:
        app.send_task(WORK, args=[dict(job)], queue=queue, priority=urgency(tags), retry=True, retry_policy=_PATIENCE)
    except OperationalError as error:
        raise QueueAwayError(
            f"Handing {job['run_id']} to the queue {queue} failed: its broker cannot be reached; see that Redis runs."
        ) from error


def urgency(tags: Mapping[str, str]) -> int:
    """Dagster's priority, in which more is earlier, as one of Redis's ten."""
    told = tags.get("dagster/priority", "")
    priority = int(told) if told.lstrip("-").isdecimal() else 0
    return _USUAL if priority == 0 else _USUAL - 3 if priority > 0 else _USUAL + 3
