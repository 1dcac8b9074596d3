"""Voice activity for whisperx: the silero that its wheel carries; whisperx's own would fetch one from the network.

It says where speech pauses, and nothing else: which speech is heard is decided by the regions that a transcriber is
given, which are a setting. Dropping what silero takes for no speech would lose quiet words, and all that a transcriber
still understands in a bed.
"""

import threading
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from typing import Any

import numpy as np

from octavia_dag.dubbing.windows import PAUSE_S, WINDOW_S, split_long
from octavia_dag.resources.engines import Samples
from octavia_dag.resources.stopwatch import busy
from octavia_dag.resources.studio.quiet import whisperx_quiet
from octavia_dag.schema import Span

RATE_HZ = 16000
THRESHOLD = 0.5
# A pause this long is one; a shorter one is part of a word.
PAUSE_MS = 100
# What fits into a window with a pause around it.
LONGEST_S = WINDOW_S - PAUSE_S
# The model remembers what it heard last.
_ONE_AT_A_TIME = threading.Lock()


def revision() -> str:
    """Which silero this is, for a content key."""
    try:
        return version("silero-vad")
    except PackageNotFoundError:
        return "absent"


def packaged_silero() -> Any:
    """A `whisperx.vads.vad.Vad` that finds stretches of speech of at most `LONGEST_S`."""
    with whisperx_quiet():
        from whisperx.diarize import Segment
        from whisperx.vads.vad import Vad

    model, get_speech_timestamps = _silero()

    class PackagedSilero(Vad):
        def __call__(self, audio: dict[str, Any]) -> list[Segment]:
            with _ONE_AT_A_TIME, busy("engine", "vad"):
                found = get_speech_timestamps(
                    audio["waveform"],
                    model,
                    threshold=THRESHOLD,
                    sampling_rate=audio["sample_rate"],
                    min_silence_duration_ms=PAUSE_MS,
                    max_speech_duration_s=LONGEST_S,
                )
            return [Segment(one["start"] / RATE_HZ, one["end"] / RATE_HZ, "UNKNOWN") for one in found]

        @staticmethod
        def preprocess_audio(audio: Samples) -> Any:
            import torch

            return torch.from_numpy(np.array(audio, np.float32))

        merge_chunks = Vad.merge_chunks

    return PackagedSilero(THRESHOLD)


def part_at_pauses(regions: Sequence[Span], sound: Samples, vad: Callable[[], Any]) -> list[Span]:
    """The regions, those too long for a window parted in the middle of their longest pauses; nothing is left out.

    Where nobody pauses, they are parted at their quietest moment. `vad` gives a `packaged_silero` where one is needed.
    """
    if all(region.seconds <= LONGEST_S for region in regions):
        return list(regions)
    detector = vad()
    parts: list[Span] = []
    for region in regions:
        parts += _parted(region, sound, detector) if region.seconds > LONGEST_S else [region]
    return parts


def _parted(region: Span, sound: Samples, vad: Any) -> list[Span]:
    cut = sound[round(region.start * RATE_HZ) : round(region.end * RATE_HZ)]
    speech = vad({"waveform": vad.preprocess_audio(cut), "sample_rate": RATE_HZ})
    pauses = [(region.start + before.end, region.start + after.start) for before, after in pairwise(speech)]
    parts: list[Span] = []
    start = region.start
    while region.end - start > LONGEST_S:
        near = [one for one in pauses if start + LONGEST_S / 2 <= one[0] and one[1] <= start + LONGEST_S]
        if near:
            end = sum(max(near, key=lambda one: one[1] - one[0])) / 2
        else:
            end = split_long([Span(start=start, end=region.end)], sound, RATE_HZ, max_s=LONGEST_S)[0].end
        parts.append(Span(start=start, end=end))
        start = end
    return [*parts, Span(start=start, end=region.end)]


def _silero() -> tuple[Any, Any]:
    """The model and what runs it. Its package tells torch to use one thread, for everything in this process: undone."""
    import torch

    threads = torch.get_num_threads()
    from silero_vad import get_speech_timestamps, load_silero_vad

    model = load_silero_vad(onnx=True)
    torch.set_num_threads(threads)
    return model, get_speech_timestamps
