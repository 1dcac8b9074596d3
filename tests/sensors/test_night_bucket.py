"""At risk: a catalogue in a bucket of which more is fetched than a night takes, or whose files are gone when needed."""

from collections.abc import Generator
from pathlib import Path

import pytest
from bucket import Bucket
from resting import House
from s3fs import S3FileSystem

from octavia_dag.dubbing.budget import Budget
from octavia_dag.errors import StorageError
from octavia_dag.resources import remote, videos
from octavia_dag.resources.catalogue import Catalogue
from octavia_dag.resources.fetched import bring_back
from octavia_dag.resources.nights import NightReport
from octavia_dag.resources.remote import AwayError
from octavia_dag.sensors.handing_over import languages_of
from octavia_dag.sensors.night import Night

pytestmark = pytest.mark.operators


@pytest.fixture
def bucket(server: Bucket, monkeypatch: pytest.MonkeyPatch) -> Generator[Bucket]:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()  # one that another test made knows another address
    server.clear()
    for name in ("a", "b", "c"):
        server.put(f"films/{name} é.mp4", f"the film {name}")
    rows = [f"films/{name} é.mp4,es,{priority}" for name, priority in (("a", 1), ("b", 3), ("c", 2))]
    server.put("catalogue.csv", "\n".join(["uri,languages,priority", *rows]))
    yield server
    S3FileSystem.clear_instance_cache()


def sleep(house: House, bucket: Bucket, minutes: float) -> NightReport:
    night = Night(
        house.tools, house.instance, Catalogue(root=bucket.url).read(), "2026-11-25", "a test", budget=Budget(minutes)
    )
    return night.carry_out(night.choice())


def fetched(house: House) -> list[str]:
    return sorted(path.read_text() for path in Path(house.tools.storage.fetched).rglob("*.mp4"))


def test_only_what_a_night_measures_is_fetched_and_what_it_takes_is_registered(house: House, bucket: Bucket) -> None:
    report = sleep(house, bucket, 2.0)
    assert [one.uri for one in report.taken] == ["s3://dubs/films/b é.mp4"]
    (known,) = videos.records(house.tools.store)
    assert Path(known.path).read_text() == "the film b"
    assert known.origin == "s3://dubs/films/b é.mp4"
    assert fetched(house) == ["the film b", "the film c"]  # c was measured: it no longer fitted
    assert languages_of(house.tools.store, known.id) == ("es",)


def test_a_file_that_was_removed_here_is_fetched_again(house: House, bucket: Bucket) -> None:
    sleep(house, bucket, 2.0)
    (known,) = videos.records(house.tools.store)
    Path(known.path).unlink()
    bring_back(house.tools.store, house.tools.storage, known)
    assert Path(known.path).read_text() == "the film b"


def test_another_file_at_the_address_is_not_taken_for_the_video(house: House, bucket: Bucket) -> None:
    sleep(house, bucket, 2.0)
    (known,) = videos.records(house.tools.store)
    Path(known.path).unlink()
    bucket.put("films/b é.mp4", "another film")
    with pytest.raises(StorageError, match="another file lies at"):
        bring_back(house.tools.store, house.tools.storage, known)
    assert not Path(known.path).exists()
    assert [one.why for one in sleep(house, bucket, 2.0).taken] == ["another file lies there now"]


@pytest.mark.parametrize("uri", ["s3://Bad_Bucket!!/x.mp4", "s3://arn:aws:s3:x/y.mp4", "s3://nobody/x.mp4"])
def test_a_bucket_that_there_cannot_be_stops_no_other_row(house: House, bucket: Bucket, uri: str) -> None:
    bucket.put("catalogue.csv", f"uri,languages,priority\n{uri},es,9\nfilms/a é.mp4,es,1")
    report = sleep(house, bucket, 2.0)
    assert [one.row for one in report.taken] == [3]
    assert [(one.row, one.state) for one in report.left] == [(2, "unusable")]


def test_a_storage_that_is_away_is_asked_once_and_its_rows_are_left(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def away(address: str) -> str:
        if address.startswith("s3://"):
            asked.append(address)
            raise AwayError(f"{address} cannot be reached (NoCredentialsError).")
        return real(address)

    real = remote.stamp
    monkeypatch.setattr(remote, "stamp", away)
    house.write("s3://films/one.mp4,es,9", "s3://films/two.mp4,es,8", f"{house.video('a.mp4')},es,1")
    report = house.sleep("2026-11-25")
    assert [one.row for one in report.taken] == [4]
    assert [(one.row, one.state) for one in report.left] == [(2, "unreachable"), (3, "unreachable")]
    assert asked == ["s3://films/one.mp4"]


def test_a_catalogue_that_cannot_be_reached_is_no_empty_one(
    house: House, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    S3FileSystem.clear_instance_cache()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StorageError, match="cannot be reached"):
        Catalogue(root=bucket.url).read()
    assert videos.records(house.tools.store) == []
