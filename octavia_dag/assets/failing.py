"""A step's failure reaches Dagster as one sentence with its exit code; it is tried again only if its cause may pass."""

from collections.abc import Generator
from contextlib import contextmanager

import dagster as dg

from octavia_dag.errors import OctaviaError


@contextmanager
def told_to_dagster(context: dg.AssetExecutionContext) -> Generator[None]:
    """Turns an error of the tree into a Failure, and marks an interrupted run as canceled."""
    try:
        yield
    except OctaviaError as error:
        raise dg.Failure(
            description=str(error), metadata={"exit_code": error.exit_code}, allow_retries=error.passing
        ) from error
    except dg.DagsterExecutionInterruptedError:
        context.instance.report_run_canceling(context.run, "Interrupted.")
        raise
