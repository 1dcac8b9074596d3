"""A pool whose keeper has not looked yet."""

from collections.abc import Generator
from pathlib import Path

import pytest
from warm import Warm, warm


@pytest.fixture
def pool(tmp_path: Path) -> Generator[Warm]:
    with warm(tmp_path) as made:
        yield made
