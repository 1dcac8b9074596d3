"""At risk: a webhook's address where others read it, and a webhook that holds everything up."""

import gzip
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from octavia_dag.resources.notices import Notices

SECRET = "T0-very-secret-B1"
UI = "http://octavia.test:3000"


class Hook(ThreadingHTTPServer):
    """Answers each request with the next of `answers`, the last one again and again; 0: not at all."""

    def __init__(self, answers: list[int]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.heard = answers, list[dict[str, str]]()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/{SECRET}"


class _Handler(BaseHTTPRequestHandler):
    server: Hook  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        if not status:
            time.sleep(4)
            return
        self.server.heard.append(json.loads(body))
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def hook(request: pytest.FixtureRequest) -> Iterator[Hook]:
    server = Hook(list(getattr(request, "param", [200])))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_notice_is_one_text(hook: Hook) -> None:
    assert Notices(webhook=hook.url, ui=UI).post("dub_video failed. The disk is full.") is None
    assert hook.heard == [{"text": "dub_video failed. The disk is full."}]


@pytest.mark.parametrize("hook", [[503, 200]], indirect=True)
def test_a_webhook_that_is_busy_is_tried_once_more(hook: Hook) -> None:
    assert Notices(webhook=hook.url, ui=UI).post("said") is None
    assert len(hook.heard) == 2


@pytest.mark.parametrize("hook", [[500], [404], [302], [0]], indirect=True)
def test_one_that_refuses_or_is_silent_is_told_without_its_address_and_soon(
    hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    begun = time.monotonic()
    told = Notices(webhook=hook.url, ui=UI).post("The dub of talk is held back.")
    assert time.monotonic() - begun < 6
    assert told is not None
    assert told.endswith("It said: The dub of talk is held back.")
    assert SECRET not in told
    assert SECRET not in caplog.text


def _dripping(one: socket.socket) -> None:
    """A header that never ends."""
    one.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        one.sendall(b"a")
        time.sleep(0.2)


def _endless(one: socket.socket) -> None:
    """A body that never ends, and unpacks into far more than it is."""
    packed = gzip.compress(bytes(64 << 20))
    one.sendall(f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {10**12}\r\n\r\n".encode())
    while True:
        one.sendall(packed)


@contextmanager
def _answering(how: Callable[[socket.socket], None]) -> Generator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with suppress(OSError):
                while True:
                    one, _ = server.accept()
                    threading.Thread(target=_until_gone, args=(one,), daemon=True).start()

        def _until_gone(one: socket.socket) -> None:
            with one, suppress(OSError):
                one.recv(65536)
                how(one)

        threading.Thread(target=answer, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/services/{SECRET}"


def test_one_that_answers_without_end_is_left_after_two_tries_of_two_seconds() -> None:
    begun = time.monotonic()
    with _answering(_dripping) as url:
        told = Notices(webhook=url, ui=UI).post("said")
    assert 3.9 < time.monotonic() - begun < 6
    assert told is not None
    assert "TimeoutError" in told


def test_what_the_other_side_answers_is_not_read() -> None:
    begun = time.monotonic()
    with _answering(_endless) as url:
        assert Notices(webhook=url, ui=UI).post("said") is None
    assert time.monotonic() - begun < 2


def test_the_name_of_a_video_calls_nobody(hook: Hook) -> None:
    Notices(webhook=hook.url, ui=UI).post("<!channel>.mp4 & <https://evil|talk>")
    assert hook.heard == [{"text": "&lt;!channel&gt;.mp4 &amp; &lt;https://evil|talk&gt;"}]


@pytest.mark.parametrize(
    "address",
    [f"http://127.0.0.1:9/{SECRET}", f"https://{SECRET}:port/x", f"{SECRET}", f"ftp://host/{SECRET}", "http://["],
)
def test_one_that_nobody_answers_at_is_told_without_its_address(address: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = Notices(webhook=address, ui=UI).post("said")
    assert told is not None
    assert SECRET not in told + caplog.text


def test_a_link_leads_to_the_run_and_to_the_partition() -> None:
    notices = Notices(webhook="", ui=UI)
    assert notices.run_link("ab12") == f"{UI}/runs/ab12"
    assert notices.asset_link("qa_report", "pt-BR|talk-1a2b3c4d") == (
        f"{UI}/assets/qa_report?partition=pt-BR%7Ctalk-1a2b3c4d"
    )
