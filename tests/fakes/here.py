"""The command in this process: quicker than in one of its own, for tests of what it says and does, not how it ends."""

import io
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from octavia_command import Octavia, make_octavia

from octavia_dag.cli.commands import run


def run_here(octavia: Octavia, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Exit code and what was said, as a process of its own would have it; the environment is put back."""
    out, err, words = io.StringIO(), io.StringIO(), [str(one) for one in arguments]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in ("DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY"):
            patch.setenv(name, "")  # the command sets them
        for name, value in octavia.environment().items():
            patch.setenv(name, value)
        code = run(words)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


class Here(Octavia):
    """Runs every command in this process, unless it is only started."""

    def __call__(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return run_here(self, *arguments)


def make_here(folder: Path, models_dir: str) -> Octavia:
    """The command with a fresh home below `folder`."""
    made = make_octavia(folder, models_dir)
    return Here(made.home, made.models_dir, made.control)
