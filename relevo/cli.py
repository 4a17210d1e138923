"""`relevo`: start it, look at it, migrate it, try it, measure it."""

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from relevo.bench.commands import app as bench

if TYPE_CHECKING:
    from relevo.stack import Stack

app = typer.Typer(
    name="relevo",
    help="Custody of orders between brands and their 3PLs, never in doubt.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(bench, name="bench")
console = Console()
notes = Console(stderr=True)

Directory = Annotated[
    Path, typer.Option(help="The run folder: data, logs, secrets.", show_default=True)
]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
RUN_FOLDER = Path(".relevo")
_WATCH_SECONDS = 1.0
_AUDIT_STYLES = {"clean": "green", "skipped": "bold yellow", "vulnerable": "bold red"}


@app.command()
def up(
    directory: Directory = RUN_FOLDER,
    first_port: Annotated[
        int, typer.Option(help="Four ports from this one on, e.g. 8001; free ones by default.")
    ] = 0,
    only: Annotated[
        list[str] | None, typer.Option(help="This service only (again for more than one).")
    ] = None,
) -> None:
    """Start Kafka, Postgres and the four services; Ctrl-C stops all of it, data stays."""
    from relevo.engines import EngineError  # noqa: PLC0415  engines are not in every installation
    from relevo.migrations import SERVICES  # noqa: PLC0415  Alembic takes its time to load
    from relevo.packages import FetchError  # noqa: PLC0415  as above
    from relevo.stack import Stack, StackError, stop_on_signals  # noqa: PLC0415  as above

    unknown = set(only or ()) - set(SERVICES)
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: the services are {', '.join(SERVICES)}")
    stop_on_signals()
    stack = Stack(
        directory,
        progress=lambda text: notes.print(f"{text} …"),
        ports={name: first_port + n for n, name in enumerate(SERVICES)} if first_port else {},
        services=only or SERVICES,
    )
    try:
        started = time.monotonic()
        stack.start()
        notes.print(f"Ready after {time.monotonic() - started:.1f} s")
        _show(stack)
        _watch(stack)
    except (StackError, EngineError, FetchError) as error:
        notes.print(str(error), style="red", markup=False, highlight=False)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        notes.print("Stopping …")
    finally:
        stack.stop()


def _show(stack: "Stack") -> None:
    table = Table(title="Relevo is up")
    for column in ("service", "address", "API docs"):
        table.add_column(column, no_wrap=True)
    for name, url in stack.urls.items():
        table.add_row(name, url, f"{url}/docs")
    table.add_row("kafka", stack.bootstrap, "")
    table.add_row("postgres", stack.postgres.address, "")
    console.print(table)
    console.print(f"Data, logs and secrets are in {stack.directory}", soft_wrap=True)
    console.print("`make status` tells how it is. Ctrl-C stops everything; the data stays.")


def _watch(stack: "Stack") -> None:
    """Stay; what ends by itself is started again, and said."""
    while True:
        time.sleep(_WATCH_SECONDS)
        for name in stack.revive():
            notes.print(f"{name} had ended and was started again; its log tells why.")


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
    from relevo import demo_command  # noqa: PLC0415  the engines are not in every installation

    raise typer.Exit(demo_command.run(as_json=as_json, keep=keep, compose=compose))


@app.command()
def status(directory: Directory = RUN_FOLDER, *, as_json: AsJson = False) -> None:
    """The health of a running `relevo up`, check by check; exit code 1 when not all is ready."""
    from relevo.stack import STATE_FILE, health  # noqa: PLC0415  engines are not everywhere

    state_file = directory / STATE_FILE
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
    import asyncpg  # noqa: PLC0415  as below

    from relevo import migrations  # noqa: PLC0415  Alembic takes its time to load

    try:
        applied = asyncio.run(migrations.migrate(dsn))
    except (OSError, asyncpg.PostgresError) as error:
        notes.print(f"Postgres: {error}. Nothing has changed.", style="red", markup=False)
        raise typer.Exit(1) from error
    print("\n".join(f"applied {each}" for each in applied) or "already at the newest revision")


@app.command()
def topics(
    kafka: Annotated[str, typer.Option(envvar="RELEVO_KAFKA", help="Bootstrap servers.")],
    prefix: Annotated[str, typer.Option(envvar="RELEVO_TOPIC_PREFIX")] = "",
    partitions: Annotated[int, typer.Option(min=1)] = 12,
    replication: Annotated[int, typer.Option(min=1, help="3 on a cluster of three.")] = 1,
) -> None:
    """Create the topics that are missing, with explicit settings; safe to run again."""
    from aiokafka.errors import KafkaError  # noqa: PLC0415  as below

    from relevo.topics import create  # noqa: PLC0415  aiokafka takes its time to load

    try:
        created = asyncio.run(create(kafka, prefix, partitions, replication))
    except (OSError, KafkaError) as error:
        notes.print(f"Kafka: {error}", style="red", markup=False)
        raise typer.Exit(1) from error
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


@app.command()
def audit() -> None:
    """Look for known vulnerabilities in the locked dependencies; says when it could not."""
    from relevo.audit import LOCK, Verdict, audit  # noqa: PLC0415  a checkout's work

    verdict, said = audit(LOCK)
    notes.print(said, markup=False, soft_wrap=True, style=_AUDIT_STYLES[verdict.value])
    raise typer.Exit(1 if verdict is Verdict.VULNERABLE else 0)


@app.command(name="docs")
def make_docs(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 when they differ.")
    ] = False,
) -> None:
    """Write docs/openapi and docs/asyncapi as the code says it."""
    from relevo import docs  # noqa: PLC0415  loads all four services

    if check:
        difference = docs.drift()
        if difference:
            print(difference)
            notes.print("The committed documents differ from the code. `make docs` writes them.")
            raise typer.Exit(1)
        return
    print("\n".join(f"wrote {path}" for path in docs.write()) or "all documents are up to date")


def main() -> None:
    """The entry point."""
    app()
