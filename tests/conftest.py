"""What every test may ask for: where the recordings lie, and where the models lie."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def media_dir() -> Path:
    """The folder of shared recordings; where CI names it, a missing folder is a failure, never a skip."""
    named = os.environ.get("OCTAVIA_TEST_MEDIA")
    if not named:
        pytest.skip("the folder of shared recordings is not named (OCTAVIA_TEST_MEDIA)")
    folder = Path(named)
    assert folder.is_dir(), f"OCTAVIA_TEST_MEDIA names {folder}, which is no folder"
    return folder


@pytest.fixture(scope="session")
def models_dir() -> str:
    """The model store of this installation."""
    home = Path(os.environ.get("OCTAVIA_HOME", Path.home() / ".octavia"))
    return os.environ.get("OCTAVIA_MODELS", str(home / "models"))
