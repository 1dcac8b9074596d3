"""Videos of a few seconds with real speech in them: the voice detector is real where the engines are fakes."""

from pathlib import Path

import ffmpeg
import soundfile

from octavia_dag.cli.sample import RECORDING
from octavia_dag.resources.media import Media
from octavia_dag.resources.models import model_dir
from octavia_dag.resources.sound import info, read_mono


def tiny_videos(models_dir: str, folder: Path, count: int) -> list[Path]:
    """`count` videos of four seconds with the same sound and another picture each."""
    recording, wav = model_dir(models_dir, "sample-speech") / RECORDING, folder / "speech.wav"
    rate = info(recording).rate
    soundfile.write(wav, read_mono(recording, rate, start_s=1.0, seconds=4.0) * 4.0, rate)  # quiet: -37 LUFS
    paths = [folder / f"tiny{number:02d}.mp4" for number in range(count)]
    for number, path in enumerate(paths):
        picture = ffmpeg.input(f"testsrc2=size={64 + 2 * number}x48:rate=5:duration=4", f="lavfi")
        sound = ffmpeg.input(str(wav)).audio
        layout = {"vcodec": "libx264", "pix_fmt": "yuv420p", "acodec": "aac", "ac": 2, "ar": 48000}
        Media(models_dir=models_dir).run(ffmpeg.output(picture.video, sound, str(path), **layout), "Making a video")
    return paths
