"""A slice of settings that no step reads: how many workers of a provider stay up without work, what that may cost.

It is a setting and no variable, so that an operator changes it while all runs, within limits, and it is on record who
did; only the keeper reads it. It belongs to the whole installation: the workers are there for all videos.
"""

from pydantic import Field

from octavia_dag.slicing import Slice


class WarmPool(Slice):
    """How many workers of a provider stay up without work, and what that may cost. No step reads it."""

    most: int = Field(default=10, ge=0, le=1000, description="So many workers are kept up at the most; 0: none.")
    pace_s: float = Field(
        default=600.0, ge=10.0, le=86_400.0, description="So long one run takes on one worker, about."
    )
    drain_s: float = Field(
        default=900.0,
        ge=10.0,
        le=86_400.0,
        description="What waits is to be done in this time, if no deadline is nearer.",
    )
    standby: int = Field(default=1, ge=0, le=1000, description="So many workers stay up after the last work.")
    standby_s: float = Field(default=3600.0, ge=0.0, le=86_400.0, description="For so long they do.")
    lease_s: float = Field(
        default=120.0,
        ge=90.0,
        le=3600.0,
        description="What is kept up is let down this long after nobody renewed it; it is renewed twice a minute.",
    )
    budget_per_day: float | None = Field(
        default=None,
        ge=0.0,
        le=1e6,
        description="What workers without work cost in a day (UTC) at the most, by costs.gpu_hour; unset: no limit in "
        "money.",
    )
