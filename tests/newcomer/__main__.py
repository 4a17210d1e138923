"""`make newcomer`: what somebody does who has just found Relevo, on a machine that is new to it.

Each file of `steps/` is a bash script with one thing that they try, named in its first line. Each
place runs them in the order of their names: a user and a folder that are made for it, and a
container for each of the images that are here. Ends with a table; the exit code is 0 only if every
step passed.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from relevo.terminal import console, notes
from tests.newcomer.places import Place, container, fresh_folder, fresh_user

_STEPS = Path(__file__).parent / "steps"
_SUITE, _WHEEL = "90-suite", "60-wheel"
_OLDEST = "3.11"
_IMAGES = ("debian:12", "debian:13", "ubuntu:24.04")
_SECONDS, _SUITE_SECONDS = 600, 3_600


def pythons() -> list[str]:
    """The interpreters of this machine that a wheel has to run on, the oldest first."""
    folders = [Path("/usr/bin"), *Path.home().glob(".pyenv/versions/*/bin")]
    found = {
        version: str(folder / f"python{version}")
        for version in ("3.13", "3.12", _OLDEST)
        for folder in reversed(folders)
        if (folder / f"python{version}").exists()
    }
    return [found[version] for version in sorted(found)]


def _images() -> Iterator[str]:
    if shutil.which("docker") is None:
        return
    for image in _IMAGES:
        look = subprocess.run(
            ["docker", "image", "inspect", image],  # noqa: S607  whichever there is
            capture_output=True,
            check=False,
        )
        if look.returncode == 0:
            yield image


def _places(images: list[str]) -> Iterator[tuple[AbstractContextManager[Place], str]]:
    """Each place, and what the names of its steps begin with."""
    everybodys = [one for one in pythons() if one.startswith("/usr/")]
    ours = [one for one in pythons() if one not in everybodys]
    if os.geteuid() == 0:
        yield fresh_user(everybodys), ""
        if ours:  # in a home that is closed to that user
            yield fresh_folder(ours), _WHEEL
    else:
        yield fresh_folder(pythons()), ""
    for image in images:
        yield container(image), ""


def main(
    step: Annotated[
        list[str] | None, typer.Option(help="Only steps whose names begin so (again for more).")
    ] = None,
    image: Annotated[
        list[str] | None, typer.Option(help="Containers of these images instead of those here.")
    ] = None,
    *,
    containers: Annotated[bool, typer.Option(help="Whether in containers too.")] = True,
    suite: Annotated[bool, typer.Option(help="`make test` too: its time again.")] = False,
) -> None:
    """Try what a newcomer tries, in places that are new; a table of what became of it."""
    chosen = [
        path
        for path in sorted(_STEPS.glob("*.sh"))
        if path.name.startswith(tuple(step or ("",))) and (suite or path.stem != _SUITE)
    ]
    images = (image or list(_images())) if containers else []
    table = Table("place", "what was tried", "result", "seconds", title="A newcomer's first hour")
    failed = False
    for opened, begin in _places(images):
        with opened as place:
            for path in (one for one in chosen if one.name.startswith(begin)):
                passed, seconds = _try(place, path)
                failed |= not passed
                mark = "[green]passed[/]" if passed else "[red]FAILED[/]"
                table.add_row(place.name, _name_of(path), mark, f"{seconds:.1f}")
    console.print(table)
    raise typer.Exit(1 if failed else 0)


def _name_of(path: Path) -> str:
    return path.read_text().splitlines()[0].removeprefix("# ")


def _try(place: Place, path: Path) -> tuple[bool, float]:
    notes.print(f"{place.name}: {_name_of(path)} …")
    started = time.monotonic()
    seconds = _SUITE_SECONDS if path.stem == _SUITE else _SECONDS
    code, said = place.run(path.read_text(), seconds)
    took = time.monotonic() - started
    if code or said.strip():
        print(said.rstrip())
    if code:
        print(f"{path.name}: exit code {code} after {took:.0f} s")
    sys.stdout.flush()
    return code == 0, took


if __name__ == "__main__":
    typer.run(main)
