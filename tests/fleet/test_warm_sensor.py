"""At risk: workers that are paid for and nobody asked for, a queue that nobody warms up for, a provider believed in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml
from warm import MORNING, PRICE, Warm

from octavia_dag.definitions import build
from octavia_dag.environment import read
from octavia_dag.errors import InputError, SettingsError, StorageError
from octavia_dag.fleet import keeping, pool_state
from octavia_dag.fleet.runpod import CLAIMED_TAG
from octavia_dag.fleet.runpod_api import ProviderError
from octavia_dag.fleet.warm_pool import Pool
from octavia_dag.graph import COMPUTE_TAG
from octavia_dag.layers import Place, change_layer
from octavia_dag.resources.foreign import for_operators
from octavia_dag.resources.memory import Memory
from octavia_dag.resources.own_tags import own
from octavia_dag.sensors.automation import DEADLINE_TAG
from octavia_dag.sensors.warm_pool import demand

pytestmark = pytest.mark.fleet

HOUR_S = 3600.0
QUEUED, STARTING, STARTED, CANCELING = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


def test_as_the_queue_grows_so_does_what_is_kept_up_to_the_most(pool: Warm) -> None:
    for count, kept in ((1, 2), (4, 5), (30, 20)):  # two stand by in any case
        pool.queue(count)
        pool.tick(30)
        assert pool.provider.workers_min == kept
    assert pool.provider.kept == [2, 5, 20]


def test_the_provider_is_told_only_what_is_another_number(pool: Warm) -> None:
    pool.queue(7)
    for _ in range(5):
        pool.tick(30)
    assert pool.provider.kept == [7]
    assert pool.lease.pool.until == MORNING + 150 + 120


def test_when_nothing_comes_any_more_some_stand_by_and_then_none(pool: Warm) -> None:
    pool.queue(7)
    pool.tick()
    pool.ended()
    pool.tick(30)
    assert pool.provider.workers_min == 2
    for _ in range(34):
        pool.tick(30)
    assert pool.provider.kept == [7, 2, 0]


def test_when_the_day_s_budget_is_spent_nothing_is_kept_up_and_a_new_day_begins_anew(pool: Warm) -> None:
    pool.wants(budget_per_day=1.0)
    pool.queue(5)
    moments: list[int] = []
    for _ in range(20):
        pool.tick(60)
        moments.append(pool.provider.workers_min)
    # Ten dollars an hour for five: after two minutes a third of one is spent; then for as long as what is left pays.
    assert moments[0] == 5
    assert moments[-1] == 0
    idle = sum(moments) * 60 * PRICE / HOUR_S
    assert 0.9 < idle <= 1.0
    assert pool.lease.pool.spent == pytest.approx(idle)
    pool.tick(16 * HOUR_S)
    assert pool.provider.workers_min == 5


def test_a_budget_of_nothing_keeps_nothing_up(pool: Warm) -> None:
    pool.wants(budget_per_day=0.0)
    pool.queue(5)
    pool.tick()
    assert pool.provider.workers_min == 0


def test_a_budget_without_a_price_is_said_and_what_is_up_is_let_down_once_its_lease_ended(pool: Warm) -> None:
    pool.queue(5)
    pool.tick()
    told = {"warm_pool": {"budget_per_day": 5.0}}
    (pool.folder / "store" / "settings.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")
    with pytest.raises(InputError, match=r"no price; set costs\.gpu_hour"):
        pool.tick(30)
    assert pool.provider.workers_min == 5
    with pytest.raises(InputError, match="5 workers of dub were let down"):
        pool.tick(91)
    assert pool.provider.workers_min == 0


def test_what_is_for_all_videos_neither_one_video_nor_whoever_brings_it_may_set(pool: Warm) -> None:
    layer = {"warm_pool": {"most": 1000}}
    with pytest.raises(SettingsError, match=r"warm_pool\.most for one video, but workers are there for all videos"):
        change_layer(pool.folder / "store", Place("talk-1a2b3c4d"), layer, who="a test")
    assert for_operators(layer) == "warm_pool.most"


def test_no_more_are_asked_for_than_the_endpoint_may_have(pool: Warm) -> None:
    pool.provider.workers_max = 3
    pool.queue(9)
    pool.tick()
    assert pool.provider.kept == [3]


def test_a_near_deadline_asks_for_more(pool: Warm) -> None:
    pool.wants(drain_s=6000, standby=0)
    pool.queue(20)
    pool.tick()
    assert pool.provider.workers_min == 2
    due = datetime.fromtimestamp(MORNING, UTC) + timedelta(seconds=1300)
    pool.run(QUEUED, **{DEADLINE_TAG: due.isoformat()})
    assert "the nearest deadline in 22 min" in pool.tick()
    assert pool.provider.workers_min == 11


def test_a_deadline_that_is_none_is_said_and_counts_for_nothing(pool: Warm) -> None:
    run = pool.run(QUEUED, **{DEADLINE_TAG: "soon"})
    assert f"of run {run.run_id} is no moment" in pool.tick()
    assert pool.provider.workers_min == 2


@pytest.mark.parametrize(
    ("status", "claimed", "counts"),
    [(dg.DagsterRunStatus.NOT_STARTED, False, (1, 0)), (STARTING, False, (1, 0)), (STARTING, True, (0, 1)),
     (STARTED, True, (0, 1)), (CANCELING, True, (0, 1)), (CANCELING, False, (0, 0)),
     (dg.DagsterRunStatus.SUCCESS, True, (0, 0))],
)  # fmt: skip
def test_a_run_waits_until_a_worker_has_it(
    pool: Warm, status: dg.DagsterRunStatus, claimed: bool, counts: tuple[int, int]
) -> None:
    run = pool.run(status)
    if claimed:
        pool.instance.add_run_tags(run.run_id, {CLAIMED_TAG: own(run.run_id, "job-1")})
    seen, _ = demand(pool.instance, "dub", MORNING)
    assert (seen.waiting, seen.working) == counts


def test_runs_for_another_kind_of_machine_do_not_count(pool: Warm) -> None:
    pool.run(QUEUED, **{COMPUTE_TAG: "cpu"})
    assert demand(pool.instance, "dub", MORNING)[0].waiting == 0


@pytest.mark.parametrize(("default", "counts"), [("local", 1), ("gpu", 2)])
def test_what_the_launchers_would_send_to_the_endpoint_counts_with_a_tag_or_without(
    tmp_path: Path, default: str, counts: int
) -> None:
    runpod = {"module": "octavia_dag.fleet.runpod", "class": "RunPodRunLauncher"}
    launchers = {
        "local": {"module": "dagster", "class": "DefaultRunLauncher"},
        "gpu": {**runpod, "config": {"endpoint": "dub"}},
        "other": {**runpod, "config": {"endpoint": "another"}},
    }
    config = {"default": default, "launchers": launchers}
    told = {"module": "octavia_dag.fleet.routing", "class": "RoutingRunLauncher", "config": config}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({"run_launcher": told}), encoding="utf-8")

    @dg.job
    def some() -> None:
        return

    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        for tags in ({}, {COMPUTE_TAG: "gpu"}, {COMPUTE_TAG: "other"}, {COMPUTE_TAG: "nobody"}):
            instance.create_run_for_job(some, tags=tags)
        assert demand(instance, "dub", MORNING)[0].waiting == counts


def test_a_provider_that_is_away_is_told_and_nothing_is_assumed(pool: Warm) -> None:
    pool.queue(5)
    pool.tick()
    before = pool.lease
    pool.provider.away = True
    pool.queue(5)
    with pytest.raises(ProviderError, match=r"at dub failed 2 times \(status 503\)"):
        pool.tick(30)
    assert pool.lease == before
    pool.provider.away = False
    pool.tick(30)
    assert pool.provider.kept == [5, 10]


@pytest.mark.parametrize("reached", [True, False])
def test_where_it_is_not_known_whether_the_provider_took_it_the_lease_is_not_longer_for_it(
    pool: Warm, reached: bool
) -> None:
    class Lost(keeping.Scaled):
        def scale(self) -> keeping.Scale:
            return api.scale()

        def keep_workers(self, count: int) -> None:
            if reached:
                api.keep_workers(count)
            raise ProviderError("no answer")

    pool.queue(5)
    pool.tick()
    api, until = pool.endpoint.api(), pool.lease.pool.until
    seen, _ = demand(pool.instance, "dub", pool.now + 30)
    policy = keeping.Policy(most=20, pace_s=600, drain_s=900, lease_s=120)
    with pytest.raises(ProviderError, match="no answer"):
        keeping.keep("dub", Lost(), pool.memory, replace(seen, waiting=8), policy)
    assert pool.lease.pool.until == until
    pool.now = until
    pool.dog().look()
    assert pool.provider.workers_min == 0


def test_an_answer_that_never_came_is_found_out_at_the_next_look(pool: Warm) -> None:
    pool.queue(5)
    pool.provider.deaf = True
    with pytest.raises(ProviderError, match="Keeping 5 workers at dub failed"):
        pool.tick()
    pool.provider.deaf = False
    pool.ended()
    pool.tick(30)
    assert pool.provider.workers_min == 2
    assert pool.lease.pool.spent == pytest.approx(5 * 30 * PRICE / HOUR_S)  # they were up, whatever was answered


def test_a_keeper_that_knows_nothing_lets_down_what_nobody_asked_for(pool: Warm) -> None:
    pool.provider.workers_min = 9
    assert "0 workers are kept up, 9 before" in pool.tick()
    assert pool.provider.kept == [0]


def test_after_a_crash_what_was_up_without_a_lease_is_paid_for_all_the_same(pool: Warm) -> None:
    pool.queue(5)
    pool.tick()
    pool.tick(600)  # nobody let it down meanwhile
    assert pool.lease.pool.spent == pytest.approx(5 * 600 * PRICE / HOUR_S)


def test_what_a_watchdog_let_down_is_paid_for_until_then(pool: Warm) -> None:
    pool.queue(5)
    pool.tick()
    pool.now += 150
    pool.dog().look()
    pool.tick(3 * HOUR_S)
    assert pool.lease.pool.spent == pytest.approx(5 * 150 * PRICE / HOUR_S)


def test_where_no_lease_can_be_kept_no_worker_is_asked_for(pool: Warm, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise StorageError("The database is away.")

    monkeypatch.setattr(pool_state, "record", refused)
    pool.queue(5)
    with pytest.raises(StorageError):
        pool.tick()
    assert pool.provider.kept == []


def test_what_is_kept_is_what_is_read_on_another_machine(tmp_path: Path) -> None:
    memory = Memory(file=str(tmp_path / "memory.sqlite"))
    assert pool_state.read(memory, "dub") is None
    decided = Pool(3, MORNING - 0.1, 1 / 3, 20_000, MORNING, MORNING + 120.7)
    pool_state.record(memory, "dub", Pool())
    pool_state.record(memory, "dub", decided)
    pool_state.record(memory, "another", Pool(minimum=1))
    found = pool_state.read(Memory(file=memory.file), "dub")
    assert found is not None
    assert found.pool == decided


def test_a_lease_that_the_keeper_renewed_meanwhile_is_not_marked(pool: Warm) -> None:
    pool.tick()
    old = pool.lease
    pool.tick(10)
    assert not pool_state.mark_let_down(pool.memory, "dub", old, pool.now)
    assert not pool.lease.let_down


@pytest.fixture
def named(pool: Warm, monkeypatch: pytest.MonkeyPatch) -> Warm:
    """The same, as the environment names it; its home is one in which `store` lies."""
    for name in ("JOBS_URL", "REST_URL"):
        monkeypatch.setenv(f"OCTAVIA_RUNPOD_{name}", pool.provider.address)
    monkeypatch.setenv("OCTAVIA_RUNPOD_ENDPOINT", "dub")
    monkeypatch.setenv("OCTAVIA_RUNPOD_KEY", pool.provider.key)
    return pool


def ticked(pool: Warm) -> str:
    """What the sensor of the installation says, as Dagster shows it."""
    definitions = build(read(pool.folder))
    sensor = definitions.resolve_sensor_def("warm_pool")
    with dg.build_sensor_context(instance=pool.instance, resources=dict(definitions.resources or {})) as context:
        found = sensor.evaluate_tick(context)
    assert not found.run_requests
    return found.skip_message or ""


def test_the_sensor_is_there_only_where_an_endpoint_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCTAVIA_RUNPOD_ENDPOINT", raising=False)
    names = {one.name for one in build(read(tmp_path)).sensors or ()}
    monkeypatch.setenv("OCTAVIA_RUNPOD_ENDPOINT", "dub")
    assert {one.name for one in build(read(tmp_path)).sensors or ()} - names == {"warm_pool"}


def test_the_sensor_keeps_the_pool_and_says_why(named: Warm) -> None:
    named.queue(4)
    assert ticked(named).startswith("4 workers are kept up, 0 before, until ")
    assert named.provider.kept == [4]


def test_what_the_sensor_cannot_do_it_says_in_a_sentence(named: Warm, monkeypatch: pytest.MonkeyPatch) -> None:
    named.provider.away = True
    assert "failed 2 times (status 503)" in ticked(named)
    monkeypatch.delenv("OCTAVIA_RUNPOD_KEY")
    assert "needs the account's key; set OCTAVIA_RUNPOD_KEY" in ticked(named)


@pytest.mark.parametrize("key", ["a-secret-key", "wrong-secret-key", "a-secret-key\n", "a-secret-kéy"])
def test_the_key_is_written_nowhere(
    named: Warm,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    named.provider.key = "a-secret-key"
    monkeypatch.setenv("OCTAVIA_RUNPOD_KEY", key)
    named.queue(4)
    said = [ticked(named)]
    named.provider.away = True
    said += [ticked(named), repr(build(read(named.folder)).resources), repr(read(named.folder))]
    said += [caplog.text, *capfd.readouterr(), repr(replace(named.endpoint.api(), key=key))]
    assert [one for one in said if "secret" in one] == []
    files = [path for path in named.folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in files)
    assert named.provider.kept == ([4] if key == "a-secret-key" else [])
    assert [path for path in files if b"secret" in path.read_bytes()] == []


@pytest.mark.parametrize("value", ["a/b", "dub?x=1", "é"])
def test_an_endpoint_that_would_change_the_address_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("OCTAVIA_RUNPOD_ENDPOINT", value)
    with pytest.raises(InputError, match="OCTAVIA_RUNPOD_ENDPOINT must be an id"):
        read(tmp_path)
