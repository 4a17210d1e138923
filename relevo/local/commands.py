"""`relevo up`: everything on this machine, until Ctrl-C."""

import time
from typing import Annotated

import typer
from rich.table import Table

from relevo.local.engines import EngineError
from relevo.local.packages import FetchError
from relevo.local.stack import Stack, StackError, stop_on_signals
from relevo.terminal import RUN_FOLDER, Directory, complain, console, disk_fault, notes, say
from services import catalog

app = typer.Typer()
_WATCH_SECONDS = 1.0


@app.command()
def up(
    directory: Directory = RUN_FOLDER,
    first_port: Annotated[
        int,
        typer.Option(
            min=0,
            help="Of connections, e.g. 8001: the others follow, the console has the one before. "
            "Free ones by default.",
        ),
    ] = 0,
    only: Annotated[
        list[str] | None, typer.Option(help="This service only (again for more than one).")
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            min=1, max=12, help="Processes of ingest, routing and webhooks each, with own ports."
        ),
    ] = 1,
) -> None:
    """Start Kafka, Postgres and the services; Ctrl-C stops all of it, data stays."""
    unknown = set(only or ()) - set(catalog.NAMES)
    if unknown:
        names = ", ".join(catalog.NAMES)
        raise typer.BadParameter(f"{', '.join(unknown)}: the services are {names}")
    stop_on_signals()
    stack = Stack(
        directory,
        progress=say,
        ports=_ports(first_port) if first_port else {},
        names=only or catalog.NAMES,
        workers=workers,
        learns=True,
    )
    try:
        started = time.monotonic()
        stack.start()
        notes.print(f"Ready after {time.monotonic() - started:.1f} s")
        _show(stack)
        _watch(stack)
    except (StackError, EngineError, FetchError) as error:
        complain(error)
        raise typer.Exit(1) from error
    except OSError as error:
        complain(disk_fault(error, stack.directory))
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        notes.print("Stopping …")
        if stack.kafka.learning:
            notes.print("This once Kafka takes some 10 s more, so that later starts are faster …")
    finally:
        stack.stop()


def _ports(first: int) -> dict[str, int]:
    ports = catalog.PORTS
    return {name: first + port - ports["connections"] for name, port in ports.items()}


def _show(stack: Stack) -> None:
    if "console" in stack.urls:
        console.print(f"Open {stack.urls['console']} in your browser", style="bold")
    table = Table(title="Relevo is up")
    for column in ("service", "address", "API docs"):
        table.add_column(column, no_wrap=True)
    for name, url in stack.urls.items():
        table.add_row(name, url, f"{url}/docs" if name in catalog.API_NAMES else "")
    table.add_row("kafka", stack.bootstrap, "")
    table.add_row("postgres", stack.postgres.address, "")
    console.print(table)
    data = "" if stack.postgres.data.is_relative_to(stack.directory) else stack.postgres.data
    for what, where in (
        ("Logs", f"{stack.directory / 'logs'}: `make logs`"),
        ("Mails", f"files in {stack.mail_folder}: `make mails`"),
        ("Data, secrets", stack.directory),
        ("Data of Postgres", data),
    ):
        if where:
            console.print(f"{what:<16} {where}", soft_wrap=True, highlight=False)
    console.print("`make status` tells how it is. Ctrl-C stops everything; the data stays.")


def _watch(stack: Stack) -> None:
    """Stay; what ends by itself is started again, and said."""
    while True:
        time.sleep(_WATCH_SECONDS)
        for name in stack.revive():
            notes.print(f"{name} had ended and was started again; its log tells why.")
