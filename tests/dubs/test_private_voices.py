"""A speaker's voice is biometric: during and after a run nothing of it may lie on disk in the clear.

The search is first shown to find each thing when it is planted, in files and in a database.
"""

import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from finished import Dub
from octavia_command import Octavia, make_octavia
from octavia_fakes import ENGINES
from private_search import Needle, needles, search

from octavia_dag.cli.sample import build
from octavia_dag.resources.artifacts import Artifact
from octavia_dag.resources.embedded.voice_cloner import DVectorCloner

REAL = ("separation", "diarization", "voices")


@pytest.fixture(scope="module")
def arguments(models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    """A dub of the sample with the real separator, diarizer and voice profiles, and fakes for the rest."""
    folder = tmp_path_factory.mktemp("private")
    build(folder / "sample.mp4", models_dir)
    settings = folder / "settings.yaml"
    settings.write_text(yaml.safe_dump({name: value for name, value in ENGINES.items() if name not in REAL}))
    return ("dub", folder / "sample.mp4", "--to", "pt-BR", "--out", folder / "out", "--settings", settings)


@pytest.fixture(scope="module")
def seen(
    arguments: tuple[Any, ...], models_dir: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Dub, list[Needle], list[str], bool]:
    """The dub, what is private in it, what was found while it ran, and whether the payload lay there then."""
    octavia = make_octavia(tmp_path_factory.mktemp("home"), models_dir)
    octavia.tell_fakes({"FakeSynthesizer": {"block_at": 1}})
    dub = Dub(octavia, arguments[1], Path(), {})
    with octavia.start(*arguments) as process:
        end = time.monotonic() + 120
        while octavia.calls("FakeSynthesizer") < 1:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.2)
        private = needles(dub, DVectorCloner(models_dir=models_dir))
        during = search(octavia.home, private)
        payload = bool(list(octavia.home.rglob("profiles.sealed")))
        process.terminate()
        process.communicate(timeout=30)
    octavia.tell_fakes({})
    done = octavia(*arguments)
    assert done.returncode == 0, done.stderr
    return dub, private, during, payload


def test_the_search_finds_each_thing_that_is_planted(
    seen: tuple[Dub, list[Needle], list[str], bool], tmp_path: Path
) -> None:
    _, private, _, _ = seen
    assert {"embedding, float32", "embedding, float64", "embedding, JSON"} <= {one.what for one in private}
    assert any(one.what.startswith("16 kHz") for one in private)
    assert any(one.what.startswith("own rate") for one in private)
    for number, needle in enumerate(private):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "planted").write_bytes(b"before" + needle.content + b"after")
        assert search(tmp_path / str(number), [needle]) == [f"{needle.what} in planted"]


def test_the_search_finds_what_lies_in_a_database(
    seen: tuple[Dub, list[Needle], list[str], bool], tmp_path: Path
) -> None:
    needle = next(one for one in seen[1] if one.what == "embedding, JSON")
    with sqlite3.connect(tmp_path / "runs.db") as database:
        database.execute("create table events (body text)")
        database.execute("insert into events values (?)", (needle.content.decode(),))
    assert search(tmp_path, [needle])


def test_nothing_private_lies_in_the_clear_during_a_run(seen: tuple[Dub, list[Needle], list[str], bool]) -> None:
    _, _, during, payload = seen
    assert payload, "the encrypted payload was there while the dub still needed it"
    assert during == []


def test_nothing_private_is_left_after_a_run_and_the_payload_is_deleted(
    seen: tuple[Dub, list[Needle], list[str], bool],
) -> None:
    dub, private, _, _ = seen
    assert search(dub.octavia.home, private) == []
    assert not list(dub.octavia.home.rglob("profiles.sealed"))
    assert _profiles(dub).manifest.deleted == ("profiles.sealed",)


def test_another_language_derives_the_voices_again_and_the_version_stays(
    seen: tuple[Dub, list[Needle], list[str], bool], arguments: tuple[Any, ...]
) -> None:
    dub, private, _, _ = seen
    version = _profiles(dub).manifest.data_version
    done = dub.octavia(*arguments[:3], "es", *arguments[4:])
    assert done.returncode == 0, done.stderr
    assert dub.artifact("casting", "es").manifest.counts["voice_profiles_rederived"] == 1
    assert dub.artifact("casting", "pt-BR").manifest.counts["voice_profiles_rederived"] == 0
    assert _profiles(dub).manifest.data_version == version
    assert search(dub.octavia.home, private) == []


def test_the_key_is_readable_by_its_owner_only(seen: tuple[Dub, list[Needle], list[str], bool]) -> None:
    octavia: Octavia = seen[0].octavia
    assert (octavia.home / "keys" / "voice.key").stat().st_mode & 0o777 == 0o600


def _profiles(dub: Dub) -> Artifact:
    return dub.artifact("voice_profiles")
