"""What a giver is: one kind of thing that people give besides settings, told apart from who asks for it.

A giver tells cheaply what it chooses from (a hash of the whole glossary, say) and, only where that or the step's
inputs have changed, what of it is used.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.workshop import Workshop
from octavia_dag.schema import Transcript
from octavia_dag.settings import Settings


@dataclass(frozen=True)
class Asked:
    """One partition for which is asked. `transcript` reads the video's current one.

    `inputs` are the data versions that the step is made from, as far as they are known.
    """

    workshop: Workshop
    settings: Settings
    video: str
    language: str | None
    inputs: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def store(self) -> ArtifactStore:
        """The artifacts."""
        return self.workshop.store

    def transcript(self) -> Transcript | None:
        """The current transcript, None where there is none."""
        found = self.store.current("transcript", self.video, None)
        return None if found is None else found.read(Transcript)


@dataclass(frozen=True)
class Giver:
    """One kind of thing that people give to the step `asset`.

    `source` is a hash of all there is to choose from, empty where there is nothing; `used` is what of it this partition
    uses, as JSON holds it, empty where nothing.
    """

    name: str
    asset: str
    source: Callable[[Asked], str]
    used: Callable[[Asked], Any]
