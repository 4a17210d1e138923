"""`relevo`: start it, look at it, migrate it, try it, measure it."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(
    name="relevo",
    help="Custody of orders between brands and their 3PLs, never in doubt.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
console = Console()
notes = Console(stderr=True)

Directory = Annotated[
    Path, typer.Option(help="The run folder: data, logs, secrets.", show_default=True)
]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
RUN_FOLDER = Path(".relevo")


@app.command()
def up(directory: Directory = RUN_FOLDER) -> None:
    """Start Kafka, Postgres and the four services; Ctrl-C stops all of it, data stays."""
    from relevo.stack import Stack, StackError, stop_on_signals  # noqa: PLC0415  needs the engines

    stop_on_signals()
    stack = Stack(directory, progress=lambda text: notes.print(f"{text} …"))
    try:
        stack.start()
        table = Table(title="Relevo is up")
        for column in ("service", "address", "API docs"):
            table.add_column(column)
        for name, url in stack.urls.items():
            table.add_row(name, url, f"{url}/docs")
        table.add_row("kafka", stack.kafka.address, "")
        table.add_row("postgres", f"127.0.0.1:{stack.postgres.port}", "")
        console.print(table)
        console.print(f"Secrets and logs are in {stack.directory}. Ctrl-C stops everything.")
        signal.pause()
    except StackError as error:
        notes.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        notes.print("Stopping …")
    finally:
        stack.stop()


@app.command()
def status(directory: Directory = RUN_FOLDER, *, as_json: AsJson = False) -> None:
    """The health of a running `relevo up`, check by check; exit code 1 when not all is ready."""
    from relevo.stack import health  # noqa: PLC0415  needs the engines

    state_file = directory / "stack.json"
    if not state_file.exists():
        notes.print(f"Nothing runs in {directory}. `make up` starts it.")
        raise typer.Exit(1)
    urls: dict[str, str] = json.loads(state_file.read_text())["urls"]
    report = {name: health(url) for name, url in urls.items()}
    all_ready = all(ready for ready, _ in report.values())
    if as_json:
        answer = {n: {"ready": r, "url": urls[n], "checks": c} for n, (r, c) in report.items()}
        print(json.dumps(answer, indent=2))
    else:
        table = Table("service", "address", "ready", "checks")
        for name, (ready, checks) in report.items():
            said = ", ".join(f"{check}: {answer}" for check, answer in checks.items())
            table.add_row(name, urls[name], "[green]yes[/]" if ready else "[red]no[/]", said)
        console.print(table)
    raise typer.Exit(0 if all_ready else 1)


@app.command()
def migrate(
    dsn: Annotated[str, typer.Option(envvar="RELEVO_POSTGRES_DSN", help="postgresql://…")],
) -> None:
    """Bring the database to the newest revision of all four schemas; safe to run again."""
    from relevo import migrations  # noqa: PLC0415  Alembic takes its time to load

    applied = asyncio.run(migrations.migrate(dsn))
    print("\n".join(f"applied {each}" for each in applied) or "already at the newest revision")


@app.command()
def topics(
    kafka: Annotated[str, typer.Option(envvar="RELEVO_KAFKA", help="Bootstrap servers.")],
    prefix: Annotated[str, typer.Option(envvar="RELEVO_TOPIC_PREFIX")] = "",
    partitions: Annotated[int, typer.Option(min=1)] = 12,
    replication: Annotated[int, typer.Option(min=1, help="3 on a cluster of three.")] = 1,
) -> None:
    """Create the topics that are missing, with explicit settings; safe to run again."""
    from shared.bus import create_topics  # noqa: PLC0415  aiokafka takes its time to load

    created = asyncio.run(create_topics(kafka, prefix, partitions, replication))
    print("\n".join(f"created {each}" for each in created) or "all topics exist")


@app.command(name="secrets")
def make_secrets(
    out: Annotated[Path, typer.Option(help="Where to write them; never overwritten.")] = Path(
        "secrets.env"
    ),
) -> None:
    """Make the secrets of an installation: keys, passwords, the operator's key."""
    from relevo import secrets  # noqa: PLC0415  cryptography takes its time to load

    try:
        secrets.write(out, secrets.generate())
    except FileExistsError as error:
        notes.print(f"{out} exists already and is kept. Remove it yourself to make new secrets.")
        raise typer.Exit(1) from error
    notes.print(f"Wrote {out}, readable to you alone. Keep it: sealed data opens with it only.")


def main() -> None:
    """The entry point."""
    app()
