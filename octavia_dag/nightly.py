"""The slice of settings that no step reads: what a catalogue is for, and how nights work through it.

It belongs to the whole installation: a night is one for all videos, so a video's layer may not hold it.
"""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dagster as dg
from pydantic import AfterValidator, Field

from octavia_dag.slicing import Slice


def _cron(text: str) -> str:
    try:
        dg.ScheduleDefinition(name="asked", cron_schedule=text, job_name="asked")
    except dg.DagsterInvalidDefinitionError as error:
        raise ValueError(
            f"catalogue.cron is {text!r}, which is no cron expression; write it like '0 1 * * *'."
        ) from error
    return text


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ValueError(
            f"catalogue.timezone is {name!r}, which is no time zone; write it like 'Europe/Lisbon'."
        ) from error
    return name


class Nights(Slice):
    """What a catalogue is for, how much of it is made in a night, and when. No step reads it."""

    use: Literal["research", "commercial"] = Field(
        default="research",
        description="commercial: weights are refused whose licence is not known to permit commercial use.",
    )
    licences: dict[str, str] = Field(
        default_factory=dict,
        description="Licences of weights that you chose yourself, by their reference, such as {/models/mine: MIT}.",
    )
    minutes_per_night: float = Field(
        default=600.0,
        ge=0.0,
        le=1e6,
        description="Minutes of video that a night makes at the most, once per language; 0: none.",
    )
    money_per_night: float | None = Field(
        default=None,
        ge=0.0,
        le=1e6,
        description="What a night costs at the most, by costs.gpu_hour and the pace so far; unset: no limit in money.",
    )
    retries: int = Field(
        default=2, ge=0, le=100, description="In so many nights more a failed dub is tried again, if nothing changes."
    )
    cron: Annotated[str, AfterValidator(_cron)] = Field(
        default="0 1 * * *", description="When a night begins (cron); it counts when the UI is started the next time."
    )
    timezone: Annotated[str, AfterValidator(_timezone)] = Field(
        default="UTC", description="The time zone of catalogue.cron, and of the day that a budget is for."
    )
