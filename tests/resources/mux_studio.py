"""Makes small sources with ffmpeg, muxes a dub of clicks into them, and reads what came out."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np
import soundfile

from octavia_dag.resources.media import Media, program
from octavia_dag.resources.mux import mux
from octavia_dag.resources.probe import probe_video
from octavia_dag.schema import FinalMux, PlacedLine, SourceVideo
from octavia_dag.settings import Delivery

SECONDS = 3
RATE = 48000
CLICKS = (0.6, 1.25, 2.4)
LINES = (
    PlacedLine(id="a", speaker="A", start=0.5, end=1.1, rate=1.0),
    PlacedLine(id="b", speaker="A", start=1.8, end=2.9, rate=1.0),
)
TEXTS = {"a": "Olá, tudo bem?", "b": "Até já."}


class Studio:
    """A folder with sources, and `out` with what is delivered."""

    def __init__(self, folder: Path, media: Media) -> None:
        self.folder = folder
        self.media = media
        self.out = folder / "out"
        self.out.mkdir()

    def ffmpeg(self, *arguments: object) -> None:
        """What no graph of ffmpeg-python can say: inputs that are there for their tags alone, attachments."""
        command = [program("ffmpeg", self.media.models_dir), "-y", "-v", "error", *map(str, arguments)]
        subprocess.run(command, check=True)

    def source(
        self,
        name: str,
        *,
        picture_late_s: float = 0.0,
        sound_late_s: float = 0.0,
        codecs: Mapping[str, str] | None = None,
    ) -> Path:
        """Three seconds of a test picture and a tone."""
        path = self.folder / name
        webm = path.suffix == ".webm"
        picture = ffmpeg.input(
            f"testsrc2=s=160x120:r=25:d={SECONDS}", format="lavfi", itsoffset=f"{picture_late_s}"
        ).video
        tone = ffmpeg.input(f"sine=300:r={RATE}:d={SECONDS}", format="lavfi", itsoffset=f"{sound_late_s}").audio
        made = {
            "c:v": "libvpx" if webm else "libx264",
            "c:a": "libopus" if webm else "aac",
            "b:v": "200k",
            "fps_mode": "passthrough",
        }
        if webm:
            made |= {"deadline": "realtime", "cpu-used": "8"}
        made |= codecs or {}
        self.media.run(ffmpeg.output(picture, tone, str(path), **made), f"Making {name}")
        return path

    def probed(self, path: Path, track: int | None = None) -> SourceVideo:
        return probe_video(self.media, path, "0" * 64, track)

    def picture_start_s(self, path: Path) -> float:
        video = self.probed(path).video
        assert video is not None
        return video.start

    def clicks(self, seconds: float) -> Path:
        sound = np.zeros((round(seconds * RATE), 2))
        for time in CLICKS:
            sound[round(time * RATE)] = 0.8
        path = self.folder / "clicks.flac"
        soundfile.write(path, sound, RATE, subtype="PCM_16")
        return path

    def dub(self, path: Path, track: int | None = None, **delivery: Any) -> FinalMux:
        source = self.probed(path, track)
        return mux(
            self.media,
            source_path=path,
            source=source,
            audio=self.clicks(source.seconds),
            lines=LINES,
            texts=TEXTS,
            language="pt-BR",
            delivery=Delivery(**delivery),
            out_dir=self.out,
        )

    def told(self, path: Path) -> dict[str, Any]:
        return self.media.probe(path, "-show_format", "-show_streams", "-show_chapters")

    def streams(self, path: Path, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.told(path)["streams"] if one["codec_type"] == kind]

    def first_frame_s(self, path: Path, selector: str) -> float:
        frames = self.media.probe(path, "-select_streams", selector, "-show_entries", "frame=pts_time")["frames"]
        return min(float(one["pts_time"]) for one in frames)

    def heard_after_picture_s(self, path: Path) -> list[float]:
        """When the clicks of the first track are heard, in seconds after the first picture."""
        output = ffmpeg.output(ffmpeg.input(str(path))["a:0"], "pipe:", format="f32le", ac=1, ar=RATE)
        sound = np.abs(np.frombuffer(b"".join(self.media.read(output, "Decoding")), np.float32))
        lead_s = self.first_frame_s(path, "a:0") - self.first_frame_s(path, "v:0")
        found: list[float] = []
        for _ in CLICKS:
            at = int(sound.argmax())
            found.append(at / RATE + lead_s)
            sound = np.where(np.abs(np.arange(len(sound)) - at) < RATE // 10, 0.0, sound)
        return sorted(found)
