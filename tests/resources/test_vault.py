"""The voice profiles: sealed whole, opened by their own key only, and a key that only its owner can read."""

import stat
import threading
from pathlib import Path

import numpy as np
import pytest
from cryptography.fernet import Fernet

from octavia_dag.errors import InputError, StorageError
from octavia_dag.resources.engines import Profile
from octavia_dag.resources.vault import keyed_hash, load_key, open_sealed, seal
from octavia_dag.schema import Span

PCM = np.random.default_rng(2).integers(-3000, 3000, 8000).astype(np.int16).tobytes()
PROFILE = Profile(
    speaker="A",
    segments=(Span(start=1.5, end=4.25),),
    embedding=tuple(float(x) for x in np.linspace(-0.1, 0.1, 256)),
    pitch_hz=147.25,
    voice_class="female",
    reference_wav=b"RIFF" + PCM,
)
KEY = Fernet.generate_key()


def test_what_is_sealed_is_opened_unchanged() -> None:
    assert open_sealed(seal([PROFILE, PROFILE], KEY), KEY) == [PROFILE, PROFILE]
    assert open_sealed(seal([], KEY), KEY) == []


def test_nothing_of_the_profile_is_seen_in_the_seal() -> None:
    sealed = seal([PROFILE], KEY)
    for private in (PCM[100:140], b"female", b"147.25", np.float32(PROFILE.embedding[3]).tobytes() * 2, b"embedding"):
        assert private not in sealed


def test_another_key_or_a_damaged_payload_is_a_sentence() -> None:
    sealed = seal([PROFILE], KEY)
    with pytest.raises(StorageError, match="another key"):
        open_sealed(sealed, Fernet.generate_key())
    with pytest.raises(StorageError, match="damaged"):
        open_sealed(sealed[:-20], KEY)


def test_the_hash_knows_equal_profiles_and_tells_nothing_without_the_key() -> None:
    other = PROFILE.model_copy(update={"pitch_hz": 147.5})
    assert keyed_hash([PROFILE], KEY) == keyed_hash([PROFILE.model_copy()], KEY)
    assert keyed_hash([PROFILE], KEY) != keyed_hash([other], KEY)
    assert keyed_hash([PROFILE], KEY) != keyed_hash([PROFILE], Fernet.generate_key())


def test_a_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "voice.key"
    key = load_key(None, file)
    assert load_key(None, file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.iterdir()] == ["voice.key"]
    assert open_sealed(seal([PROFILE], key), key) == [PROFILE]


def test_runs_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(load_key(None, tmp_path / "k"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "voice.key"
    load_key(None, file)
    file.chmod(mode)
    with pytest.raises(StorageError, match="others can read"):
        load_key(None, file)


def test_a_file_that_holds_no_key_is_refused_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "voice.key"
    file.write_text("hello")
    file.chmod(0o600)
    with pytest.raises(StorageError, match="holds no key"):
        load_key(None, file)
    assert file.read_text() == "hello"


def test_the_environments_key_is_used_and_no_file_is_made(tmp_path: Path) -> None:
    assert load_key(KEY.decode(), tmp_path / "voice.key") == KEY
    assert not (tmp_path / "voice.key").exists()


def test_a_value_that_is_no_key_is_refused_without_being_shown(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no Fernet key") as caught:
        load_key("hunter2", tmp_path / "voice.key")
    assert "hunter2" not in str(caught.value)
