"""`relevo reset`: a run folder as before its first start."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from relevo.local.engines import EngineError, Kafka, Postgres
from relevo.local.folders import lock
from relevo.local.processes import end_leftover
from relevo.local.workers import service_of
from relevo.operate.status import STATE_FILE
from relevo.terminal import RUN_FOLDER, Directory, complain, console, disk_fault, notes

app = typer.Typer()
# What `relevo up` makes; whatever else somebody has put there stays.
_OURS = (
    "kafka-data", "postgres-data*", "postgres.password", "postgres.initial-password", "logs",
    "mail", "secrets.env", "server.properties", STATE_FILE, "*.pid", "*.log",
    "kafka.aot*",
)  # fmt: skip
_MB = 1_000_000


@app.command()
def reset(
    directory: Directory = RUN_FOLDER,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove the data, logs, mails and secrets of a `relevo up` that does not run."""
    if not (directory / "lock").exists():
        notes.print(f"There is nothing to remove: nothing was ever started in {directory}.")
        return
    try:
        _reset(directory.resolve(), yes=yes)
    except EngineError as error:
        complain(error)
        raise typer.Exit(1) from error
    except OSError as error:
        complain(disk_fault(error, directory))
        raise typer.Exit(1) from error


def _reset(directory: Path, *, yes: bool) -> None:
    held = lock(directory)
    if held is None:
        complain(f"Relevo runs in {directory}. Stop it first; nothing was removed.")
        raise typer.Exit(1)
    with held:
        if not yes:
            everything = f"every order, account, key, mail and log in {directory}"
            typer.confirm(f"Remove {everything}?", abort=True, err=True)
        _end_leftovers(directory)
        for path in _data(directory):
            said = f"Removed {path} ({_bytes(path) / _MB:.1f} MB)"
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            console.print(said, highlight=False)
        (directory / "lock").unlink()
    if not any(directory.iterdir()):
        directory.rmdir()


def _end_leftovers(directory: Path) -> None:
    """What a crash left running."""
    for engine in (Kafka(directory), Postgres(directory)):
        end_leftover(directory / f"{engine.name}.pid", engine.marker())
        engine.settle()
    for pid_file in directory.glob("*.pid"):
        end_leftover(pid_file, f"services.{service_of(pid_file.stem)}")


def _data(directory: Path) -> list[Path]:
    found = sorted(path for pattern in _OURS for path in directory.glob(pattern))
    elsewhere = Postgres(directory).data.parent
    return [*found, elsewhere] if elsewhere != directory and elsewhere.exists() else found


def _bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.lstat().st_size for file in files)
