"""The guard of the studio's tests: a test fails if anything it starts reaches for another machine.

An audit hook sees every socket of the interpreter, whoever made it and on whatever thread, from before the first
fixture; `sitecustomize` beside it hands it to every Python that a test starts. What reaches out is refused, loudly, and
noted in a file: a refusal that was swallowed, or a process that is gone, fails the test all the same. A process that is
started without the guard counts as reaching out. What is no Python (ffmpeg) is not seen. See `loopback_plugin`.
"""

import ipaddress
import os
import socket
import sys
from pathlib import Path
from typing import Any

NOTES = "LOOPBACK_NOTES"  # not OCTAVIA_...: those are kept from the command that is tested
_HOSTS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
_ADDRESSES = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
# By name, these look the name up before anything is audited.
_BY_NAME = ("connect", "connect_ex", "sendto")
_held: list[Path] = []


class ReachedOutError(BaseException):
    """Nothing that a test starts may reach another machine; no `except Exception` and no `except OSError` hides it."""


def hold(notes: Path) -> None:
    """From now on this process reaches nobody else, and what tries is noted in `notes`; there is no way back."""
    if not _held:
        for name in _BY_NAME:
            setattr(socket.socket, name, _asked_first(getattr(socket.socket, name)))
        sys.addaudithook(_watch)
    _held[:] = [notes]


def _asked_first(real: Any) -> Any:
    def asked(self: socket.socket, *given: Any) -> Any:
        _refuse_address(f"socket.{real.__name__}", self, given[-1] if given else None)
        return real(self, *given)

    return asked


def _watch(event: str, given: tuple[Any, ...]) -> None:
    if event in _HOSTS:
        _refuse(event, given[0])
    elif event in _ADDRESSES:
        _refuse_address(event, given[0], given[1])
    elif event == "socket.getnameinfo":
        _refuse(event, given[0][0])
    elif event == "subprocess.Popen" and _is_python(given[0]) and given[3] is not None and not _guarded(given[3]):
        _note(f"starting {given[1]!r} without the guard in its environment")


def _refuse_address(event: str, sender: Any, address: Any) -> None:
    if sender.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
        _refuse(event, address[0])


def _refuse(event: str, host: Any) -> None:
    name = host.decode() if isinstance(host, bytes | bytearray) else str(host or "")
    if name not in ("", "localhost") and not _here(name):
        _note(f"{event} of {name}")


def _here(name: str) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _is_python(program: Any) -> bool:
    """Other programs have no guard in any environment: the linker's cache, which ctypes looks into, say."""
    path = Path(os.fsdecode(program))
    return path.name.startswith("python") or path.parent == Path(sys.executable).parent


def _guarded(environment: Any) -> bool:
    told = {os.fsdecode(name): os.fsdecode(value) for name, value in environment.items()}
    paths = told.get("PYTHONPATH", "").split(os.pathsep)
    return bool(told.get(NOTES)) and str(Path(__file__).parent) in paths


def _note(what: str) -> None:
    with _held[0].open("a", encoding="utf-8") as file:
        file.write(f"{what} by process {os.getpid()}\n")
    raise ReachedOutError(f"A test may not reach another machine: {what}.")
