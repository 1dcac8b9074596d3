"""An installation at rest, with a catalogue whose files are a minute and a half long each; and a real S3."""

from collections.abc import Generator
from pathlib import Path

import dagster as dg
import pytest
from bucket import CREDENTIALS, Bucket, serving
from resting import House

from octavia_dag.definitions import workshop
from octavia_dag.environment import read
from octavia_dag.errors import InputError
from octavia_dag.resources.media import Media
from octavia_dag.schema import SourceVideo
from octavia_dag.sensors import night as nights


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bucket]:
    with serving(tmp_path_factory.mktemp("moto")) as bucket:
        yield bucket


@pytest.fixture
def fresh_bucket(server: Bucket, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """The bucket with nothing in it, and the environment that opens it."""
    server.clear()
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return server


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
