"""XTTS with a thin decoder, for a command that runs in another process; it is told what to do as the fakes are."""

from collections.abc import Sequence

from octavia_fakes import _called  # pyright: ignore[reportPrivateUsage]
from tiny_xtts import shrink

from octavia_dag.resources.engines import Samples, Utterance
from octavia_dag.resources.studio.synthesizer import XttsSynthesizer
from octavia_dag.resources.studio.voice_cloner import XttsCloner
from octavia_dag.resources.studio.xtts import Loaded


class TinyCloner(XttsCloner):
    """The real one, but for the decoder's channels."""

    def _load(self, device: str) -> Loaded:
        shrink()
        return super()._load(device)


class TinySynthesizer(XttsSynthesizer):
    """The real one, but for the decoder's channels."""

    def _load(self, device: str) -> Loaded:
        shrink()
        return super()._load(device)

    def speak_all(self, utterances: Sequence[Utterance]) -> list[Samples]:
        _called(self, f"speak {len(utterances)}")
        return super().speak_all(utterances)
