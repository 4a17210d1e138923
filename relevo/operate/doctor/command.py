"""`relevo doctor`: everything that an installation stands on, a line each, and what to do.

Exit codes: 0 nothing is wrong, there may be warnings; 1 something is; 2 the command was not
understood.
"""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.text import Text

from relevo.operate.doctor.finding import Finding, Verdict
from relevo.terminal import RUN_FOLDER, AsJson, Directory, console

app = typer.Typer()
_MARKS = {
    Verdict.OK: ("ok", "green"),
    Verdict.WARNING: ("!!", "yellow"),
    Verdict.WRONG: ("XX", "red"),
}
_NAME_COLUMNS = 24


@app.command()
def doctor(
    directory: Directory = RUN_FOLDER,
    secrets_file: Annotated[
        Path | None,
        typer.Option(
            "--secrets",
            help="Their file; by default that of the run folder, or .env. RELEVO_SEALING_KEYS in "
            "the environment comes before both.",
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Look at this machine, both engines, secrets, mail and services; say what to do about each.

    Where the engines are is in RELEVO_POSTGRES_DSN and RELEVO_KAFKA, or known from the `relevo up`
    that runs. Exit code 1 when anything is wrong; names of secrets are shown, never values.
    """
    from relevo.operate.doctor.examining import examine  # noqa: PLC0415  clients take time to load
    from relevo.operate.doctor.place import find  # noqa: PLC0415  as above

    # Not asyncio.run: it waits for threads, and a name server that hangs keeps one for long.
    findings = asyncio.new_event_loop().run_until_complete(
        examine(find(directory.resolve(), os.environ, secrets_file))
    )
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _show(findings)
    _leave(1 if any(finding.verdict is Verdict.WRONG for finding in findings) else 0)


def _show(findings: Sequence[Finding]) -> None:
    for finding in findings:
        mark, style = _MARKS[finding.verdict]
        line = Text(mark, style) + Text(f" {finding.name:<{_NAME_COLUMNS}} {finding.found}", "none")
        console.print(line, soft_wrap=True)
        if finding.remedy:
            console.print(Text(f"{'':<{_NAME_COLUMNS + 4}}-> {finding.remedy}"), soft_wrap=True)
    counts = {verdict: sum(one.verdict is verdict for one in findings) for verdict in Verdict}
    console.print(f"{counts[Verdict.WRONG]} wrong, {counts[Verdict.WARNING]} to know, "
                  f"{counts[Verdict.OK]} ok")  # fmt: skip


def _leave(code: int) -> NoReturn:
    """At once, for the reason above."""
    sys.stdout.flush()
    os._exit(code)
