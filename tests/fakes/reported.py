"""A small dub of real speech by fake engines, whose name and words are markup, and its report's page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg
import soundfile
import yaml
from here import make_here
from octavia_command import Octavia
from octavia_fakes import ENGINES

from octavia_dag.cli.sample import RECORDING
from octavia_dag.resources.artifacts import Artifact, ArtifactStore
from octavia_dag.resources.media import Media
from octavia_dag.resources.models import model_dir
from octavia_dag.resources.sound import info, read_mono
from octavia_dag.resources.videos import records

NAME = "<b onclick=alert(3)>talk & 'more'.mp4"
LANGUAGE = "pt-BR"
SECONDS = 24.0


@dataclass(frozen=True)
class Reported:
    """One dub whose page was written."""

    octavia: Octavia
    source: Path
    page: Path

    @property
    def store(self) -> ArtifactStore:
        home = self.octavia.home
        return ArtifactStore(root=str(home / "store"), scratch=str(home / "scratch"))

    @property
    def video(self) -> str:
        return records(self.store)[0].id

    def artifact(self, name: str, language: str | None = None) -> Artifact:
        found = self.store.current(name, self.video, language)
        assert found is not None, name
        return found


def make_reported(models_dir: str, folder: Path) -> Reported:
    """Dubs the video in a home below `folder` and writes its page with the command."""
    octavia, source, settings = (
        make_here(folder / "octavia", models_dir),
        _talk(models_dir, folder),
        folder / "set.yaml",
    )
    engines = {**ENGINES, "translation": {**ENGINES["translation"], "engine": "hostile:HostileTranslator"}}
    settings.write_text(yaml.safe_dump(engines), encoding="utf-8")
    done = octavia("dub", source, "--to", LANGUAGE, "--out", folder / "out", "--settings", settings)
    assert done.returncode == 0, done.stderr
    made = Reported(octavia, source, folder / "out" / "page.html")
    written = octavia("report", source, "--to", LANGUAGE, "--out", made.page)
    assert written.returncode == 0, written.stderr
    return made


def _talk(models_dir: str, folder: Path) -> Path:
    """A video of several utterances with pauses, whose name is markup."""
    recording, wav, path = model_dir(models_dir, "sample-speech") / RECORDING, folder / "talk.wav", folder / NAME
    rate = info(recording).rate
    soundfile.write(wav, read_mono(recording, rate, seconds=SECONDS) * 4.0, rate)  # quiet: -37 LUFS
    picture = ffmpeg.input(f"testsrc2=size=320x180:rate=25:duration={SECONDS}", f="lavfi")
    layout: dict[str, Any] = {"vcodec": "libx264", "pix_fmt": "yuv420p", "acodec": "aac", "ac": 2, "ar": 48000}
    sound = ffmpeg.input(str(wav)).audio
    Media(models_dir=models_dir).run(ffmpeg.output(picture.video, sound, str(path), **layout), "Making a video")
    return path
