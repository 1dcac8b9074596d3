"""At risk: a process that dies with voices in its memory, and leaves them beside the store for anybody to read."""

import os
import resource
import sys
from pathlib import Path

import pytest

NEEDLE = b"a-voice-in-the-clear"
HEAD = """
import ctypes, os, resource, sys
from pathlib import Path
from cryptography.fernet import Fernet
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
from octavia_dag.resources import vault
from octavia_dag.resources.engines import Profile
from octavia_dag.schema import Span
sound = bytes(reversed(b"raelc-eht-ni-eciov-a")) * 20
profile = Profile(
    speaker="A", segments=(Span(start=0, end=1),), embedding=(1.0,), pitch_hz=1.0, voice_class="male",
    reference_wav=sound,
)
key = b"MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="
"""
TELL = """
told = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) if sys.platform == "linux" else 0
Path("told").write_text(f"{told} {resource.getrlimit(resource.RLIMIT_CORE)}")
os.abort()
"""
WAYS = {
    "reads the key": "vault.load_key(None, Path('keys') / 'key')",
    "is given the key": "vault.load_key(key.decode(), Path('key'))",
    "seals": "vault.seal([profile], key)",
    "opens": "vault.open_sealed(Path('sealed').read_bytes(), key)",
}


def dies(folder: Path, way: str) -> tuple[bool, str]:
    """Lets a process that goes this way abort in `folder`: whether the kernel dumped it, and what it told before."""
    script = HEAD + "Path('sealed').write_bytes(Fernet(key).encrypt(vault._plain([profile])))\n" + way + TELL
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, "-c", script])
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status), "it died by the abort"
    return os.WCOREDUMP(status), (folder / "told").read_text()


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and NEEDLE in path.read_bytes()]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_process_that_passes_the_vault_dies_without_a_core(tmp_path: Path, way: str) -> None:
    dumped, told = dies(tmp_path, way)
    assert told == "0 (0, 0)", "neither itself nor what it starts, and there is no way back"
    assert not dumped
    assert left(tmp_path) == []


def test_a_process_that_does_not_is_dumped_where_the_machine_allows_it(tmp_path: Path) -> None:
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    dumped, told = dies(tmp_path, "")
    assert told == f"{int(sys.platform == 'linux')} ({hard}, {hard})", "so the others were spared by the vault alone"
    assert dumped or hard == 0 or sys.platform != "linux"
