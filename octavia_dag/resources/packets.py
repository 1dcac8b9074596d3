"""When picture and sound are really there: times from the packets, since headers lie.

The length that a dub is held to is that of picture and sound remuxed alone, and only packets tell it: a header may
promise seconds that nothing fills, a transport stream's is estimated, a Matroska one counts the encoder's run-in twice.
What an edit list hides at the beginning, the encoder's run-in (priming) and the padding of the last packet do not
count; what an edit list hides at the end does, since a copy shows it. Packets are read as they come, one short row
each: an hour costs seconds and a few MB.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from octavia_dag.resources.media import Media

ROW = "packet=stream_index,pts,dts,duration,flags:packet_side_data=skip_samples,discard_padding"
# A gap between pictures is irregular where it is this far from the median gap. Matroska's clock alone rounds to 1 ms.
_GAP_SLACK_S = 0.002
_IRREGULAR_SHARE = 0.01


@dataclass(frozen=True)
class Presented:
    """What of a stream is shown or heard: `first_s` to `end_s` on the file's own clock."""

    first_s: float
    end_s: float
    irregular: bool = False


@dataclass
class _Stream:
    """The rows of one stream, in ticks of its time base."""

    tick_s: float
    picture: bool
    run_in_s: float
    edited_s: float
    rate: int
    frame_s: float
    times: "array[int]" = field(default_factory=lambda: array("q"))
    ends: "array[int]" = field(default_factory=lambda: array("q"))
    keyed: bool = False
    trimmed_s: float = 0.0

    def add(self, row: Sequence[str]) -> None:
        # A stream recorded from the middle begins with pictures that no player can show, and a copy drops them.
        if self.picture and not self.keyed:
            if "K" not in row[4]:
                return
            self.keyed = True
        stamp = row[1] if row[1] != "N/A" else row[2]
        if stamp == "N/A":
            return
        time = int(stamp)
        self.times.append(time)
        self.ends.append(time + (int(row[3]) if row[3] != "N/A" else round(self.frame_s / self.tick_s)))
        self.trimmed_s = int(row[6]) / self.rate if len(row) > 6 and row[6].isdigit() else 0.0

    def presented(self) -> Presented | None:
        if not self.times:
            return None
        times = np.sort(np.frombuffer(self.times, np.int64))
        first = max(float(times[0]) * self.tick_s + self.run_in_s, self.edited_s)
        end = float(max(self.ends)) * self.tick_s - self.trimmed_s
        return Presented(first, end, self.picture and _irregular(np.diff(times) * self.tick_s))


def presented(media: Media, path: Path, streams: Sequence[Mapping[str, Any]], container: str) -> dict[int, Presented]:
    """Presented times of `streams` (ffprobe's own entries), by stream index; a stream without packets is left out.

    The run-in of a sound is in its packet times in Matroska only (CodecDelay); mp4 marks it for discard, and a
    transport stream cannot say that there is one.
    """
    found = {int(stream["index"]): _stream(stream, container) for stream in streams}
    for row in _rows(media, path):
        stream = found.get(int(row[0]))
        if stream is not None:
            stream.add(row)
    told = {index: stream.presented() for index, stream in found.items()}
    return {index: times for index, times in told.items() if times is not None}


def run_in_s(stream: Mapping[str, Any], container: str) -> float:
    """Length of the encoder's run-in that the packet times of a sound include, 0.0 outside Matroska."""
    within = container in {"mkv", "webm"} and "sample_rate" in stream
    return int(stream.get("initial_padding", 0)) / int(stream["sample_rate"]) if within else 0.0


def on_clock_s(seconds: float, stream: Mapping[str, Any]) -> float:
    """`seconds` rounded to the tick of the stream's clock, a half away from zero, as a muxer writes it."""
    tick_s = float(Fraction(str(stream["time_base"])))
    return int(seconds / tick_s + 0.5) * tick_s


def frame_rate(stream: Mapping[str, Any]) -> float:
    """Pictures per second as the container tells it; 0.0 where it does not."""
    for name in ("avg_frame_rate", "r_frame_rate"):
        above, _, below = str(stream.get(name, "0/0")).partition("/")
        if int(below or 0) and int(above):
            return int(above) / int(below)
    return 0.0


def _stream(stream: Mapping[str, Any], container: str) -> _Stream:
    picture = stream.get("codec_type") == "video"
    rate = int(stream.get("sample_rate", 0)) or 1
    fps = frame_rate(stream) if picture else 0.0
    return _Stream(
        tick_s=float(Fraction(str(stream["time_base"]))),
        picture=picture,
        run_in_s=on_clock_s(run_in_s(stream, container), stream),
        # An edit list may begin anywhere, inside a packet of sound too; the demuxer tells the start that it leaves.
        edited_s=float(stream.get("start_time", "-inf")) if container in {"mp4", "mov"} else float("-inf"),
        rate=rate,
        frame_s=1.0 / fps if fps else 0.0,
    )


def _rows(media: Media, path: Path) -> Iterator[list[str]]:
    for line in media.probe_lines(path, "-show_entries", ROW, "-of", "compact=p=0:nk=1"):
        row = line.split("|")
        if len(row) >= 5:
            yield row


def _irregular(gaps_s: np.ndarray[Any, np.dtype[np.float64]]) -> bool:
    """True where more than 1 % of the gaps between pictures are not the usual gap."""
    if len(gaps_s) < 2:
        return False
    usual = float(np.median(gaps_s))
    return bool(np.mean(np.abs(gaps_s - usual) > max(_GAP_SLACK_S, 0.1 * usual)) > _IRREGULAR_SHARE)
