"""At risk: a command that keeps from an operator what failed, what is away, and when a change counts."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner
from here import run_here
from octavia_command import Octavia, make_octavia
from resting import SENTENCE, House

from octavia_dag.cli import doctor, running
from octavia_dag.cli.ui import reached_at
from octavia_dag.definitions import workshop
from octavia_dag.environment import STORAGE, WEBHOOK, read


@pytest.fixture
def lasting(house: House, monkeypatch: pytest.MonkeyPatch) -> Generator[House]:
    """The installation with a Dagster of its own on the disk, as commands find it."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    running.prepare(read(house.root / "home"))
    with dg.DagsterInstance.get() as instance:
        yield House(house.root, house.tools, instance)


def octavia_of(house: House, models_dir: str) -> Octavia:
    return replace(make_octavia(house.root / "command", models_dir), home=house.root / "home")


def test_the_status_says_what_failed_and_why_and_what_is_at_work(lasting: House, models_dir: str) -> None:
    lasting.write(*(f"{lasting.video(name)},es,1" for name in ("a.mp4", "b.mp4")))
    lasting.sleep("2026-11-25")
    broken, working = lasting.ids()
    lasting.run(broken, dg.DagsterRunStatus.FAILURE)
    lasting.run(working, dg.DagsterRunStatus.STARTED)
    said = run_here(octavia_of(lasting, models_dir), "status").stdout.splitlines()
    (failed,) = [line for line in said if "  failed  " in line]
    assert failed.startswith(f"{broken}  -  ")
    assert SENTENCE in failed
    (busy,) = [line for line in said if "  at work  " in line]
    assert busy.startswith(f"{working}  -  ")


def test_a_dry_run_says_what_would_be_and_a_night_by_hand_is_a_night_in_the_ui(lasting: House, models_dir: str) -> None:
    octavia = octavia_of(lasting, models_dir)
    (lasting.root / "home" / "catalogue.csv").write_text("uri,languages\ngone.mp4,es\n")
    dry = run_here(octavia, "catalogue", "backfill", "--dry-run")
    assert "0 rows would be asked for (0.00 minutes of video)" in dry.stdout
    assert lasting.instance.get_latest_materialization_event(dg.AssetKey("catalogue_nights")) is None
    assert "0 rows asked for" in run_here(octavia, "catalogue", "backfill").stdout
    event = lasting.instance.get_latest_materialization_event(dg.AssetKey("catalogue_nights"))
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["rows_left"].value == 1


def test_a_change_of_when_nights_begin_says_when_it_counts(house: House, models_dir: str) -> None:
    octavia = octavia_of(house, models_dir)
    assert "started again" in run_here(octavia, "settings", "set", "catalogue.cron=0 3 * * *").stdout
    assert "started again" not in run_here(octavia, "settings", "set", "mix.duck_depth_db=3").stdout
    assert "when it starts" in run_here(octavia, "catalogue", "budget").stdout


def test_a_budget_of_seconds_is_told_and_so_is_that_there_is_no_price(house: House, models_dir: str) -> None:
    octavia = octavia_of(house, models_dir)
    assert "spent of" in (said := run_here(octavia, "catalogue", "budget", "--minutes", "0.25").stdout)
    assert "0.00 minutes, no price is set (costs.gpu_hour)" in said


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "http://127.0.0.1:3333"), ("::1", "http://[::1]:3333"), ("0.0.0.0", "http://dubber:3333")],
)
def test_links_lead_to_where_the_ui_listens(host: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "dubber")
    assert reached_at(host, 3333) == address


def test_the_doctor_says_whether_the_storage_can_be_seen_and_whether_anybody_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "storage"
    monkeypatch.setenv(STORAGE, str(place))
    monkeypatch.setenv(WEBHOOK, "http://hook.test/s3cret")
    environment = read(tmp_path / "home")

    @doctor.click.command()
    def asked() -> None:
        for sentence in doctor._storage(environment, workshop(environment)):  # pyright: ignore[reportPrivateUsage]
            doctor.click.echo(f"missing: {sentence}")

    away = CliRunner().invoke(asked).output
    assert f"storage: file://{place}" in away
    assert "missing: Listing" in away
    assert "set" in away
    assert "s3cret" not in away
    (place / "incoming").mkdir(parents=True)
    assert "missing" not in CliRunner().invoke(asked).output
