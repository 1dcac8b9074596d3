"""At risk: a failure that nobody hears of, one that is told twice, and a secret in what is told."""

from collections.abc import Generator

import dagster as dg
import pytest
from resting import House

from octavia_dag.errors import InputError, OctaviaError, StorageError
from octavia_dag.resources.notices import Notices
from octavia_dag.sensors import notices as sensors
from octavia_dag.sensors.notices import failure_notice, failure_sensor, held_sensor
from octavia_dag.sensors.sentences import failure_sentence

UI = "http://octavia.test"
SECRET = "p4ssw0rd"
STOPPED = dg.DefaultSensorStatus.STOPPED


class Told(Notices):
    """Keeps what it would post; `why` is what the webhook would answer otherwise."""

    why: str = ""

    def post(self, text: str) -> str | None:
        HEARD.append(text)
        return self.why or None


HEARD: list[str] = []


@pytest.fixture(autouse=True)
def nothing_heard() -> None:
    HEARD.clear()


@pytest.fixture
def instance() -> Generator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def failed(
    instance: dg.DagsterInstance, error: Exception | None, name: str = "analyse_video"
) -> dg.ExecuteInProcessResult:
    """A run of the job `name` whose only step fails with `error`, where there is one."""

    @dg.op(name="stems")
    def step() -> None:
        if isinstance(error, OctaviaError):
            raise dg.Failure(str(error)) from error
        if error is not None:
            raise error

    @dg.job(name=name)
    def made() -> None:
        step()

    tags = {"dagster/partition": "talk-1a2b3c4d"}
    return made.execute_in_process(instance=instance, raise_on_error=False, tags=tags)


def test_a_failure_is_told_by_its_sentence_its_partition_and_its_link(instance: dg.DagsterInstance) -> None:
    run = failed(instance, InputError("Dubbing talk.mp4: its sound is damaged; copy it again.")).dagster_run
    assert failure_notice(instance, run, Told(ui=UI)) == (
        "analyse_video of talk-1a2b3c4d failed. Dubbing talk.mp4: its sound is damaged; copy it again.\n"
        f"{UI}/runs/{run.run_id}"
    )


def test_of_a_defect_only_its_kind_is_told(instance: dg.DagsterInstance) -> None:
    cause = ValueError(f"postgresql://octavia:{SECRET}@host/memory")
    result = failed(instance, cause)
    told = failure_sentence(instance, result.dagster_run)
    assert told == "The step stems failed (ValueError); the run in the UI tells more."
    assert SECRET not in told


def test_the_failure_sensor_posts_each_failure_and_survives_a_webhook_that_is_away(
    instance: dg.DagsterInstance,
) -> None:
    result = failed(instance, InputError("It is no video; give one."))
    for why in ("", "A notice could not be posted."):
        heard_of(instance, result, why)
    assert [one.splitlines()[0] for one in HEARD] == [
        "analyse_video of talk-1a2b3c4d failed. It is no video; give one."
    ] * 2


def heard_of(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult, why: str = "") -> None:
    """The failure sensor is told of a run."""
    context = dg.build_run_status_sensor_context(
        sensor_name="failure_notices",
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=next(one for one in result.all_events if one.is_run_failure),
        resources={"notices": Told(ui=UI, why=why)},
    ).for_run_failure()
    failure_sensor(STOPPED)(context)


@pytest.mark.parametrize(("job", "posts"), [("take_uploads", 3), ("deliver_dubs", 3), ("analyse_video", 5)])
def test_of_a_job_that_is_begun_again_by_itself_a_failure_is_told_until_it_is_another_one(
    instance: dg.DagsterInstance, job: str, posts: int
) -> None:
    away, full = StorageError("The storage is away."), StorageError("The disk is full.")
    for error in (away, away, full, full, None, full):
        result = failed(instance, error, job)
        if error is not None:
            heard_of(instance, result)
    assert len(HEARD) == posts


def look(house: House, cursor: str | None, why: str = "") -> tuple[str | None, str]:
    """One tick of the sensor of held dubs: its cursor after it, and what it says."""
    with dg.build_sensor_context(
        instance=house.instance,
        cursor=cursor,
        resources={"workshop": house.tools, "notices": Told(ui=UI, why=why)},
    ) as context:
        said = held_sensor(STOPPED)(context)
    assert isinstance(said, dg.SkipReason)
    return context.cursor, said.skip_message or ""


def reported(house: House, partition: str) -> None:
    house.instance.report_runless_asset_event(dg.AssetMaterialization("qa_report", partition=partition))


def test_every_dub_that_is_held_back_is_told_once_and_no_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def notice(workshop: object, video: str, language: str, link: str) -> str | None:
        return None if video.startswith("good") else f"{video} {language}\n{link}"

    monkeypatch.setattr(sensors, "held_notice", notice)
    reported(house, "es|before-1a2b3c4d")
    cursor, _ = look(house, None)
    for partition in ("es|talk-1a2b3c4d", "es|good-1a2b3c4d", "pt-BR|talk-1a2b3c4d"):
        reported(house, partition)
    cursor, _ = look(house, cursor)
    cursor, _ = look(house, cursor)
    assert [one.splitlines() for one in HEARD] == [
        ["talk-1a2b3c4d es", f"{UI}/assets/qa_report?partition=es%7Ctalk-1a2b3c4d"],
        ["talk-1a2b3c4d pt-BR", f"{UI}/assets/qa_report?partition=pt-BR%7Ctalk-1a2b3c4d"],
    ]


def test_what_cannot_be_posted_is_said_in_the_tick_and_holds_up_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def notice(*_: object) -> str:
        return "held"

    monkeypatch.setattr(sensors, "held_notice", notice)
    cursor, _ = look(house, "0")
    reported(house, "es|talk-1a2b3c4d")
    cursor, said = look(house, cursor, "A notice could not be posted.")
    assert said == "A notice could not be posted."
    assert look(house, cursor)[1] != said
