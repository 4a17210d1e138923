"""Services of one machine start as forks of a process that has loaded what they share.

Each would spend most of its start on loading the same libraries, on a machine that has as many
cores as a laptop: six services took 19 s of processor time for it, and take half now. Where there
is no `prctl` (not Linux) they start as they do in an installation, `python -m services.<name>`.

`python -m relevo.local.nursery` is that process: it reads a JSON object in a line for each child
(`module`, `log`, `environment`, `folder`) and answers with a line, the child's pid. It is alone in
having one thread and nothing open, so that forking it is safe.
"""

import gc
import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import psutil

from relevo.local.processes import die_with, spawn

# What every service loads, and nothing of one of them.
_SHARED = ("uvloop", "uvicorn", "shared.runtime", "shared.web.openapi", "shared.notices")

_TITLE = "setproctitle"


class Nursery:
    """Starts services.

    Args:
        log: for what it says itself.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._server: subprocess.Popen[bytes] | None = None
        self._children: list[subprocess.Popen[bytes]] = []

    def prepare(self, folder: Path) -> None:
        """Begin to load what services share; returns at once."""
        if sys.platform != "linux" or (self._server and self._server.poll() is None):
            return
        self.stop()
        self._log.parent.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "relevo.local.nursery"]
        pipe = subprocess.PIPE
        self._server = spawn(command, self._log, cwd=folder, stdin=pipe, stdout=pipe)

    def start(
        self, module: str, log: Path, environment: Mapping[str, str], folder: Path
    ) -> psutil.Process:
        """A process of its own that runs the module, its output appended to `log`.

        Raises:
            ChildProcessError: the process that was to fork it is gone.
            OSError: its log cannot be written.
        """
        self.prepare(folder)
        if self._server is None:
            command = [sys.executable, "-m", module]
            self._children.append(spawn(command, log, env=dict(environment), cwd=folder))
            return psutil.Process(self._children[-1].pid)
        wanted = {
            "module": module,
            "log": str(log),
            "environment": dict(environment),
            "folder": str(folder),
        }
        answer = _ask(self._server, json.dumps(wanted).encode() + b"\n")
        if not answer:
            raise ChildProcessError(f"what starts the services has ended; see {self._log}")
        return psutil.Process(int(answer))

    def stop(self) -> None:
        """End; children that live are killed."""
        server, self._server = self._server, None
        if server is not None:
            for pipe in (server.stdin, server.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):  # what it was not told is in its buffer
                        pipe.close()
            server.wait()


def _ask(server: subprocess.Popen[bytes], line: bytes) -> bytes:
    """Its answer; nothing when it is gone."""
    if server.stdin is not None and server.stdout is not None:
        with suppress(BrokenPipeError):
            server.stdin.write(line)
            server.stdin.flush()
            return server.stdout.readline()
    return b""


def _serve() -> None:
    """Fork a child for each line, until there are no more."""
    parent = os.getpid()
    for name in (*_SHARED, _TITLE):
        import_module(name)
    # What is loaded by now is in no child's garbage: its pages stay shared.
    gc.collect()
    gc.freeze()
    # Children that ended are nobody's to wait for: whoever asks looks whether the process is there.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin.buffer:
        wanted = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(wanted, parent)
            return
        sys.stdout.buffer.write(b"%d\n" % child)
        sys.stdout.buffer.flush()


def _become(wanted: dict[str, str | dict[str, str]], parent: int) -> None:
    """In the child: everything that tells it from its parent, then the module."""
    die_with(parent)
    module = str(wanted["module"])
    # It writes over the environment that the process began with, so that comes first.
    import_module(_TITLE).setproctitle(f"{sys.executable} -m {module}")
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    log = os.open(str(wanted["log"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for old, new in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(old, new)
    os.environ.clear()
    os.environ.update(wanted["environment"])  # type: ignore[arg-type]
    os.chdir(str(wanted["folder"]))
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        _serve()
