"""At risk: a watchdog that was started and does not watch, a status that shows what is not so, a key on the screen."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml
from warm import Warm

from octavia_dag.cli.commands import run
from octavia_dag.fleet import pool_state
from octavia_dag.fleet.warm_pool import Pool

pytestmark = pytest.mark.fleet

KEY = "a-secret-key"


@pytest.fixture
def named(pool: Warm, monkeypatch: pytest.MonkeyPatch) -> Warm:
    pool.provider.key, pool.now = KEY, time.time()
    for name in ("JOBS_URL", "REST_URL"):
        monkeypatch.setenv(f"OCTAVIA_RUNPOD_{name}", pool.provider.address)
    monkeypatch.setenv("OCTAVIA_RUNPOD_ENDPOINT", "dub")
    monkeypatch.setenv("OCTAVIA_RUNPOD_KEY", KEY)
    monkeypatch.setenv("OCTAVIA_HOME", str(pool.folder))
    monkeypatch.setenv("DAGSTER_HOME", str(pool.folder / "dagster"))
    monkeypatch.delenv("OCTAVIA_MEMORY_URL", raising=False)
    (pool.folder / "dagster").mkdir()
    (pool.folder / "dagster" / "dagster.yaml").write_text(yaml.safe_dump({"telemetry": {"enabled": False}}))
    return pool


def leased(pool: Warm, minimum: int, seconds: float, spent: float = 0.0) -> None:
    """As if the keeper had looked for the last time, and its lease had so long to go."""
    pool.provider.workers_min = minimum
    until = pool.now + seconds
    pool_state.record(pool.memory, "dub", Pool(minimum, pool.now, spent, int(pool.now // 86_400), pool.now, until))


def test_one_look_of_the_watchdog_lets_down_and_says_so(named: Warm, capsys: pytest.CaptureFixture[str]) -> None:
    leased(named, 4, -1)
    assert run(["fleet", "watch", "--once"]) == 0
    assert capsys.readouterr().out.startswith("4 workers of dub were let down: their lease ended at ")
    assert named.provider.kept == [0]


def test_one_look_that_could_not_be_had_is_a_sentence_and_a_failure(
    named: Warm, capsys: pytest.CaptureFixture[str]
) -> None:
    leased(named, 4, -1)
    named.provider.away = True
    assert run(["fleet", "watch", "--once"]) == 1
    assert capsys.readouterr().err.startswith("octavia: Asking how many workers are kept up at dub failed 2 times")


def test_a_watchdog_that_goes_on_lets_down_after_the_lease_of_a_daemon_that_died(named: Warm) -> None:
    leased(named, 4, 8)
    command = [sys.executable, "-c", "from octavia_dag.cli import main; main()", "fleet", "watch", "--every", "5"]
    with subprocess.Popen(command, env=os.environ.copy(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            until = time.monotonic() + 90
            while named.provider.workers_min and time.monotonic() < until:
                time.sleep(0.1)
            assert named.provider.kept == [0]
            assert time.time() >= named.now + 8
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130
    assert b"4 workers of dub were let down" in out
    assert KEY.encode() not in out + err


@pytest.mark.parametrize("options", [[], ["--once", "--every", "60"], ["--every", "1"]])
def test_how_often_it_looks_must_be_said(named: Warm, options: list[str]) -> None:
    assert run(["fleet", "watch", *options]) == 2
    assert named.provider.kept == []


@pytest.mark.parametrize("command", [["fleet", "status"], ["fleet", "watch", "--once"]])
def test_without_an_endpoint_the_sentence_says_where_it_is_named(
    named: Warm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    monkeypatch.delenv("OCTAVIA_RUNPOD_ENDPOINT")
    assert run(command) == 2
    assert "set OCTAVIA_RUNPOD_ENDPOINT" in capsys.readouterr().err


def test_the_status_says_what_is_up_until_when_and_what_it_cost(
    named: Warm, capsys: pytest.CaptureFixture[str]
) -> None:
    leased(named, 4, 100, spent=1.25)
    named.provider.take({"input": {}}, 0)
    named.provider.states["job-1"] = "IN_PROGRESS"
    assert run(["fleet", "status", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "endpoint": "dub", "waiting": 0, "at work": 0, "kept": 4, "idle": 4, "running": 1, "starting": 0,
        "lease_until": named.lease.pool.until, "spent_today": 1.25, "currency": "USD",
    }  # fmt: skip
    assert run(["fleet", "status"]) == 0
    heads, row = capsys.readouterr().out.splitlines()
    assert heads.split()[:4] == ["ENDPOINT", "WAITING", "AT", "WORK"]
    assert " 4 until " in row
    assert row.endswith("1.25 USD")


def test_what_was_spent_yesterday_is_not_today_s(named: Warm, capsys: pytest.CaptureFixture[str]) -> None:
    yesterday = named.now - 86_400
    pool_state.record(named.memory, "dub", Pool(4, yesterday, 9.0, int(yesterday // 86_400), yesterday, yesterday))
    assert run(["fleet", "status"]) == 0
    told = capsys.readouterr().out
    assert "0.00 USD" in told
    assert "nobody let it down yet" in told


def test_a_provider_that_is_away_is_shown_as_not_known(named: Warm, capsys: pytest.CaptureFixture[str]) -> None:
    leased(named, 4, 100)
    named.provider.away = True
    assert run(["fleet", "status"]) == 1
    told = capsys.readouterr()
    assert told.out.splitlines()[1].split()[:7] == ["dub", "0", "0", "?", "?", "?", "?"]
    assert "failed 2 times" in told.err
