"""Where commands speak: answers to standard output, all else to standard error."""

import errno
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

# What is piped is read by programs and kept in files: rich would break it at 80 columns.
_PIPED_COLUMNS = 10_000


def _speaking(*, stderr: bool) -> Console:
    speaking = Console(stderr=stderr)
    if not speaking.is_terminal:
        speaking.width = _PIPED_COLUMNS
    return speaking


console = _speaking(stderr=False)
notes = _speaking(stderr=True)
RUN_FOLDER = Path(".relevo")

Directory = Annotated[
    Path, typer.Option(help="The run folder: data, logs, secrets.", show_default=True)
]
_FULL = {errno.ENOSPC, errno.EDQUOT}
_CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_FOLDER = {errno.ENOTDIR, errno.EEXIST}

AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


def say(text: str) -> None:
    """What is going on."""
    notes.print(f"{text} …")


def complain(text: object) -> None:
    """What went wrong, as it is."""
    notes.print(str(text), style="red", markup=False, emoji=False, highlight=False)


def disk_fault(error: OSError, place: Path) -> str:
    """What went wrong with a file, and what to do; `place` when the error names none."""
    path = error.filename or place
    if error.errno in _FULL:
        return f"{path}: the disk is full. Make room, or choose a place on another one."
    if error.errno == errno.EISDIR:
        return f"{path}: a folder where a file has to be. Choose another place."
    if error.errno in _CLOSED:
        return f"{path}: we may not write there. Choose another place, or make it yours."
    if error.errno in _NO_FOLDER:
        return f"{path}: a file where a folder has to be. Choose another place."
    return f"{path}: {error.strerror or error}. Choose another place."
