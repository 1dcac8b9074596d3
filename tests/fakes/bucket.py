"""A real S3 over HTTP on this machine (moto's server, a process of its own), and ways to it that misbehave."""

import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

BUCKET = "dubs"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
_UP_WITHIN_S = 60.0


@dataclass(frozen=True)
class Bucket:
    """A bucket of a server that runs, seen by an outside program (boto3)."""

    endpoint: str

    @property
    def url(self) -> str:
        return f"s3://{BUCKET}"

    def environment(self) -> dict[str, str]:
        """What an installation is told of it."""
        return {"OCTAVIA_STORAGE": self.url, "AWS_ENDPOINT_URL": self.endpoint, **CREDENTIALS}

    @property
    def client(self) -> Any:
        return client(self.endpoint)

    def put(self, key: str, body: bytes | str | Path) -> str:
        """Uploads, and returns the ETag."""
        content = body.read_bytes() if isinstance(body, Path) else body
        return str(self.client.put_object(Bucket=BUCKET, Key=key, Body=content)["ETag"]).strip('"')

    def get(self, key: str) -> bytes:
        return bytes(self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def all_keys(self, prefix: str = "") -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [one["Key"] for page in pages for one in page.get("Contents", [])]

    def clear(self) -> None:
        """Removes every object."""
        for key in self.all_keys():
            self.client.delete_object(Bucket=BUCKET, Key=key)

    def unfinished(self) -> list[str]:
        """Keys of uploads in parts that were neither completed nor aborted."""
        return [one["Key"] for one in self.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]


@cache
def client(endpoint: str) -> Any:
    """Made once for each endpoint: that takes half a second."""
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=CREDENTIALS["AWS_DEFAULT_REGION"],
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )


@contextmanager
def serving(folder: Path) -> Generator[Bucket]:
    """A server with an empty bucket, for as long as it is needed."""
    port = free_port()
    with (folder / "moto.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        bucket = Bucket(f"http://127.0.0.1:{port}")
        end = time.monotonic() + _UP_WITHIN_S
        while not _answers(port):
            assert process.poll() is None, (folder / "moto.log").read_text()
            assert time.monotonic() < end, "moto's server does not come up"
            time.sleep(0.1)
        bucket.client.create_bucket(Bucket=BUCKET)
        yield bucket
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@dataclass
class Way:
    """A way to the server. `refuse(method, path)` answers a request with a status of its own; `before` comes first."""

    port: int
    seen: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    refuse: Callable[[str, str], int | None] = lambda method, path: None
    before: Callable[[str, str], None] = lambda method, path: None
    after: Callable[[str, str], None] = lambda method, path: None

    @property
    def bucket(self) -> Bucket:
        return Bucket(f"http://127.0.0.1:{self.port}")


@contextmanager
def way_to(bucket: Bucket) -> Generator[Way]:
    """A small proxy before the server."""
    target = int(bucket.endpoint.rsplit(":", 1)[1])
    way = Way(free_port())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            _forward(self, way, target)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", way.port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield way
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def answering(status: int, body: bytes) -> Generator[int]:
    """A server that is no S3 and answers everything alike; its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            _answer(self, status, {}, body)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()


def _forward(request: BaseHTTPRequestHandler, way: Way, target: int) -> None:
    length = int(request.headers.get("Content-Length", 0))
    body = request.rfile.read(length)
    method, path = request.command, request.path
    way.seen.append((method, path))
    status = way.refuse(method, path)
    if status is not None:
        code = "SlowDown" if status == 503 else "AccessDenied"
        _answer(request, status, {}, f"<Error><Code>{code}</Code><Message>refused</Message></Error>".encode())
        return
    way.before(method, path)
    connection = http.client.HTTPConnection("127.0.0.1", target, timeout=60)
    connection.request(method, path, body, dict(request.headers))
    answer = connection.getresponse()
    content = answer.read()
    way.after(method, path)
    _answer(request, answer.status, dict(answer.getheaders()), content)
    connection.close()


def _answer(request: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], content: bytes) -> None:
    request.send_response(status)
    for name, value in headers.items():
        if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
            request.send_header(name, value)
    length = headers.get("Content-Length", "0") if request.command == "HEAD" else str(len(content))
    request.send_header("Content-Length", length)
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(content)
