"""An installation at rest, with a catalogue whose files are a minute and a half long each."""

from collections.abc import Generator
from pathlib import Path

import dagster as dg
import pytest
from resting import House

from octavia_dag.definitions import workshop
from octavia_dag.environment import read
from octavia_dag.errors import InputError
from octavia_dag.resources.media import Media
from octavia_dag.schema import SourceVideo
from octavia_dag.sensors import night as nights


@pytest.fixture
def house(tmp_path: Path, models_dir: str, monkeypatch: pytest.MonkeyPatch) -> Generator[House]:
    def told(media: Media, path: Path, sha256: str, track: int | None) -> SourceVideo:
        if not path.exists():
            raise InputError(f"{path.name} is no video.")
        return SourceVideo(
            sha256=sha256, name=path.name, container="mp4", size=1, seconds=90.0, header_seconds=90.0, video=None,
            audio=(), subtitles=(), track=None, language=None,
        )  # fmt: skip

    monkeypatch.setattr(nights, "probe_video", told)
    monkeypatch.delenv("FAKES_CONTROL", raising=False)
    monkeypatch.setenv("OCTAVIA_MODELS", models_dir)
    tools = workshop(read(tmp_path / "home"))
    Path(tools.store.root).mkdir(parents=True)
    with dg.DagsterInstance.ephemeral() as instance:
        made = House(tmp_path, tools, instance)
        made.set(minutes_per_night=15.0)
        yield made
