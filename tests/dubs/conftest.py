"""Real dubs: real recordings, real engines, the command in a process of its own."""

import json
from pathlib import Path

import pytest
from finished import Dub, DubVideo
from octavia_command import make_octavia

from octavia_dag.resources.media import Media


@pytest.fixture(scope="session")
def dub_video(models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> DubVideo:
    """Dubs a video into Brazilian Portuguese in a fresh home."""

    def dub(source: Path) -> Dub:
        folder = tmp_path_factory.mktemp(source.stem)
        octavia = make_octavia(folder, models_dir)
        done = octavia("dub", source, "--to", "pt-BR", "--out", folder / "out", "--json")
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)["dubs"][0]
        return Dub(octavia, source, folder / "out" / f"{source.stem}.pt-BR{source.suffix}", said)

    return dub


@pytest.fixture(scope="session")
def media(models_dir: str) -> Media:
    return Media(models_dir=models_dir)
