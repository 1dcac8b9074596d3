"""A personal voice: only with consent, never in the clear, and without it everything is as it was before."""

import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest
import soundfile
from here import make_here
from octavia_command import Octavia
from private_search import sample_needles, search
from scipy import signal
from switched import Switched

from octavia_dag.cli.sample import RECORDING, build
from octavia_dag.resources.embedded.voice_cloner import DVectorCloner
from octavia_dag.resources.models import model_dir
from octavia_dag.resources.personal import profile_of
from octavia_dag.resources.sound import read_mono
from octavia_dag.schema import Casting, QaReport

pytestmark = pytest.mark.operators

HEARING_HZ = 16000
CONSENT = ("--who", "Ana Lima", "--purpose", "the lectures of this spring")


@pytest.fixture(scope="module")
def sample(models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody who speaks lower than everybody in the video, as 16 kHz float sound."""
    speech = read_mono(model_dir(models_dir, "sample-speech") / RECORDING, HEARING_HZ, start_s=1.0, seconds=10.0)
    low = signal.sosfilt(signal.butter(4, 500, output="sos", fs=HEARING_HZ), speech * 4)
    path = tmp_path_factory.mktemp("voice") / "ana.wav"
    soundfile.write(path, low, HEARING_HZ, subtype="FLOAT")
    return path


@pytest.fixture
def home(tmp_path: Path, models_dir: str) -> Octavia:
    return make_here(tmp_path, models_dir)


def test_a_sample_is_registered_with_who_what_for_when_and_by_whom(home: Octavia, sample: Path) -> None:
    done = home("voice", "add", sample, *CONSENT)
    assert done.returncode == 0, done.stderr
    consent = json.loads((home.home / "store" / "personal" / "consent.json").read_text())
    assert (consent["who"], consent["purpose"]) == (CONSENT[1], CONSENT[3])
    assert consent["when"]
    assert consent["recorded_by"]
    assert "Ana Lima, for the lectures of this spring" in home("voice", "show").stdout


def test_a_sealed_sample_is_never_in_the_clear(home: Octavia, sample: Path, models_dir: str) -> None:
    assert home("voice", "add", sample, *CONSENT).returncode == 0
    sound = read_mono(sample, HEARING_HZ)
    needles = sample_needles(sound, profile_of(sound, DVectorCloner(models_dir=models_dir), 30.0))
    sealed = home.home / "store" / "personal" / "voice.sealed"
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o600
    assert search(home.home, needles) == []
    assert search(sample.parent, needles), "the search finds the sample itself"


def test_a_key_of_the_environment_seals_it(home: Octavia, sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography.fernet import Fernet

    key = Fernet.generate_key()
    keyed = {**home.environment(), "OCTAVIA_VOICE_KEY": key.decode()}

    def environment(_: Octavia) -> dict[str, str]:
        return keyed

    monkeypatch.setattr(Octavia, "environment", environment)
    assert home("voice", "add", sample, *CONSENT).returncode == 0
    Fernet(key).decrypt((home.home / "store" / "personal" / "voice.sealed").read_bytes())
    assert not (home.home / "keys").exists()


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (("--who", "Ana"), "--purpose"),
        (("--purpose", "lectures"), "--who"),
        (("--who", " ", "--purpose", "lectures"), "--who is empty"),
    ],
)
def test_without_consent_nothing_is_registered(
    home: Octavia, sample: Path, told: tuple[str, ...], sentence: str
) -> None:
    done = home("voice", "add", sample, *told)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert not (home.home / "store" / "personal").exists()


def test_a_sample_without_speech_is_refused_in_a_sentence(home: Octavia, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "quiet.wav", np.zeros(HEARING_HZ * 5), HEARING_HZ)
    done = home("voice", "add", tmp_path / "quiet.wav", *CONSENT)
    assert done.returncode == 2
    assert "0.0 s of speech" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_that_is_no_sound_is_refused_in_a_sentence(home: Octavia, tmp_path: Path) -> None:
    (tmp_path / "note.wav").write_text("no sound")
    done = home("voice", "add", tmp_path / "note.wav", *CONSENT)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_video_is_refused(home: Octavia, sample: Path) -> None:
    done = home("voice", "add", sample, *CONSENT, "--video", "nothing-12345678")
    assert done.returncode == 2
    assert "nothing-12345678" in done.stderr


def test_what_is_not_there_cannot_be_removed(home: Octavia) -> None:
    assert home("voice", "remove").returncode == 2


@pytest.fixture(scope="module")
def before(models_dir: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Switched, Casting]:
    """The sample, and its cast without a personal voice."""
    folder = tmp_path_factory.mktemp("personal")
    build(folder / "sample.mp4", models_dir)
    switched = Switched(make_here(folder, models_dir), folder / "sample.mp4", folder)
    switched.dub({})
    return switched, switched.read("casting", Casting)


@pytest.fixture(scope="module")
def personal(before: tuple[Switched, Casting], sample: Path) -> Switched:
    switched, _ = before
    done = switched.octavia("voice", "add", sample, *CONSENT, "--video", switched.id)
    assert done.returncode == 0, done.stderr
    switched.dub({})
    return switched


def test_a_personal_voice_changes_the_main_speaker_only(personal: Switched, before: tuple[Switched, Casting]) -> None:
    after = {role.speaker: role for role in personal.read("casting", Casting).roles}
    changed = {role.speaker for role in before[1].roles if after[role.speaker] != role}
    assert changed == {personal.main}
    assert after[personal.main].voice.voice_class == "male"
    assert after[personal.main].personal


def test_the_consent_stands_in_the_casts_lineage_and_in_the_report(personal: Switched) -> None:
    given = personal.artifact("casting").manifest.extras["personal"]
    assert (given["who"], given["purpose"]) == (CONSENT[1], CONSENT[3])
    assert any("Ana Lima" in note and "not cloned" in note for note in personal.read("qa_report", QaReport).notes)


def test_with_the_switch_off_a_registered_voice_is_not_used(
    personal: Switched, before: tuple[Switched, Casting]
) -> None:
    personal.dub({"voices": {"personal": False}})
    assert personal.read("casting", Casting).roles == before[1].roles
    assert personal.artifact("casting").manifest.extras == {}


def test_a_sample_whose_consent_is_gone_is_not_used(personal: Switched, before: tuple[Switched, Casting]) -> None:
    consent = personal.store.video_folder(personal.id) / "personal" / "consent.json"
    aside = consent.with_suffix(".aside")
    os.replace(consent, aside)
    personal.dub({})
    assert personal.read("casting", Casting) == before[1]
    os.replace(aside, consent)


def test_removing_it_puts_the_cast_back(personal: Switched, before: tuple[Switched, Casting]) -> None:
    assert personal.octavia("voice", "remove", "--video", personal.id).returncode == 0
    assert not list((personal.store.video_folder(personal.id)).rglob("voice.sealed"))
    made = personal.made()
    personal.dub({})
    assert personal.read("casting", Casting) == before[1]
    assert personal.made() == made


def test_a_voice_that_another_engine_profiled_is_profiled_again(
    personal: Switched, before: tuple[Switched, Casting], sample: Path
) -> None:
    assert personal.octavia("voice", "add", sample, *CONSENT).returncode == 0  # by the catalogue's real cloner
    personal.dub({})
    role = next(one for one in personal.read("casting", Casting).roles if one.speaker == personal.main)
    assert role.personal
    assert role.voice.voice_class == "male"
