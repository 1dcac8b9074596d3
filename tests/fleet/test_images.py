"""At risk: an image that cannot be built, runs as root, or starts a run with an interpreter that the other one has not.

They are linted and read; none is built here, where there is no Docker.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.fleet

ROOT = Path(__file__).parents[2]
FILES = sorted(path for path in (ROOT / "deploy").rglob("*ockerfile"))
BUILT_HERE = [path for path in FILES if path.parent.name != "chatterbox"]  # which is built from its own folder
HADOLINT = Path(sys.executable).with_name("hadolint")
RULES = ROOT / "deploy" / "docker" / "hadolint.yaml"


def name_of(path: Path) -> str:
    return path.relative_to(ROOT / "deploy").as_posix()


def linted(path: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [HADOLINT, "--config", RULES, "--no-color", path], capture_output=True, text=True, check=False
    )


def test_there_are_images_to_look_at() -> None:
    assert {name_of(path) for path in FILES} >= {"docker/cpu.Dockerfile", "docker/cuda.Dockerfile", "runpod/Dockerfile"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_linter_has_nothing_to_say(path: Path) -> None:
    found = linted(path)
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.parametrize("line", ["RUN cd /tmp", "ADD a /a", "RUN sudo ls"])
def test_the_linter_finds_what_is_wrong(line: str, tmp_path: Path) -> None:
    spoilt = tmp_path / "Dockerfile"
    spoilt.write_text(FILES[1].read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    assert linted(spoilt).returncode != 0


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nobody_in_it_is_root(path: Path) -> None:
    users = re.findall(r"^USER (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert users[-1] == "10001"  # a number: a cluster cannot tell whether a name is root's


@pytest.mark.parametrize("path", BUILT_HERE, ids=name_of)
def test_what_it_copies_and_installs_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    copied = [word for told in re.findall(r"^COPY (.+)$", text, re.MULTILINE) for word in told.split()[:-1]]
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"]
    assert copied
    assert all((ROOT / name).exists() and name in let_in for name in copied)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {one for told in re.findall(r"'\.\[([\w,]+)\]'", text) for one in told.split(",")} <= set(extras)


@pytest.mark.parametrize("word", ["WORKDIR ", "ENV PATH=", "USER ", "ENV OCTAVIA_HOME="])
def test_both_images_have_the_same_interpreter_in_the_same_place(word: str) -> None:
    # A run names the interpreter of the code server by its path, and its worker starts that one.
    lines = [
        [line for line in (ROOT / "deploy" / "docker" / name).read_text(encoding="utf-8").splitlines() if word in line]
        for name in ("cpu.Dockerfile", "cuda.Dockerfile")
    ]
    assert lines[0]
    assert lines[0] == lines[1]
