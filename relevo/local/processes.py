"""Child processes that end with their parent, and their ports."""

import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: a child of a threaded process must not load libraries.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
# Below the range that outgoing connections take their ports from (32768 on Linux, 49152 on macOS):
# a client that asks again while a server is away could otherwise be given the server's own port,
# connect to itself, and keep the server from coming back.
_FIRST_PORT, _LAST_PORT = 15_000, 32_000


# Those that were given out: between being chosen and being listened on, they look free.
_given: set[int] = set()


def free_port() -> int:
    """A port on loopback that nobody listens on at this moment; each is given out once.

    Raises:
        OSError: none found.
    """
    for _ in range(1_000):
        port = random.randint(_FIRST_PORT, _LAST_PORT)  # noqa: S311  not a secret
        if port in _given:
            continue
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            _given.add(port)
            return port
    raise OSError(f"no free port between {_FIRST_PORT} and {_LAST_PORT}")


def end_with_parent(how: signal.Signals) -> None:
    """Let the kernel send us `how` when who started us goes, however it goes; on Linux alone."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, how)


def die_with(parent: int) -> None:
    """In the child, before exec: the kernel kills it when the parent goes."""
    if _LIBC is not None:
        end_with_parent(signal.SIGKILL)
        if os.getppid() != parent:  # it went before we asked
            os._exit(1)


def spawn(command: Sequence[str], log: Path, **options: Any) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, output appended to `log`; it dies with us.

    On Linux also when we are killed. The kernel means the thread: call it from one that lives as
    long as the child may (not from `asyncio.to_thread`). Elsewhere `end_leftover` finds the child
    at the next start.
    """
    with log.open("ab") as output:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
        return subprocess.Popen(
            command,
            start_new_session=True,
            preexec_fn=partial(die_with, os.getpid()),  # noqa: PLW1509  only sets a kernel flag
            **{**pipes, **options},
        )


def end(process: subprocess.Popen[bytes], how: signal.Signals, seconds: float) -> None:
    """Signal a process and wait for its end; SIGKILL when it takes longer than `seconds`."""
    process.send_signal(how)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def lives(process: psutil.Process) -> bool:
    """Whether it runs: one that ended and was not waited for does not."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def stop(process: psutil.Process, how: signal.Signals, seconds: float) -> None:
    """As `end`, for a process that may be somebody else's child."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(how)
        try:
            process.wait(seconds)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait()


def end_leftover(pid_file: Path, marker: str, seconds: float = 20.0) -> None:
    """Kill what a crash left behind: the recorded pid, if its command line has `marker`.

    The kernel gives pids again, so that a pid alone proves nothing.
    """
    with suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
        leftover = psutil.Process(int(pid_file.read_text()))
        words = leftover.cmdline() or [""]
        # A fork's new name may be one word.
        if marker in words or marker in words[0].split():
            leftover.kill()
            leftover.wait(seconds)
    pid_file.unlink(missing_ok=True)


def tail(log: Path, characters: int = 2_000) -> str:
    """The end of a log, for an error message."""
    if not log.exists():
        return "(nothing)"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - characters))
        return file.read().decode(errors="replace")
