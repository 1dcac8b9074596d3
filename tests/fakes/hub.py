"""A model hub on this machine: one repository, spoken to by the hub's own client."""

import hashlib
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from huggingface_hub import HfApi

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class LocalHub:
    """Files of owner/name at `main`; `refusal` is the status and error code that it answers everything with.

    `commit` is what `main` is, `told` what it answers when asked for it, and `missing` files it breaks off at.
    """

    files: dict[str, bytes]
    refusal: tuple[int, str] | None = None
    asked: list[str] = field(default_factory=list[str])
    address: str = ""
    commit: str = COMMIT
    told: dict[str, Any] | None = None
    missing: set[str] = field(default_factory=set[str])

    def api(self) -> Any:
        return HfApi(endpoint=self.address, token=False)


class _Handler(BaseHTTPRequestHandler):
    hub: LocalHub

    def do_HEAD(self) -> None:
        self.send(*self.answer())

    def do_GET(self) -> None:
        self.send(*self.answer())

    def answer(self) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers."""
        self.hub.asked.append(self.path)
        path, files = self.path.partition("?")[0], self.hub.files
        if self.hub.refusal:
            return self.hub.refusal[0], b"{}", {"X-Error-Code": self.hub.refusal[1]}
        if path.startswith("/api/models/owner/name/tree/"):
            rows = [{"type": "file", "path": n, "size": len(d), "oid": _oid(d)} for n, d in files.items()]
            return 200, json.dumps(rows).encode(), {}
        if path.startswith("/api/models/owner/name"):
            told = {"id": "owner/name", "sha": self.hub.commit, "siblings": [{"rfilename": name} for name in files]}
            return 200, json.dumps(told if self.hub.told is None else self.hub.told).encode(), {}
        name = path.partition(f"/owner/name/resolve/{self.hub.commit}/")[2]
        if name in files and name not in self.hub.missing:
            return 200, files[name], {"ETag": f'"{_oid(files[name])}"', "X-Repo-Commit": self.hub.commit}
        return 404, b"{}", {"X-Error-Code": "EntryNotFound"}

    def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        return


def _oid(data: bytes) -> str:
    """What git calls a blob of this content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


@contextmanager
def running(files: dict[str, bytes]) -> Generator[LocalHub]:
    hub = LocalHub(files)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
