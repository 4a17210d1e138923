"""Who has a port, told before anything is started."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from relevo.local.ports import faults, listens
from relevo.local.processes import free_port

ROOT = Path(__file__).parents[4]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def relevo(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "relevo", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_free_port_has_no_fault() -> None:
    assert faults({"kafka": free_port()}) == []


def test_of_a_taken_port_it_says_who_wants_it_and_who_has_it(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    (fault,) = faults({"kafka": port, "routing": free_port()})
    assert fault.startswith(f"Port {port}, which kafka wants: process {os.getpid()} (")


def test_of_processes_that_cannot_be_seen_it_says_so(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: str) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refuse)
    port = listener.getsockname()[1]
    said = f"Port {port}, which kafka wants: a process of another user has it."
    assert faults({"kafka": port}) == [said]


def test_there_are_no_ports_above_65535() -> None:
    assert faults({"kafka": 65_536}) == ["Port 65536, which kafka wants: ports end at 65535."]


def test_who_listens_is_told_from_who_merely_runs(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    assert listens(os.getpid(), port)
    assert not listens(os.getpid(), free_port())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert not listens(other.pid, port)


def test_up_on_a_taken_port_starts_nothing(listener: socket.socket, tmp_path: Path) -> None:
    port = listener.getsockname()[1]
    answer = relevo("up", "--directory", str(tmp_path), "--first-port", str(port))
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert f"Port {port}, which connections wants: process {os.getpid()} (" in answer.stderr
    assert "choose others with --first-port" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
