"""`relevo demo`: a stack of its own (or the one of docker compose), the story, the table."""

import json
import os
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from relevo import mails
from relevo.demo import story
from relevo.demo.client import NeverHappened, Refused
from relevo.local.engines import EngineError
from relevo.local.packages import FetchError
from relevo.local.stack import Stack, StackError, stop_on_signals
from relevo.mails import NoMail
from relevo.operate import secrets
from relevo.terminal import AsJson, complain, console, notes, say
from services import catalog

Json = dict[str, Any]
app = typer.Typer()
_FAILURES = (Refused, NeverHappened, NoMail, AssertionError, StackError, EngineError, FetchError)


@app.command()
def demo(
    *,
    as_json: AsJson = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running until Ctrl-C.")] = False,
    compose: Annotated[
        bool, typer.Option("--compose", help="Against a running `docker compose up --wait`.")
    ] = False,
) -> None:
    """Play the story from sign-up to hand-back; exit code 0 only if the closing table is right."""
    raise typer.Exit(_run(as_json=as_json, keep=keep, compose=compose))


def _run(*, as_json: bool, keep: bool, compose: bool) -> int:
    """Play it; the exit code."""
    stop_on_signals()
    try:
        if compose:
            return _against_compose(as_json=as_json)
        with tempfile.TemporaryDirectory(prefix="relevo-demo-") as folder:
            return _on_a_stack(Stack(Path(folder) / "run", progress=say), as_json, keep)
    except KeyboardInterrupt:
        notes.print("Stopped.")
        return 130
    except _FAILURES as error:
        complain(f"The story ended here: {error}")
        return 1


def _on_a_stack(stack: Stack, as_json: bool, keep: bool) -> int:  # noqa: FBT001  flags of one command
    try:
        stack.start()
        report = story.play(
            stack.urls,
            stack.operator_key,
            _say_step,
            f"{stack.directory}/logs",
            mails.of_folder(stack.mail_folder),
        )
        code = _show(report, as_json=as_json, listens=keep)
        if keep:
            notes.print("It keeps running; Ctrl-C stops everything.")
            signal.pause()
        return code
    finally:
        stack.remove()


def _against_compose(*, as_json: bool) -> int:
    environment: Mapping[str, str] = os.environ
    urls = {
        name: f"http://127.0.0.1:{environment.get(f'RELEVO_{name.upper()}_PORT', port)}"
        for name, port in catalog.PORTS.items()
    }
    if not Path(".env").exists():
        raise StackError("There is no .env here: `make secrets`, then `docker compose up --wait`.")
    key = secrets.read(Path(".env"))["RELEVO_CONNECTIONS_OPERATOR_KEY"]
    report = story.play(
        urls,
        key,
        _say_step,
        "docker compose logs",
        mails.of_compose("docker", "compose"),
        receiver_host="host.docker.internal",
        receiver_bind="0.0.0.0",  # noqa: S104  the containers come from another address
        receiver_port=int(environment.get("RELEVO_DEMO_RECEIVER_PORT", "0")),
    )
    return _show(report, as_json=as_json, listens=True)


def _say_step(step: str, seconds: float | None) -> None:
    took = " " * 9 if seconds is None else f"{seconds:7.2f} s"
    notes.print(f"{took}  {step}", markup=False, highlight=False)


def _show(report: Json, *, as_json: bool, listens: bool) -> int:
    """Print the report; `listens`: whether the services still do. The exit code."""
    if as_json:
        print(json.dumps(report, indent=2))
    else:
        shipping = {name: report["table"][name] for name in ("labels", "fees", "tickets")}
        orders = {name: n for name, n in report["table"].items() if name not in shipping}
        for title, found in (
            ("Every order, accounted for", orders),
            ("What was shipped, charged and asked", shipping),
        ):
            table = Table(*found, title=title)
            table.add_row(*(str(count) for count in found.values()))
            console.print(table)
        for sentence in report["explained"]:
            console.print(f"  {sentence}", highlight=False)
        for name, url in report["docs"].items() if listens else ():
            console.print(f"API docs of {name}: {url}", highlight=False)
        verdict = "[green]The table is right.[/]" if report["right"] else "[red]It is wrong.[/]"
        console.print(verdict)
        if not listens:
            console.print(
                "All of it has ended and is deleted. Next: `make up` starts one that stays, with "
                "the console in your browser; `make demo ARGS=--keep` leaves this one running."
            )
    return 0 if report["right"] else 1
