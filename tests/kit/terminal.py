"""A command on a terminal of its own, as in a window that somebody closes."""

import os
import pty
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

from relevo.local.processes import lives
from relevo.waiting import wait_for

# What a run of the tests leaves in the environment is not the command's.
_OURS = ("MAKE", "PYTEST_", "RELEVO_")


class Terminal:
    """A shell with a command, on a pseudo-terminal; closing that hangs up.

    The kernel tells the shell, which ends; with it everything that it runs is told.

    Args:
        command: what is typed.
        cwd: where.
    """

    def __init__(self, *command: str, cwd: Path) -> None:
        self._ours, theirs = pty.openpty()
        os.set_blocking(self._ours, False)
        self._shell = subprocess.Popen(
            ["setsid", "--ctty", "sh", "-c", '"$@"; exit $?', "sh", *command],  # noqa: S607  of every Linux
            cwd=cwd,
            env={k: v for k, v in os.environ.items() if not k.startswith(_OURS)},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self._said = b""

    def said(self) -> str:
        """All that it printed so far; read often, for a full terminal makes it wait."""
        with suppress(OSError):
            while more := os.read(self._ours, 65_536):
                self._said += more
        return self._said.decode(errors="replace")

    def wait_for(self, file: Path, seconds: float) -> None:
        """Return when the file is there.

        Raises:
            AssertionError: the command ended before, or it took too long; with what it said.
        """
        wait_for(lambda: (self.said(), file.exists())[1] or self._shell.poll() is not None, seconds)
        assert file.exists(), self.said()

    def processes(self) -> list[psutil.Process]:
        """The shell, the command, and all that descend from it."""
        shell = psutil.Process(self._shell.pid)
        return [shell, *shell.children(recursive=True)]

    def kill(self) -> None:
        """SIGKILL to the command alone."""
        (command,) = psutil.Process(self._shell.pid).children()
        command.kill()

    def kill_group(self) -> None:
        """SIGKILL to its process group, as `kill -9 -PGID` does."""
        os.killpg(self._shell.pid, signal.SIGKILL)

    def close(self) -> None:
        """The window goes."""
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1

    def end(self) -> None:
        """Leave nothing of it behind, however it went."""
        with suppress(psutil.NoSuchProcess):
            for process in self.processes():
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self._shell.wait()
        self.close()


def living(processes: list[psutil.Process]) -> list[str]:
    """The beginnings of their command lines. Zombies are dead: nobody may ask how they ended."""
    found = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if lives(process):
                found.append(f"{process.pid} {' '.join(process.cmdline())[:100]}")
    return found
