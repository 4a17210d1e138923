"""Ports of this machine: whether one is free, and whose it is when it is not."""

import errno
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import psutil

_COMMAND_CHARACTERS = 100


def faults(wanted: Mapping[str, int]) -> list[str]:
    """A sentence for each port (by who wants it) that cannot be listened on, and who has it."""
    return [
        f"Port {port}, which {name} wants: {fault}."
        for name, port in wanted.items()
        if (fault := _fault(port))
    ]


def _fault(port: int) -> str:
    """Why nobody can listen on the port; empty when one can."""
    try:
        with socket.socket() as probe:
            # As the servers do: connections of before that are closing are in nobody's way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
    except OverflowError:
        return "ports end at 65535"
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            return str(error.strerror)
        return f"{_owner(port)} has it"
    return ""


def _owner(port: int) -> str:
    """Who listens on the port, as far as we may know."""
    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.pid and _listens_on(connection, port):
                return _described(psutil.Process(connection.pid))
    return "a process of another user"


def _described(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        command = " ".join(process.cmdline()) or process.name()
        return f"process {process.pid} ({command[:_COMMAND_CHARACTERS]})"
    return f"process {process.pid}"


def listens(pid: int, port: int) -> bool:
    """Whether this process, or a child of it, is who answers on the port."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return any(
            _listens_on(connection, port)
            for one in (process, *process.children(recursive=True))
            for connection in one.net_connections("tcp")
        )
    return False


def _listens_on(connection: Any, port: int) -> bool:
    return bool(connection.status == psutil.CONN_LISTEN and connection.laddr.port == port)
