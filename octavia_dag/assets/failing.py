"""A step's failure reaches Dagster as one sentence with its exit code; it is tried again only if its cause may pass."""

from collections.abc import Generator
from contextlib import contextmanager

import dagster as dg

from octavia_dag.errors import OctaviaError

# Of a step that failed for a cause that may pass; what cannot pass fails at once. It is no policy of the step, since
# Dagster would also try again what somebody interrupted.
RETRIES = dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


@contextmanager
def told_to_dagster(context: dg.AssetExecutionContext) -> Generator[None]:
    """Turns an error of the tree into a Failure, and marks an interrupted run as canceled."""
    try:
        yield
    except OctaviaError as error:
        if error.passing and context.retry_number < RETRIES.max_retries:
            wait_s = RETRIES.calculate_delay(context.retry_number + 1)
            raise dg.RetryRequested(RETRIES.max_retries, wait_s) from error
        raise dg.Failure(
            description=str(error), metadata={"exit_code": error.exit_code}, allow_retries=False
        ) from error
    except dg.DagsterExecutionInterruptedError:
        context.instance.report_run_canceling(context.run, "Interrupted.")
        raise
