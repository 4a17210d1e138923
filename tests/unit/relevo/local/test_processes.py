"""Ports, and whose process a pid is."""

import socket
import subprocess
import sys
from pathlib import Path

import psutil

from relevo.local.processes import end_leftover, free_port, tail
from relevo.waiting import wait_for


def test_a_free_port_is_outside_of_what_outgoing_connections_are_given() -> None:
    ports = [free_port() for _ in range(50)]
    assert all(15_000 <= port < 32_768 for port in ports)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", ports[0]))


def test_a_leftover_is_ended_only_when_its_command_line_is_ours(tmp_path: Path) -> None:
    pid_file = tmp_path / "some.pid"
    with subprocess.Popen(
        [sys.executable, "-c", "input()", "ours"], stdin=subprocess.PIPE
    ) as process:
        pid_file.write_text(str(process.pid))
        assert wait_for(lambda: "ours" in psutil.Process(process.pid).cmdline(), 5)
        end_leftover(pid_file, "theirs")
        assert process.poll() is None
        assert not pid_file.exists()
        pid_file.write_text(str(process.pid))
        end_leftover(pid_file, "ours")
        assert not psutil.pid_exists(process.pid)


def test_an_unreadable_pid_file_is_forgotten(tmp_path: Path) -> None:
    pid_file = tmp_path / "some.pid"
    pid_file.write_text("")
    end_leftover(pid_file, "ours")
    assert not pid_file.exists()


def test_the_tail_of_a_log_is_its_end(tmp_path: Path) -> None:
    log = tmp_path / "some.log"
    assert tail(log) == "(nothing)"
    log.write_text("a" * 50 + "the end")
    assert tail(log, 7) == "the end"
