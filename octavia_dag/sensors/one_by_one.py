"""Work in the storage, one piece after the other: a piece that fails now does not stop the others, and is said.

Whoever drops something must not be able to stop what others drop, so this holds for a defect of ours too: the run's log
has all of it, the sentence its kind alone.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import dagster as dg

from octavia_dag.errors import OctaviaError
from octavia_dag.resources.locks import alone
from octavia_dag.resources.storage import ChangedError
from octavia_dag.resources.workshop import Workshop

T = TypeVar("T")


def one_by_one(
    context: dg.OpExecutionContext,
    workshop: Workshop,
    lock: str,
    prefixes: Sequence[str],
    pieces: Iterable[T],
    work: Callable[[T], str],
) -> None:
    """`work` on every piece, alone under `lock`, after what interrupted uploads left below `prefixes` is gone.

    What `work` returns is logged, and so is what changed meanwhile, which is nobody's fault. A dg.Failure of all
    sentences where a piece failed: the sensor asks for it again.
    """
    troubles: list[str] = []
    with alone(workshop.store, lock):
        try:
            workshop.storage.sweep(prefixes)
            for piece in pieces:
                try:
                    context.log.info(work(piece))
                except ChangedError as error:
                    context.log.info(str(error))
                except OctaviaError as error:
                    troubles.append(str(error))
                except Exception as error:  # a defect; it is told, and fails the run
                    context.log.exception("A piece of the work failed.")
                    troubles.append(f"A piece of the work failed ({type(error).__name__}); the run's log tells more.")
        except OctaviaError as error:
            troubles.append(str(error))
    if troubles:
        raise dg.Failure(" ".join(troubles), allow_retries=False)
