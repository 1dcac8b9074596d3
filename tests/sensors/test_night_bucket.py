"""At risk: a catalogue in a bucket of which more is fetched than a night takes, or whose files are gone when needed."""

from collections.abc import Generator
from pathlib import Path

import pytest
from bucket import Bucket
from resting import House
from s3fs import S3FileSystem

from octavia_dag.dubbing.budget import Budget
from octavia_dag.errors import StorageError
from octavia_dag.resources import videos
from octavia_dag.resources.catalogue import Catalogue
from octavia_dag.resources.fetched import bring_back
from octavia_dag.resources.nights import NightReport
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


def test_a_catalogue_that_cannot_be_reached_is_no_empty_one(
    house: House, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    S3FileSystem.clear_instance_cache()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StorageError, match="cannot be reached"):
        Catalogue(root=bucket.url).read()
    assert videos.records(house.tools.store) == []
