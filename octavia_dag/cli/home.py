"""The option --home, the same for every command."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def home_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --home."""
    return click.option(
        "--home", type=click.Path(path_type=Path, file_okay=False), help="Where everything is kept (OCTAVIA_HOME)."
    )(command)
