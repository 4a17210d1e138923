"""Where commands speak: answers to standard output, all else to standard error."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

console = Console()
notes = Console(stderr=True)
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
