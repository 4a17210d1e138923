"""Where commands speak: answers to standard output, all else to standard error."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

# What is piped is read by programs and kept in files: rich would break it at 80 columns.
_PIPED_COLUMNS = 10_000


def _speaking(*, stderr: bool) -> Console:
    speaking = Console(stderr=stderr)
    if not speaking.is_terminal and "COLUMNS" not in os.environ:
        speaking = Console(stderr=stderr, width=_PIPED_COLUMNS)
    return speaking


console = _speaking(stderr=False)
notes = _speaking(stderr=True)
RUN_FOLDER = Path(".relevo")

Directory = Annotated[
    Path, typer.Option(help="The run folder: data, logs, secrets.", show_default=True)
]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


def say(text: str) -> None:
    """What is going on."""
    notes.print(f"{text} …")


def complain(text: object) -> None:
    """What went wrong, as it is."""
    notes.print(str(text), style="red", markup=False, highlight=False)
