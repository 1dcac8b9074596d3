"""At risk: that work in progress of a living process is taken for abandoned, or that abandoned work stays for ever."""

import os
import subprocess
import sys

import pytest

from octavia_dag.resources import processes
from octavia_dag.resources.artifacts import ArtifactStore
from octavia_dag.resources.processes import Owner, owner_of, owner_prefix, this_process


def test_a_name_tells_its_owner() -> None:
    assert owner_of(f"{owner_prefix()}a_1b2c3d") == this_process()


@pytest.mark.parametrize("host", ["build-box-7", "my host.local", "ÿ", "octavia_1"])
def test_any_host_name_goes_into_a_name_and_back(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: host)
    assert owner_of(f"{owner_prefix()}abcdefgh") == this_process()
    assert this_process().here


@pytest.mark.parametrize("name", ["12345-abcdefgh", "notes", "-", "x-1-host-abc", ""])
def test_a_name_of_another_kind_has_no_owner(name: str) -> None:
    assert owner_of(name) is None


def test_a_living_process_is_not_gone() -> None:
    assert not this_process().gone


def test_a_process_that_ended_is_gone() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert Owner(processes.host(), ended.pid, "1").gone


def test_a_process_that_ended_unasked_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as ended:
        assert ended.stdout is not None
        started = processes._started(ended.pid)  # pyright: ignore[reportPrivateUsage]
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert Owner(processes.host(), ended.pid, started or "").gone


def test_a_number_that_is_used_again_is_another_process() -> None:
    me = this_process()
    assert Owner(me.host, me.pid, f"{me.started}0").gone


def test_a_process_of_another_machine_is_never_called_gone() -> None:
    assert not Owner("another_machine", 999999999, "1").gone


def test_the_store_names_its_work_in_progress_after_this_process(tmp_path: os.PathLike[str]) -> None:
    store = ArtifactStore(root=f"{tmp_path}/store", scratch=f"{tmp_path}/scratch")
    with store.workspace() as folder:
        assert owner_of(folder.name) == this_process()
