"""Puts the studio's tests under the guard of `loopback`, from pytest's start, and fails those that reached out."""

import os
import re
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from loopback import NOTES, hold


class _Notes:
    """What was noted and not told yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._told = 0

    def check(self) -> None:
        rows = self.path.read_text(encoding="utf-8").splitlines()
        new, self._told = rows[self._told :], len(rows)
        assert not new, f"reached for another machine: {'; '.join(new)}"


_KEY = pytest.StashKey[_Notes]()


def pytest_configure(config: pytest.Config) -> None:
    """Holds where the studio's tests are asked for."""
    if not re.search(r"(?<!not )\bstudio\b", str(config.option.markexpr)):
        return
    descriptor, name = tempfile.mkstemp(prefix="loopback-")
    os.close(descriptor)
    here = str(Path(__file__).parent)
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join([here, *(one for one in before if one and one != here)])
    os.environ[NOTES] = name
    config.stash[_KEY] = _Notes(Path(name))
    hold(Path(name))


def pytest_unconfigure(config: pytest.Config) -> None:
    if _KEY in config.stash:
        config.stash[_KEY].path.unlink()


@pytest.fixture(scope="session", autouse=True)
def nobody_reached_out(pytestconfig: pytest.Config) -> Generator[None]:
    """Before every other fixture, so its end is after theirs."""
    yield
    if _KEY in pytestconfig.stash:
        pytestconfig.stash[_KEY].check()


@pytest.fixture(autouse=True)
def loopback_only(request: pytest.FixtureRequest) -> Generator[None]:
    """Says of which test it was, or of whose fixtures."""
    notes = request.config.stash.get(_KEY, None)
    assert notes or not request.node.get_closest_marker("studio"), "tests of the studio are run by 'pytest -m studio'"
    yield
    if notes:
        notes.check()
