"""At risk: half a file that is visible, a version that was never looked at and is copied or removed all the same, parts
that nobody asks for any more, and a storage that cannot be reached and is taken for an empty one.
"""

import hashlib
import os
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bucket import BUCKET, CREDENTIALS, Bucket, Way, answering, free_port, serving, way_to

from octavia_dag.dubbing.dropping import Listed
from octavia_dag.errors import StorageError
from octavia_dag.resources.storage import ChangedError, Storage

MIB = 1 << 20
KEYS = (
    "incoming/es/a b, c|d ✨.mp4",
    "incoming/es/" + "x" * 200 + "/" + "y" * 200 + ".mp4",
    "incoming/es/'\"&#%20+[x]*.mp4",
    "incoming/es/ü/日本.mp4",
)
LONG = "incoming/" + "/".join(["z" * 240] * 4) + "/" + "k" * 20 + ".mp4"


class Outside:
    """Somebody else with access to the same storage."""

    def __init__(self, root: Path | None = None, bucket: Bucket | None = None) -> None:
        self.root, self.bucket = root, bucket

    def put(self, key: str, content: bytes) -> None:
        if self.bucket is not None:
            self.bucket.put(key, content)
        elif self.root is not None:
            (self.root / key).parent.mkdir(parents=True, exist_ok=True)
            (self.root / key).write_bytes(content)

    def keys(self) -> list[str]:
        if self.bucket is not None:
            return self.bucket.all_keys()
        assert self.root is not None
        return [one.relative_to(self.root).as_posix() for one in self.root.rglob("*") if one.is_file()]

    def get(self, key: str) -> bytes:
        if self.bucket is not None:
            return self.bucket.get(key)
        assert self.root is not None
        return (self.root / key).read_bytes()


def storage_at(url: str, folder: Path, endpoint: str | None = None) -> Storage:
    fetched = str(folder / "fetched")
    return Storage(url=url, endpoint=endpoint, region="us-east-1", fetched=fetched, most_bytes=1 << 40)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bucket]:
    with serving(tmp_path_factory.mktemp("moto")) as bucket:
        yield bucket


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def bucket(server: Bucket, credentials: None) -> Bucket:
    for key in server.all_keys():
        server.client.delete_object(Bucket=BUCKET, Key=key)
    return server


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.operators)])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Storage, Outside]:
    if request.param == "bucket":
        found: Bucket = request.getfixturevalue("bucket")
        return storage_at(found.url, tmp_path, found.endpoint), Outside(bucket=found)
    root = tmp_path / "root"
    (root / "incoming").mkdir(parents=True)
    return storage_at(f"file://{root}", tmp_path), Outside(root=root)


def one_of(storage: Storage, key: str) -> Listed:
    (found,) = [one for one in storage.listed("incoming/") if one.key == key]
    return found


def test_odd_keys_are_listed_fetched_and_removed_as_they_are(both: tuple[Storage, Outside], tmp_path: Path) -> None:
    storage, outside = both
    for number, key in enumerate(KEYS):
        outside.put(key, str(number).encode())
    assert sorted(one.key for one in storage.listed("incoming/")) == sorted(KEYS)
    for number, key in enumerate(KEYS):
        assert storage.fetch(one_of(storage, key), tmp_path / "f") == hashlib.sha256(str(number).encode()).hexdigest()
        storage.keep(one_of(storage, key), f"archive/{number}", None)
        assert storage.remove(one_of(storage, key))
        assert outside.get(f"archive/{number}") == str(number).encode()
    assert storage.listed("incoming/") == []


def test_a_key_of_1000_characters_is_handled(both: tuple[Storage, Outside], tmp_path: Path) -> None:
    storage, outside = both
    assert len(LONG) == 997
    outside.put(LONG, b"x")
    storage.fetch(one_of(storage, LONG), tmp_path / "f")
    assert storage.remove(one_of(storage, LONG))


def test_only_what_lies_below_the_prefix_is_listed(both: tuple[Storage, Outside]) -> None:
    storage, outside = both
    for key in ("incoming/a", "incoming-old/b", "archive/c"):
        outside.put(key, b"x")
    assert [one.key for one in storage.listed("incoming/")] == ["incoming/a"]


def test_a_version_that_is_not_there_any_more_is_neither_fetched_nor_removed(
    both: tuple[Storage, Outside], tmp_path: Path
) -> None:
    storage, outside = both
    outside.put("incoming/a", b"first")
    first = one_of(storage, "incoming/a")
    outside.put("incoming/a", b"second")
    with pytest.raises(ChangedError):
        storage.fetch(first, tmp_path / "f")
    assert not storage.remove(first)
    assert outside.get("incoming/a") == b"second"


def test_a_version_that_was_replaced_is_archived_from_the_local_copy(
    both: tuple[Storage, Outside], tmp_path: Path
) -> None:
    storage, outside = both
    outside.put("incoming/a", b"first")
    first = one_of(storage, "incoming/a")
    sha256 = storage.fetch(first, tmp_path / "f")
    outside.put("incoming/a", b"second")
    storage.keep(first, f"archive/{sha256}", tmp_path / "f")
    assert outside.get(f"archive/{sha256}") == b"first"


def test_what_was_deleted_meanwhile_is_no_failure(both: tuple[Storage, Outside], tmp_path: Path) -> None:
    storage, outside = both
    outside.put("incoming/a", b"x")
    gone = one_of(storage, "incoming/a")
    assert storage.remove(gone)
    assert not storage.remove(gone)
    with pytest.raises(ChangedError):
        storage.fetch(gone, tmp_path / "f")
    with pytest.raises(ChangedError):
        storage.keep(gone, "archive/a")
    storage.delete("incoming/a")


def test_a_large_file_goes_there_and_back_and_its_hash_is_the_same(
    both: tuple[Storage, Outside], tmp_path: Path
) -> None:
    storage, outside = both
    content = os.urandom(40 * MIB + 12345)
    (tmp_path / "large").write_bytes(content)
    storage.put(tmp_path / "large", "incoming/large")
    assert storage.fetch(one_of(storage, "incoming/large"), tmp_path / "back") == hashlib.sha256(content).hexdigest()
    assert outside.get("incoming/large") == content


def test_what_is_larger_than_the_limit_is_refused_before_it_is_fetched(
    both: tuple[Storage, Outside], tmp_path: Path
) -> None:
    storage, outside = both
    outside.put("incoming/a", b"x" * 100)
    small = storage.model_copy(update={"most_bytes": 99})
    with pytest.raises(StorageError, match="no room"):
        small.fetch(one_of(storage, "incoming/a"), tmp_path / "f")
    assert not (tmp_path / "f").exists()


def test_a_folder_that_is_not_mounted_is_no_empty_folder(tmp_path: Path) -> None:
    storage = storage_at(f"file://{tmp_path / 'absent'}", tmp_path)
    with pytest.raises(StorageError, match="Listing incoming/"):
        storage.listed("incoming/")
    (tmp_path / "absent").mkdir()
    with pytest.raises(StorageError, match="Listing incoming/"):
        storage.listed("incoming/")


def test_a_file_in_a_folder_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "root" / "incoming").mkdir(parents=True)
    storage = storage_at(f"file://{tmp_path / 'root'}", tmp_path)
    (tmp_path / "f").write_bytes(b"x" * MIB)

    def interrupted(source: object, target: object) -> None:
        Path(str(target)).write_bytes(b"x" * 100)
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.copyfile", interrupted)
    monkeypatch.setattr("fsspec.implementations.local.shutil.copyfile", interrupted)
    with pytest.raises(KeyboardInterrupt):
        storage.put(tmp_path / "f", "delivered/v/es/f.mp4")
    assert [one for one in (tmp_path / "root").rglob("*") if one.is_file()] == []


def test_a_file_that_comes_while_another_version_is_removed_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    (root / "incoming").mkdir(parents=True)
    storage = storage_at(f"file://{root}", tmp_path)
    (root / "incoming/a").write_bytes(b"first")
    first = one_of(storage, "incoming/a")
    rename = Path.rename

    def late(self: Path, target: Path) -> Path:
        self.unlink()
        self.write_bytes(b"second")  # between the look and the removal
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    assert not storage.remove(first)
    assert (root / "incoming/a").read_bytes() == b"second"
    assert [one.key for one in storage.listed("incoming/")] == ["incoming/a"]


def test_what_a_killed_removal_took_aside_comes_back(tmp_path: Path) -> None:
    root = tmp_path / "root"
    aside = root / "incoming" / "es" / ".0123.octavia-aside"
    aside.mkdir(parents=True)
    (aside / "talk.mp4").write_bytes(b"x")
    storage_at(f"file://{root}", tmp_path).sweep(["archive/"])
    assert (root / "incoming/es/talk.mp4").read_bytes() == b"x"
    assert not aside.exists()


@pytest.mark.operators
def test_a_bucket_that_is_not_there_or_not_reached_is_a_reason_without_secrets(bucket: Bucket, tmp_path: Path) -> None:
    absent = storage_at("s3://absent", tmp_path, bucket.endpoint)
    dead = storage_at(bucket.url, tmp_path, f"http://127.0.0.1:{free_port()}")
    for storage in (absent, dead):
        with pytest.raises(StorageError) as refused:
            storage.listed("incoming/")
        assert "Listing incoming/ of s3://" in str(refused.value)
        assert CREDENTIALS["AWS_SECRET_ACCESS_KEY"] not in str(refused.value)


@pytest.fixture
def way(bucket: Bucket) -> Generator[Way]:
    with way_to(bucket) as found:
        yield found


@pytest.mark.operators
def test_throttling_is_waited_out(way: Way, tmp_path: Path) -> None:
    way.bucket.put("incoming/a", b"x")
    answers = [503, 503, 503, 503]
    way.refuse = lambda method, path: answers.pop() if answers and "list-type" in path else None
    found = storage_at(way.bucket.url, tmp_path, way.bucket.endpoint).listed("incoming/")
    assert [one.key for one in found] == ["incoming/a"]
    assert answers == []


@pytest.mark.operators
def test_throttling_without_end_is_a_reason(way: Way, tmp_path: Path) -> None:
    way.refuse = lambda method, path: 503
    with pytest.raises(StorageError, match="Listing incoming/"):
        storage_at(way.bucket.url, tmp_path, way.bucket.endpoint).listed("incoming/")


@pytest.mark.operators
@pytest.mark.parametrize("error", [KeyboardInterrupt, None])
def test_an_interrupted_upload_leaves_nothing_visible_and_no_parts(
    way: Way, bucket: Bucket, tmp_path: Path, error: type[BaseException] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "f").write_bytes(os.urandom(40 * MIB))
    storage = storage_at(way.bucket.url, tmp_path, way.bucket.endpoint)
    parts = threading.Event()
    way.refuse = lambda method, path: 403 if "partNumber=3" in path and error is None else None
    way.after = lambda method, path: parts.set() if "partNumber=1" in path else None
    if error is not None:
        _interrupt_at(parts, monkeypatch, error)
    with pytest.raises((StorageError, KeyboardInterrupt)):
        storage.put(tmp_path / "f", "delivered/v/es/f.mp4")
    assert bucket.all_keys() == []
    assert bucket.unfinished() == []


def _interrupt_at(parts: threading.Event, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]) -> None:
    """The thread that waits for the upload is interrupted when its first part is there."""
    import fsspec.asyn

    sync: Callable[..., object] = fsspec.asyn.sync

    def interrupted(loop: object, func: object, *args: object, **kwargs: object) -> object:
        if "put_file" not in getattr(func, "__name__", ""):
            return sync(loop, func, *args, **kwargs)
        thread = threading.Thread(target=lambda: sync(loop, func, *args, **kwargs), daemon=True)
        thread.start()
        assert parts.wait(30)
        raise error

    monkeypatch.setattr("fsspec.asyn.sync", interrupted)


@pytest.mark.operators
def test_parts_that_a_killed_upload_left_are_dropped_by_the_next_sweep(bucket: Bucket, tmp_path: Path) -> None:
    for key in ("delivered/v/es/f.mp4", "elsewhere/g.mp4"):
        upload = bucket.client.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
        bucket.client.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=1, Body=b"x" * 100)
    assert storage_at(bucket.url, tmp_path, bucket.endpoint).sweep(["delivered/"]) == 1
    assert bucket.unfinished() == ["elsewhere/g.mp4"]


@pytest.mark.operators
def test_an_object_that_is_replaced_while_it_is_fetched_is_not_half_of_each(
    way: Way, bucket: Bucket, tmp_path: Path
) -> None:
    bucket.put("incoming/a", b"1" * (40 * MIB))
    storage = storage_at(way.bucket.url, tmp_path, way.bucket.endpoint)
    first = one_of(storage, "incoming/a")
    gets: list[str] = []

    def replaced(method: str, path: str) -> None:
        if method == "GET" and path.endswith("incoming/a"):
            gets.append(path)
            if len(gets) == 1:
                bucket.put("incoming/a", b"2" * (40 * MIB))

    way.after = replaced
    with pytest.raises(ChangedError):
        storage.fetch(first, tmp_path / "f")
    assert len(gets) > 1


@pytest.mark.operators
def test_a_prefix_of_a_bucket_is_a_root_of_its_own(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("team/incoming/a", b"x")
    bucket.put("incoming/b", b"y")
    storage = storage_at(f"{bucket.url}/team", tmp_path, bucket.endpoint)
    storage.keep(one_of(storage, "incoming/a"), "archive/a")
    storage.write("delivered/r.json", b"{}")
    assert storage.remove(one_of(storage, "incoming/a"))
    assert sorted(bucket.all_keys()) == ["incoming/b", "team/archive/a", "team/delivered/r.json"]


@pytest.fixture
def folder(tmp_path: Path) -> tuple[Storage, Path]:
    root = tmp_path / "root"
    (root / "incoming/es").mkdir(parents=True)
    return storage_at(f"file://{root}", tmp_path), root


def test_links_and_pipes_in_a_folder_are_no_objects(folder: tuple[Storage, Path], tmp_path: Path) -> None:
    storage, root = folder
    (tmp_path / "secret").write_bytes(b"nobody's business")
    (root / "incoming/es/link.mp4").symlink_to(tmp_path / "secret")
    (root / "archive").symlink_to(tmp_path / "secret")
    os.mkfifo(root / "incoming/es/pipe.mp4")
    (root / "incoming/es/a.mp4").write_bytes(b"x")
    assert [one.key for one in storage.listed("incoming/")] == ["incoming/es/a.mp4"]
    assert storage.listed("archive") == []


def test_a_file_that_a_link_has_replaced_since_is_another_version(folder: tuple[Storage, Path], tmp_path: Path) -> None:
    storage, root = folder
    (root / "incoming/a").write_bytes(b"x")
    first = one_of(storage, "incoming/a")
    (root / "incoming/a").rename(tmp_path / "moved")
    (root / "incoming/a").symlink_to(tmp_path / "moved")  # the very same file behind it
    with pytest.raises(ChangedError):
        storage.fetch(first, tmp_path / "f")
    assert not storage.remove(first)
    assert (tmp_path / "moved").read_bytes() == b"x"


def test_a_file_that_somebody_still_writes_is_neither_fetched_nor_removed(
    folder: tuple[Storage, Path], tmp_path: Path
) -> None:
    storage, root = folder
    with (root / "incoming/a").open("wb") as writer:
        writer.write(b"half")
        writer.flush()
        half = one_of(storage, "incoming/a")
        with pytest.raises(ChangedError, match="still writes"):
            storage.fetch(half, tmp_path / "f")
        assert not storage.remove(half)
        writer.write(b" and half")
    assert (root / "incoming/a").read_bytes() == b"half and half"
    whole = one_of(storage, "incoming/a")
    storage.fetch(whole, tmp_path / "f")
    assert storage.remove(whole)


@pytest.mark.parametrize("name", [".x.octavia-aside", ".x.octavia-part"])
def test_what_is_only_called_like_our_own_folders_and_parts_stops_no_sweep(
    folder: tuple[Storage, Path], tmp_path: Path, name: str
) -> None:
    storage, root = folder
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/a").write_bytes(b"x")
    (root / "incoming/es" / name / "folder").mkdir(parents=True)
    (root / "incoming" / name).symlink_to(tmp_path / "outside")
    (root / "incoming/.y.octavia-aside").write_bytes(b"a plain file")
    storage.sweep(["incoming/"])
    assert (tmp_path / "outside/a").read_bytes() == b"x"


def test_an_archive_s_wrong_copy_of_the_same_size_is_put_right(both: tuple[Storage, Outside]) -> None:
    storage, outside = both
    outside.put("incoming/a", b"the video")
    outside.put("archive/sha", b"\0" * len(b"the video"))
    storage.keep(one_of(storage, "incoming/a"), "archive/sha")
    assert outside.get("archive/sha") == b"the video"


@pytest.mark.operators
@pytest.mark.parametrize("name", ["a?versionId=abc.mp4", "../b.mp4", "s3://c.mp4"])
def test_keys_that_look_like_something_else_are_objects_too(bucket: Bucket, tmp_path: Path, name: str) -> None:
    bucket.put(f"incoming/es/{name}", b"x")
    storage = storage_at(bucket.url, tmp_path, bucket.endpoint)
    one = one_of(storage, f"incoming/es/{name}")
    assert storage.fetch(one, tmp_path / "f") == hashlib.sha256(b"x").hexdigest()
    storage.keep(one, "archive/a")
    assert storage.remove(one)
    assert bucket.all_keys() == ["archive/a"]


@pytest.mark.operators
def test_a_listing_of_many_pages_is_whole(bucket: Bucket, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(bucket.put, [f"incoming/{number:04}" for number in range(1001)], [b"x"] * 1001))
    found = storage_at(bucket.url, tmp_path, bucket.endpoint).listed("incoming/")
    assert [one.key for one in found] == [f"incoming/{number:04}" for number in range(1001)]


@pytest.mark.parametrize("answer", [b"<?xml version='1.0'?><html><body/></html>", b"<html><body>Log in", b"", b"{}"])
def test_an_answer_that_is_no_listing_is_no_empty_bucket(credentials: None, tmp_path: Path, answer: bytes) -> None:
    with answering(200, answer) as port:
        storage = storage_at("s3://dubs", tmp_path, f"http://127.0.0.1:{port}")
        with pytest.raises(StorageError, match="Listing incoming/"):
            storage.listed("incoming/")
        with pytest.raises(StorageError):
            storage.look()


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_that_leads_nowhere_is_a_reason(credentials: None, tmp_path: Path, status: int) -> None:
    with answering(status, b"") as port:
        storage = storage_at("s3://dubs", tmp_path, f"http://127.0.0.1:{port}")
        with pytest.raises(StorageError, match="Listing incoming/"):
            storage.listed("incoming/")
