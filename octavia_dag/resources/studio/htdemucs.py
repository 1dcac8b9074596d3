"""The network htdemucs_6s as a batch of windows sees it, loaded from a folder that was checked.

Its folder is what the hub holds (a .safetensors file), or what the library's own repository does (a .th file and
htdemucs_6s.yaml, which names it). Reading a .th file runs code that is in it, as every pickle does: it is for
weights of a trusted origin, which a seal holds to their hashes.
"""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from octavia_dag.dubbing.overlapping import Samples
from octavia_dag.errors import ModelError

NAME = "htdemucs_6s"
RATE_HZ = 44_100
# Measured on the CPU (float32, a window of 7.8 s): what the weights take, and each window of a batch while it is heard.
WEIGHTS_GIB = 0.2
WINDOW_GIB = 0.75
_VOICE = "vocals"


@dataclass(frozen=True)
class Network:
    """The network on its device. It hears `length` frames of two channels at once."""

    model: Any
    device: str

    @property
    def length(self) -> int:
        """Frames of the segments that it was trained on."""
        return int(self.model.segment * self.model.samplerate)

    def beds(self, windows: Sequence[Samples]) -> list[Samples]:
        """The sum of all stems but the voice, for windows of shape (`length`, 2)."""
        import torch

        heard = np.ascontiguousarray(np.stack(windows).transpose(0, 2, 1))
        others = [index for index, stem in enumerate(self.model.sources) if stem != _VOICE]
        with torch.inference_mode():
            stems = self.model(torch.from_numpy(heard).to(self.device))
            made = stems[:, others].sum(dim=1).cpu().numpy()
        return list(made.transpose(0, 2, 1))


def load(folder: Path, device: str) -> Network:
    """The network in `folder`; a ModelError says what is wrong with one that cannot be it."""
    from demucs.apply import BagOfModels
    from demucs.hf import load_safetensors_model
    from demucs.pretrained import get_model
    from safetensors import SafetensorError

    tensors = sorted(folder.glob("[!.]*.safetensors"))  # nobody checks what is hidden
    try:
        loaded = load_safetensors_model(tensors[0]) if tensors else get_model(NAME, repo=folder)
    except (RuntimeError, KeyError, ValueError, TypeError, EOFError, pickle.UnpicklingError, SafetensorError) as error:
        raise ModelError(
            f"Loading {NAME} from {folder}: there is no such network in it ({error}); {_REMEDY}."
        ) from error
    models: list[Any] = list(loaded.models) if isinstance(loaded, BagOfModels) else [loaded]
    first = models[0]
    fits = first.samplerate == RATE_HZ and first.audio_channels == 2 and _VOICE in first.sources
    if len(models) != 1 or not fits:
        raise ModelError(
            f"Loading {NAME} from {folder}: it holds other networks, or one of another rate, channel count or set of "
            f"stems; {_REMEDY}."
        )
    return Network(first.to(device).eval(), device)


_REMEDY = "name the folder of htdemucs_6s in separation.options (weights), or fetch it with 'octavia models pull'"
