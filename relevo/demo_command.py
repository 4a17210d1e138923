"""`relevo demo`: a stack of its own (or the one of docker compose), the story, the table."""

import json
import os
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from relevo import demo, secrets
from relevo.client import NeverHappened, Refused
from relevo.engines import EngineError
from relevo.packages import FetchError
from relevo.stack import Stack, StackError, stop_on_signals

Json = dict[str, Any]
console = Console()
notes = Console(stderr=True)
_PORTS = {"connections": 8001, "ingest": 8002, "routing": 8003, "webhooks": 8004}
_FAILURES = (Refused, NeverHappened, AssertionError, StackError, EngineError, FetchError)


def run(*, as_json: bool, keep: bool, compose: bool) -> int:
    """Play it; the exit code."""
    stop_on_signals()
    try:
        if compose:
            return _against_compose(as_json=as_json)
        with tempfile.TemporaryDirectory(prefix="relevo-demo-") as folder:
            return _on_a_stack(Stack(Path(folder) / "run", progress=_say), as_json, keep)
    except KeyboardInterrupt:
        notes.print("Stopped.")
        return 130
    except _FAILURES as error:
        notes.print(f"The story ended here: {error}", style="red", markup=False)
        return 1


def _say(text: str) -> None:
    notes.print(f"{text} …")


def _on_a_stack(stack: Stack, as_json: bool, keep: bool) -> int:  # noqa: FBT001  flags of one command
    try:
        stack.start()
        told = demo.play(stack.urls, stack.operator_key, _tell, f"{stack.directory}/logs")
        code = _show(told, as_json=as_json)
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
        for name, port in _PORTS.items()
    }
    key = secrets.read(Path(".env"))["RELEVO_CONNECTIONS_OPERATOR_KEY"]
    told = demo.play(
        urls,
        key,
        _tell,
        "docker compose logs",
        receiver_host="host.docker.internal",
        receiver_bind="0.0.0.0",  # noqa: S104  the containers come from another address
        receiver_port=int(environment.get("RELEVO_DEMO_RECEIVER_PORT", "0")),
    )
    return _show(told, as_json=as_json)


def _tell(step: str, seconds: float) -> None:
    notes.print(f"{seconds:7.2f} s  {step}", markup=False, highlight=False)


def _show(told: Json, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps(told, indent=2))
    else:
        table = Table(*told["table"], title="Every order, accounted for")
        table.add_row(*(str(count) for count in told["table"].values()))
        console.print(table)
        for name, url in told["docs"].items():
            console.print(f"API docs of {name}: {url}", highlight=False)
        verdict = "[green]The table is right.[/]" if told["right"] else "[red]It is wrong.[/]"
        console.print(verdict)
    return 0 if told["right"] else 1
