"""Tags that are true of one run alone: which process works on it, which job it is at a provider.

Dagster copies a run's tags to whatever executes it again. So such a tag names its run, and says nothing of another.
"""

import dagster as dg


def own(run_id: str, value: str) -> str:
    """The value of a tag that is of this run alone."""
    return f"{run_id} {value}"


def own_value(run: dg.DagsterRun, tag: str) -> str:
    """What the tag says of this run; empty where it is not there, or is another run's."""
    of, _, value = run.tags.get(tag, "").partition(" ")
    return value if of == run.run_id else ""
