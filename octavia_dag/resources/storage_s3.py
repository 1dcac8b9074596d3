"""A bucket as a storage: s3fs lists, reads and uploads, dagster-aws's client copies and removes on a condition.

Both speak with one set of credentials and endpoint. Copies and removals are asked for under the condition that the
object is the version that was looked at, and it is looked at once more, since not every S3 knows these conditions. An
upload in parts appears when it is completed; where it is interrupted its parts are dropped, at once or by the next
sweep. An answer that is no listing, such as a page that asks for a login, is never taken for an empty bucket.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, cast

from botocore.exceptions import ClientError
from dagster_aws.s3 import S3Resource
from s3fs import S3FileSystem
from s3fs.utils import FileExpired

from octavia_dag.dubbing.dropping import Listed
from octavia_dag.resources.storage import S3_PATIENCE, ChangedError

_PART = 16 << 20
_MOST_PARTS = 9_000
_BLOCK = 8 << 20
_UNKNOWN_CONDITION = ("NotImplemented", "501")
_GONE = ("404", "NoSuchKey", "NotFound")
_OTHER = ("412", "PreconditionFailed")


class Bucket:
    """Objects below `place`, which is `bucket` or `bucket/prefix`."""

    def __init__(self, place: str, endpoint: str | None, region: str | None) -> None:
        self._bucket, _, prefix = place.partition("/")
        self._root = f"{prefix}/" if prefix else ""
        self._s3 = S3Resource(endpoint_url=endpoint, region_name=region)
        self._made: Any = None

    def listed(self, prefix: str) -> list[Listed]:
        """Objects below `prefix`; an OSError where the bucket cannot be listed."""
        asked = {"Bucket": self._bucket, "Prefix": self._root + prefix}
        files: Any = self._files()
        found: list[Listed] = []
        while True:
            page = files.call_s3("list_objects_v2", **asked)
            if "Name" not in page and "KeyCount" not in page:
                raise OSError("what answers there is no S3")
            for one in page.get("Contents", []):
                key, etag = one["Key"].removeprefix(self._root), _bare(one["ETag"])
                found.append(Listed(key, one["Size"], etag, one["LastModified"].timestamp()))
            if not page.get("IsTruncated"):
                return found
            asked["ContinuationToken"] = page["NextContinuationToken"]

    def open(self, one: Listed) -> IO[bytes]:
        """The object; every block is asked for under the condition that it is still this version."""
        try:
            opened: Any = self._files().open(self._path(one.key), "rb", block_size=_BLOCK, cache_type="readahead")
        except FileNotFoundError as error:
            raise ChangedError(f"{one.key} is gone; nothing is done.") from error
        if _bare(opened.details["ETag"]) != one.etag:
            opened.close()
            raise ChangedError(f"{one.key} has changed; it is looked at again.")
        return cast(IO[bytes], _Pinned(opened, one.key))

    def copy(self, one: Listed, key: str, local: Path | None) -> None:
        """On the server, where it is this version before and after; else from the local copy."""
        source = {"Bucket": self._bucket, "Key": self._root + one.key}
        client = self._client()
        try:
            client.copy(source, self._bucket, self._root + key, ExtraArgs={"CopySourceIfMatch": f'"{one.etag}"'})
            if _bare(client.head_object(**source)["ETag"]) == one.etag:
                return
        except ClientError as error:
            if _code(error) not in (*_GONE, *_OTHER):
                raise
        if local is None:
            self.delete(key)
            raise ChangedError(f"{one.key} has changed; it is looked at again.")
        self.put(local, key)

    def remove(self, one: Listed) -> bool:
        """With the condition, which makes it safe; and a look before, where the server does not know it."""
        client, where = self._client(), {"Bucket": self._bucket, "Key": self._root + one.key}
        try:
            if _bare(client.head_object(**where)["ETag"]) != one.etag:
                return False
            client.delete_object(**where, IfMatch=f'"{one.etag}"')
        except ClientError as error:
            if _code(error) in (*_GONE, *_OTHER):
                return False
            if _code(error) not in _UNKNOWN_CONDITION:
                raise
            client.delete_object(**where)
        return True

    def put(self, local: Path, key: str) -> None:
        """In parts where it is large, a few at a time; interrupted, its parts are dropped."""
        part = max(_PART, -(-local.stat().st_size // _MOST_PARTS))
        done = False
        try:
            self._files().put_file(str(local), self._path(key), chunksize=part, max_concurrency=2)
            done = True
        finally:
            if not done:
                self.sweep([key])

    def write(self, key: str, content: bytes) -> None:
        """One request."""
        self._files().pipe_file(self._path(key), content)

    def delete(self, key: str) -> None:
        """Whatever lies there."""
        self._client().delete_object(Bucket=self._bucket, Key=self._root + key)

    def sweep(self, prefixes: Sequence[str]) -> int:
        """Aborts uploads in parts."""
        client, dropped = self._client(), 0
        for prefix in prefixes:
            pages = client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._bucket, Prefix=self._root + prefix
            )
            for one in [upload for page in pages for upload in page.get("Uploads", [])]:
                client.abort_multipart_upload(Bucket=self._bucket, Key=one["Key"], UploadId=one["UploadId"])
                dropped += 1
        return dropped

    def _client(self) -> Any:
        """dagster-aws's client, made once: that takes half a second."""
        self._made = self._made or self._s3.get_client()
        return self._made

    def _path(self, key: str) -> str:
        return f"{self._bucket}/{self._root}{key}"

    def _files(self) -> "_PlainKeys":
        s3 = self._s3
        return _PlainKeys(
            key=s3.aws_access_key_id,
            secret=s3.aws_secret_access_key,
            token=s3.aws_session_token,
            endpoint_url=s3.endpoint_url,
            use_ssl=s3.use_ssl,
            client_kwargs={"region_name": s3.region_name} if s3.region_name else {},
            config_kwargs=S3_PATIENCE,
            use_listings_cache=False,
        )


class _PlainKeys(S3FileSystem):
    """s3fs, without its reading of `?versionId=` in a key: an object may be called so."""

    def split_path(self, path: str) -> tuple[str, str, str | None]:
        """Bucket and key."""
        bucket, _, key = path.removeprefix("s3://").partition("/")
        return bucket, key, None


class _Pinned:
    """A file of s3fs that says ChangedError where the object became another one between two blocks."""

    def __init__(self, opened: Any, key: str) -> None:
        self._opened, self._key = opened, key

    def __enter__(self) -> "_Pinned":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        try:
            return self._opened.read(size)
        except (FileNotFoundError, FileExpired) as error:
            raise ChangedError(f"{self._key} has changed while it was read; it is looked at again.") from error


def _bare(etag: str) -> str:
    return etag.strip('"')


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
