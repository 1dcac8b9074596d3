"""XTTS v2 (coqui-tts), loaded once for cloner and synthesizer, by its own low-level loader.

That loader would write the checkpoint anew where its configuration is pickled into it, as the published one's is; our
weights are sealed, so the file is read and never written. The model keeps the prefix of the batch at work in itself:
whoever generates holds its lock.
"""

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from octavia_dag.errors import ModelError
from octavia_dag.resources.engines import Licence
from octavia_dag.resources.stopwatch import busy
from octavia_dag.resources.studio.engine import StudioEngine
from octavia_dag.resources.studio.residency import GIB, residents

T = TypeVar("T")

LICENCE = Licence(part="XTTS v2", name="CPML-1.0.0", commercial=False, instead="engines.profile studio-commercial")
# 1.9 GB of weights in float32, and what 16 rows of 600 codes keep in their caches.
NEEDS_GIB = 5.0
FILES = ("config.json", "model.pth", "vocab.json")


@dataclass(frozen=True)
class Loaded:
    """The model, and who may generate with it."""

    model: Any
    lock: threading.RLock = field(default_factory=threading.RLock)


class XttsEngine(StudioEngine):
    """What cloner and synthesizer share: the weights, and one model of them per device."""

    needs: ClassVar[str] = "TTS"

    weights: str = "coqui/XTTS-v2@v2.0.3"

    def licences(self, language: str | None = None) -> tuple[Licence, ...]:
        """CPML: weights and what they speak are not for sale."""
        del language
        return (LICENCE,)

    @contextmanager
    def loaded(self, device: str = "") -> Generator[Loaded]:
        """The model, resident on `device`, else at home."""
        where = device or self.home
        name = f"xtts {self.weights} {self.weights_revision()}"
        with residents(where).using(name, round(NEEDS_GIB * GIB), lambda: self._load(where)) as held:
            yield held

    def alone(self, work: Callable[[Any], T], what: str) -> T:
        """What `work` makes with the model, which nobody else works with; an EngineError where memory gives out."""

        def run(works: Sequence[Callable[[Any], T]], device: str) -> list[T]:
            with self.loaded(device) as held, held.lock, busy("engine", "xtts"):
                return [one(held.model) for one in works]

        return self.fitting([work], run, 1, what)[0]

    def _load(self, device: str) -> Loaded:
        folder = self.folder()
        for name in FILES:
            if not (folder / name).is_file():
                raise ModelError(f"Loading XTTS from {folder}: there is no {name} in it; name a folder of XTTS v2.")
        return Loaded(_model(folder).to(device))


def _model(folder: Path) -> Any:
    import torch
    from TTS.tts.configs.xtts_config import XttsConfig
    from TTS.tts.models.xtts import Xtts, _legacy_safe_globals  # pyright: ignore[reportPrivateUsage]

    class ReadOnly(Xtts):
        """As published, but for a file that is only read."""

        def _load_checkpoint(self, model_path: Path) -> dict[str, Any]:
            with _legacy_safe_globals():
                return torch.load(model_path, map_location="cpu", weights_only=True)["model"]

    config = XttsConfig()
    config.load_json(str(folder / "config.json"))
    model = ReadOnly(config)
    model.load_checkpoint(config, checkpoint_dir=str(folder), eval=True, use_deepspeed=False)
    return model
