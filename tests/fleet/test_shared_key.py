"""At risk: voices that one machine of a fleet sealed and no other can open, or a key that nobody gave."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from cryptography.fernet import Fernet
from octavia_command import Octavia, make_octavia
from octavia_fakes import ENGINES
from tiny import tiny_videos

from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.videos import records

pytestmark = pytest.mark.fleet


@pytest.fixture(scope="module")
def without(models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Octavia, Path]:
    """A machine that shares a database with others, and has no key of voices; and a video."""
    folder = tmp_path_factory.mktemp("key")
    (folder / "fakes.yaml").write_text(yaml.safe_dump(ENGINES))
    octavia = make_octavia(folder, models_dir, threads=1)
    (video,) = tiny_videos(models_dir, folder, 1)
    return replace(octavia, more={"OCTAVIA_MEMORY_URL": f"sqlite:///{folder}/shared.sqlite"}), video


def dub(octavia: Octavia, video: Path, language: str) -> tuple[int, str]:
    folder = video.parent
    done = octavia("dub", video, "--to", language, "--out", folder / "out", "--settings", folder / "fakes.yaml")
    return done.returncode, done.stderr


def rederived(octavia: Octavia, language: str) -> int:
    store = ArtifactStore(root=str(octavia.home / "store"), scratch=str(octavia.home / "scratch"))
    casting = store.current("casting", records(store)[0].id, language)
    assert casting is not None
    return casting.manifest.counts["voice_profiles_rederived"]


def test_a_machine_without_the_key_publishes_no_voices_and_derives_those_that_others_published(
    without: tuple[Octavia, Path],
) -> None:
    keyless, video = without
    code, told = dub(keyless, video, "es")
    assert code == 1
    assert "Sealing a voice: this machine has no key of voices, and makes none" in told
    assert "Traceback" not in told
    assert not list(keyless.home.rglob("voice.key"))
    assert not list(keyless.home.rglob("profiles.sealed"))

    keyed = replace(keyless, more={**keyless.more, "OCTAVIA_VOICE_KEY": Fernet.generate_key().decode()})
    keyed.tell_fakes({"FakeSynthesizer": {"fail_at": 1}})  # so that the voices are still needed, and there
    assert dub(keyed, video, "es")[0] == 1
    assert rederived(keyed, "es") == 0
    keyed.tell_fakes({})
    assert list(keyless.home.rglob("profiles.sealed"))

    assert dub(keyless, video, "pt-BR")[0] == 0
    assert rederived(keyless, "pt-BR") == 1
    assert not list(keyless.home.rglob("voice.key"))
