"""What one run is told in the Launchpad: for experiments, never for keeps.

The three switches of the product stand there under their own names, and any other setting can be given beside them. A
run that was told something marks its outcome, and the plan says that it is not what the settings ask for.
"""

from enum import Enum
from typing import Any

import dagster as dg
from pydantic import Field

from octavia_dag.settings import SWITCHES, Layer, Settings


class Switch(Enum):
    """A switch for one run: as the settings have it, on, or off."""

    AS_SET = "AS_SET"
    ON = "ON"
    OFF = "OFF"


def _switch(place: str) -> Any:
    """The field of a switch, with the product's own words as its description."""
    name, field = place.split(".")
    told = getattr(Settings.model_fields[name].annotation, "model_fields", {})[field]
    return Field(default=Switch.AS_SET, description=f"{told.title}: {told.description}")


class Launch(dg.ConfigurableResource):
    """A run's own configuration, over all layers of settings."""

    preserve_background_music: Switch = _switch("mix.keep_music")
    clone_every_voice: Switch = _switch("voices.own_voices")
    personal_voice_for_the_main_speaker: Switch = _switch("voices.personal")
    settings: dict[str, Any] = Field(
        default={}, description="Any other settings, as 'slice: {field: value}'; for this run only."
    )

    def layer(self) -> Layer:
        """What the run was told, as a layer; empty where it was told nothing."""
        told: Layer = {name: dict(fields) for name, fields in self.settings.items()}
        switches = (
            self.preserve_background_music, self.clone_every_voice, self.personal_voice_for_the_main_speaker
        )  # fmt: skip
        for place, switch in zip(SWITCHES, switches, strict=True):
            if switch is not Switch.AS_SET:
                name, field = place.split(".")
                told.setdefault(name, {})[field] = switch is Switch.ON
        return told
