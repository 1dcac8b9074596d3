"""DeepFilterNet through its C library, as a stream in time with its input.

The library takes 480 samples of 48 kHz mono at a time and answers 1440 samples (30 ms) late: two frames of
look-ahead and one of overlap. `VoiceStream` gives that delay back to the caller as a constant, so that nobody has
to know where it comes from. A state is a stream of its own (states share nothing), the call releases the
interpreter's lock, and the handle is freed by `close`, whatever happened before.

The library aborts the process on a bad model file, so the paths given here must have been verified.
"""

import ctypes
import functools
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from octavia_dag.errors import EngineError

RATE_HZ = 48_000
FRAME = 480
DELAY = 3 * FRAME  # measured with clicks: the answer to sample n is sample n + 1440
NO_LIMIT_DB = 100.0  # attenuation limit that the library takes as "none"

LIBRARY = "libdeepfilter.so"
WEIGHTS = "DeepFilterNet3_onnx.tar.gz"

_FloatPointer = ctypes.POINTER(ctypes.c_float)


class VoiceStream:
    """One mono 48 kHz stream: what goes in comes out with everything but the voice removed, `DELAY` samples late."""

    def __init__(self, folder: Path) -> None:
        self._library = _library(str(folder / LIBRARY))
        self._state: int | None = self._library.df_create(str(folder / WEIGHTS).encode(), NO_LIMIT_DB, None)
        length = self._library.df_get_frame_length(self._state) if self._state else 0
        if length != FRAME:
            self.close()
            raise EngineError(
                f"Starting DeepFilterNet from {folder}: it works on frames of {length} samples where {FRAME} "
                "are expected; run 'octavia models pull' to get the version that is listed."
            )

    def feed(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """The voice in `sound`, shape (frames,) with a multiple of `FRAME` frames, `DELAY` samples late."""
        if self._state is None:
            raise EngineError(f"Separating {len(sound)} samples: this stream is closed; open another one.")
        if len(sound) % FRAME:
            raise EngineError(
                f"Separating {len(sound)} samples: DeepFilterNet takes whole frames of {FRAME}; pad them."
            )
        given = np.ascontiguousarray(sound, dtype=np.float32)
        voice = np.empty_like(given)
        start_in, start_out = given.ctypes.data, voice.ctypes.data
        for offset in range(0, given.nbytes, FRAME * given.itemsize):
            self._library.df_process_frame(
                self._state,
                ctypes.cast(start_in + offset, _FloatPointer),
                ctypes.cast(start_out + offset, _FloatPointer),
            )
        return voice

    def close(self) -> None:
        """Frees the state; closing twice is allowed."""
        if self._state is not None:
            self._library.df_free(self._state)
            self._state = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@functools.cache
def _library(path: str) -> ctypes.CDLL:
    """The library with its C signatures, loaded once per process."""
    library = ctypes.CDLL(path)
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_create.restype = ctypes.c_void_p
    library.df_get_frame_length.argtypes = [ctypes.c_void_p]
    library.df_get_frame_length.restype = ctypes.c_size_t
    library.df_process_frame.argtypes = [ctypes.c_void_p, _FloatPointer, _FloatPointer]
    library.df_process_frame.restype = ctypes.c_float
    library.df_free.argtypes = [ctypes.c_void_p]
    library.df_free.restype = None
    return library
