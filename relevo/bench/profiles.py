"""Where the time of a Python process goes: flame graphs by py-spy, while a load runs."""

import signal
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_SAMPLES_A_SECOND = 50
_WRITE_SECONDS = 60.0


@contextmanager
def recording(pids: Mapping[str, int], folder: Path | None) -> Iterator[None]:
    """A flame graph of each process while the block runs, `<folder>/<name>.svg`.

    py-spy reads another process's memory: as root, or with `kernel.yama.ptrace_scope` 0. It costs
    what it looks at some per cent.

    Args:
        pids: process id by name.
        folder: made if it is not there; None records nothing.

    Raises:
        RuntimeError: py-spy wrote no graph; with what it said.
    """
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    graphs = {name: folder / f"{name}.svg" for name in pids}
    spies = {name: _spy(pids[name], graph) for name, graph in graphs.items()}
    try:
        yield
    finally:
        for spy in spies.values():
            spy.send_signal(signal.SIGINT)
        said = {name: spy.communicate(timeout=_WRITE_SECONDS)[0] for name, spy in spies.items()}
    for name, graph in graphs.items():
        if not graph.exists():
            raise RuntimeError(f"py-spy wrote no {graph}: {said[name].strip()}")


def _spy(pid: int, graph: Path) -> subprocess.Popen[str]:
    graph.unlink(missing_ok=True)
    command = Path(sysconfig.get_path("scripts")) / "py-spy"
    return subprocess.Popen(
        [
            *(str(command), "record", "--pid", str(pid), "--output", str(graph)),
            *("--rate", str(_SAMPLES_A_SECOND), "--duration", "unlimited"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
