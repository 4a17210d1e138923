"""`relevo logs`: what the services and engines of a run folder wrote, and go on to write."""

import json
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from relevo.terminal import RUN_FOLDER, Directory, complain

app = typer.Typer()
_LOOK_SECONDS = 0.2
Line = tuple[str, str]  # whose, and what


class Tail:
    """One log file as it grows, also over its removal and a new start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0  # bytes
        self._begun = b""

    def more(self) -> Iterator[str]:
        """The whole lines since the last call; all there are, at the first."""
        with suppress(FileNotFoundError), self._path.open("rb") as file:
            if self._path.stat().st_size < self._read:  # another file by the same name
                self._read, self._begun = 0, b""
            file.seek(self._read)
            for raw in file:
                self._read += len(raw)
                self._begun += raw
                if raw.endswith(b"\n"):
                    yield self._begun.decode(errors="replace").rstrip("\n")
                    self._begun = b""


@app.command()
def logs(
    service: Annotated[
        str, typer.Argument(help="Or an engine: kafka, postgres. All services by default.")
    ] = "",
    *,
    directory: Directory = RUN_FOLDER,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C, over restarts too.")
    ] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Newest lines.")] = 50,
) -> None:
    """What the services wrote, in the order of time and with their names before it."""
    there = find(directory)
    if not there or (service and service not in there):
        names = ", ".join(sorted(there))
        wanted = f"{service or 'any service'} in {directory}"
        complain(f"There is no log of {wanted}." + (f" There are: {names}" if names else ""))
        raise typer.Exit(1)
    tails: dict[str, Tail] = {}
    _print(deque(in_order(_more(directory, service, tails, lines)), lines), service)
    with suppress(KeyboardInterrupt):
        while follow:
            time.sleep(_LOOK_SECONDS)
            _print(in_order(_more(directory, service, tails)), service)


def find(directory: Path) -> dict[str, Path]:
    """The log files of a run folder by who writes them."""
    paths = (*directory.glob("*.log"), *(directory / "logs").glob("*.log"))
    return {path.stem: path for path in paths}


def _more(
    directory: Path, service: str, tails: dict[str, Tail], newest: int | None = None
) -> Iterator[Line]:
    for name, path in sorted(find(directory).items()):
        if name == service or (not service and path.parent != directory):
            tail = tails.setdefault(name, Tail(path))
            # Of a log of gigabytes no more is held than may be shown.
            yield from ((name, line) for line in deque(tail.more(), newest))


def in_order(lines: Iterable[Line]) -> list[Line]:
    """By the time in them; a line without one (of a traceback) stays with the one before it."""
    stamped: list[tuple[str, Line]] = []
    last: dict[str, str] = {}
    for name, line in lines:
        last[name] = _stamp(line) or last.get(name, "")
        stamped.append((last[name], (name, line)))
    return [line for _, line in sorted(stamped, key=lambda entry: entry[0])]


def _stamp(line: str) -> str:
    with suppress(ValueError, TypeError, KeyError):
        return str(json.loads(line)["timestamp"])
    return ""


def _print(lines: Iterable[Line], service: str) -> None:
    for name, line in lines:
        print(line if service else f"{name:<11} | {line}", flush=True)
