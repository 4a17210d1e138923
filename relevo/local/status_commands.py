"""`relevo status`: how a running `relevo up` is, once or for as long as one looks."""

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.live import Live
from rich.table import Table

from relevo.local.ports import listens
from relevo.operate.status import STATE_FILE, health
from relevo.terminal import RUN_FOLDER, AsJson, Directory, console, notes

app = typer.Typer()
_REFRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Said:
    """What one service says of itself: each check's name → `ok` or what is missing."""

    url: str
    ready: bool
    checks: dict[str, str]

    @property
    def missing(self) -> str:
        """What is not `ok`, in one line."""
        return ", ".join(f"{name}: {said}" for name, said in self.checks.items() if said != "ok")


Report = dict[str, Said]


@app.command()
def status(
    directory: Directory = RUN_FOLDER,
    *,
    as_json: AsJson = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Until Ctrl-C; piped, a line for every change.")
    ] = False,
) -> None:
    """The health of a running `relevo up`, check by check; exit code 1 when not all is ready."""
    if watch:
        with suppress(KeyboardInterrupt):
            _watch(directory)
        return
    report = read(directory)
    if not report:
        notes.print(_nothing(directory))
        raise typer.Exit(1)
    if as_json:
        answer = {
            name: {"ready": said.ready, "url": said.url, "checks": said.checks}
            for name, said in report.items()
        }
        print(json.dumps(answer, indent=2))
    else:
        console.print(_table(report))
    raise typer.Exit(0 if all(said.ready for said in report.values()) else 1)


def read(directory: Path) -> Report:
    """What every service of the run folder says now; empty when nothing runs there."""
    try:
        urls: dict[str, str] = json.loads((directory / STATE_FILE).read_text())["urls"]
    except FileNotFoundError:
        return {}
    return {name: _ask(directory, name, url) for name, url in urls.items()}


def _ask(directory: Path, name: str, url: str) -> Said:
    pid = _pid(directory / f"{name}.pid")
    if not pid:
        return Said(url, ready=False, checks={"process": "it does not run"})
    ready, checks = health(url)
    if "http" not in checks and not listens(pid, int(url.rpartition(":")[2])):
        return Said(url, ready=False, checks={"process": "another process answers on its port"})
    return Said(url, ready, checks)


def _pid(file: Path) -> int:
    with suppress(OSError, ValueError):
        return int(file.read_text())
    return 0


def _nothing(directory: Path) -> str:
    return f"Nothing runs in {directory}. `make up` starts it."


def _table(report: Report) -> Table:
    table = Table("service", "address", "ready", "checks")
    for name, said in report.items():
        checks = ", ".join(f"{check}: {answer}" for check, answer in said.checks.items())
        table.add_row(name, said.url, "[green]yes[/]" if said.ready else "[red]no[/]", checks)
    return table


def _watch(directory: Path) -> NoReturn:
    if not console.is_terminal:
        _print_changes(directory)
    with Live(console=console, auto_refresh=False) as live:
        while True:
            report = read(directory)
            live.update(_table(report) if report else _nothing(directory), refresh=True)
            time.sleep(_REFRESH_SECONDS)


def _print_changes(directory: Path) -> NoReturn:
    before: list[str] = []
    while True:
        report = read(directory)
        now = [_line(name, said) for name, said in report.items()] or [_nothing(directory)]
        for line in now:
            if line not in before:
                print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)
        before = now
        time.sleep(_REFRESH_SECONDS)


def _line(name: str, said: Said) -> str:
    return f"{name}: ready" if said.ready else f"{name}: not ready ({said.missing})"
