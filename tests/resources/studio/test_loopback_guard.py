"""At risk: an engine that reads from the network on a machine that has one, and a test that does not notice."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.studio

FAKES = Path(__file__).parents[2] / "fakes"
HEAD = """
import _socket, contextlib, os, socket, subprocess, sys, threading
import pytest

pytestmark = pytest.mark.studio
FAR = ("203.0.113.7", 9)  # an address for documentation: nobody has it

def reach(what):
    with contextlib.suppress(BaseException):
        what()
"""
UDP = "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
CONNECT = "socket.socket().connect(FAR)"
HOLES = {
    "a connect": CONNECT,
    "connect_ex": "socket.socket().connect_ex(FAR)",
    "a connect by name": "socket.socket().connect(('nobody.invalid', 9))",
    "a datagram": f"{UDP}.sendto(b'', FAR)",
    "a datagram with flags": f"{UDP}.sendto(b'', 0, FAR)",
    "a datagram by name": f"{UDP}.sendto(b'', ('nobody.invalid', 9))",
    "sendmsg": f"{UDP}.sendmsg([b''], [], 0, FAR)",
    "getaddrinfo": "socket.getaddrinfo('nobody.invalid', 9)",
    "gethostbyname": "socket.gethostbyname('nobody.invalid')",
    "gethostbyname_ex": "socket.gethostbyname_ex('nobody.invalid')",
    "gethostbyaddr": "socket.gethostbyaddr(FAR[0])",
    "getnameinfo": "socket.getnameinfo(FAR, 0)",
    "_socket": "_socket.socket().connect(FAR)",
    "IPv6": "socket.socket(socket.AF_INET6).connect(('2001:db8::7', 9))",
    "a thread": f"(t := threading.Thread(target=lambda: reach(lambda: {CONNECT}))).start() or t.join()",
    "a fork": f"os.waitpid(os.fork() or (reach(lambda: {CONNECT}), os._exit(0)), 0)",
    "a subprocess": f"subprocess.run([sys.executable, '-c', 'import socket; {CONNECT}'.replace('FAR', str(FAR))])",
    "a subprocess without the guard": "subprocess.run([sys.executable, '-c', ''], env={})",
}


def outcome(tmp_path: Path, planted: str) -> tuple[int, str]:
    """How a pytest of its own ends over a planted file, and what it says."""
    path = tmp_path / "test_planted.py"
    path.write_text(HEAD + planted)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = studio\n")
    command = [sys.executable, "-m", "pytest", "-p", "loopback_plugin", "-m", "studio", "-q", "-x", str(path)]
    paths = os.pathsep.join([str(FAKES), os.environ["PYTHONPATH"]])
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("what", HOLES.values(), ids=HOLES)
def test_whatever_reaches_out_and_hides_it_fails_its_test(tmp_path: Path, what: str) -> None:
    code, said = outcome(tmp_path, f"def test_it():\n    reach(lambda: {what})\n")
    assert code == 1, said
    assert "1 passed, 1 error" in said, "what it asked was refused, and the test went on"
    assert "reached for another machine" in said


@pytest.mark.parametrize("scope", ["session", "package", "module", "class", "function"])
@pytest.mark.parametrize("body", [f"reach(lambda: {CONNECT})\n    yield", f"yield\n    reach(lambda: {CONNECT})"])
def test_a_fixture_of_any_scope_is_guarded(tmp_path: Path, scope: str, body: str) -> None:
    planted = f"@pytest.fixture(scope='{scope}')\ndef far():\n    {body}\n\ndef test_it(far):\n    pass\n"
    code, said = outcome(tmp_path, planted)
    assert code == 1, said
    assert "reached for another machine" in said


def test_what_reaches_out_while_it_is_imported_is_found(tmp_path: Path) -> None:
    code, said = outcome(tmp_path, f"reach(lambda: {CONNECT})\n\ndef test_it():\n    pass\n")
    assert (code, "reached for another machine" in said) == (1, True), said


def test_what_hides_nothing_says_where_it_wanted_to_go(tmp_path: Path) -> None:
    code, said = outcome(tmp_path, f"def test_it():\n    {CONNECT}\n")
    assert code == 1
    assert "ReachedOutError: A test may not reach another machine: socket.connect of 203.0.113.7." in said


def test_this_machine_may_be_reached_by_every_way(tmp_path: Path) -> None:
    planted = """
def test_it(tmp_path):
    with socket.create_server(("localhost", 0)) as server, socket.create_connection(server.getsockname()) as client:
        client.sendall(b"1")
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        socket.create_connection(server.getsockname()[:2]).close()
    here, there = socket.socketpair()
    here.send(b"1")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        socket.socket(socket.AF_UNIX).connect(str(tmp_path / "s"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        one.sendto(b"1", one.getsockname())
        one.sendmsg([b"1"], [], 0, one.getsockname())
    code = "import socket; socket.getaddrinfo('localhost', 1); socket.gethostbyname('127.0.0.2')"
    subprocess.run([sys.executable, "-c", code], check=True)
"""
    code, said = outcome(tmp_path, planted)
    assert code == 0, said
