"""What every test may ask for: where the recordings lie, and where the models lie.

Where OCTAVIA_TEST_NO_SKIP is set, as CI does, a test that would be skipped fails with the reason. The studio's tests
are guarded by `loopback_plugin`.
"""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from octavia_dag import environment

pytest_plugins = ("loopback_plugin",)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.outcome == "skipped" and not hasattr(report, "wasxfail") and os.environ.get("OCTAVIA_TEST_NO_SKIP"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"Nothing may be skipped here (OCTAVIA_TEST_NO_SKIP): {reason}"


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
    """The models of this machine."""
    return str(environment.read().models_dir)
