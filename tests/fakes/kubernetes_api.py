"""As much of a cluster's API as making jobs needs, on the loopback: it keeps what came over the wire."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml


@dataclass
class Cluster:
    """The jobs that were asked for, with their namespace, and the file that leads a client here."""

    kubeconfig: Path
    jobs: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])


@contextmanager
def cluster(folder: Path) -> Generator[Cluster]:
    """A cluster that listens for as long as the block runs."""
    here = Cluster(folder / "kubeconfig")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            parts = self.path.split("?")[0].strip("/").split("/")
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            made = parts[:4] == ["apis", "batch", "v1", "namespaces"] and parts[5:] == ["jobs"]
            if made:
                here.jobs.append((parts[4], json.loads(sent)))
            self.send_response(201 if made else 404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(sent if made else b"{}")

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here.kubeconfig.write_text(yaml.safe_dump(_led_to(f"http://127.0.0.1:{server.server_port}")), encoding="utf-8")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _led_to(address: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": {"server": address}}],
        "users": [{"name": "tester", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "tester"}}],
        "current-context": "here",
    }
