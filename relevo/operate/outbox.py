"""`relevo outbox`: messages that Kafka can never take, and what to do about them.

Exit codes: 0 done, or nothing is parked; 1 not done (no such row, Postgres is away); 2 the command
was not understood, or `drop` without `--yes`; 3 (`list`) something is parked.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer
from rich.table import Table

from relevo.operate.database import Dsn, ask
from relevo.terminal import AsJson, complain, console, notes

if TYPE_CHECKING:
    import asyncpg

    from shared.kafka.message import Message
    from shared.postgres.parked import Parked

app = typer.Typer(
    help="Messages that Kafka can never take: list, show, release, drop.", no_args_is_help=True
)
T = TypeVar("T")
_NOT_CONFIRMED = 2
_SOMETHING_IS_PARKED = 3
# Of all schemas, each named in the statement.
_SCHEMA = "public"

Schema = Annotated[str, typer.Argument(help="The service whose outbox it is.")]
RowId = Annotated[int, typer.Argument(metavar="ID", help="As `relevo outbox list` shows it.")]


@app.command(name="list")
def list_parked(
    dsn: Dsn,
    limit: Annotated[int, typer.Option(min=1, help="Most rows of each service.")] = 100,
    *,
    as_json: AsJson = False,
) -> None:
    """What is parked, of every service; exit code 3 when something is."""
    from shared.postgres import parked  # noqa: PLC0415  asyncpg takes its time to load

    async def found(session: "asyncpg.Connection") -> "list[Parked]":
        return await parked.parked(session, await parked.schemas(session), limit)

    rows = ask(dsn, _SCHEMA, found)
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=2, default=str))
    elif rows:
        console.print(_table(rows))
    else:
        notes.print("Nothing is parked.")
    raise typer.Exit(_SOMETHING_IS_PARKED if rows else 0)


@app.command()
def show(schema: Schema, row: RowId, dsn: Dsn, *, as_json: AsJson = False) -> None:
    """One parked message, whole."""
    message = _message(dsn, schema, row)
    shown = {
        "topic": message.topic,
        "key": message.key,
        "headers": dict(message.headers),
        "value": message.value.decode(errors="replace"),
    }
    if as_json:
        print(json.dumps(shown, indent=2))
    else:
        headers = "\n".join(f"  {name}: {value}" for name, value in message.headers.items())
        print(f"{message.topic}  {message.key}\n{headers}\n\n{shown['value']}")


@app.command()
def release(schema: Schema, row: RowId, dsn: Dsn) -> None:
    """Have it sent again, and then what waits behind it: Kafka takes it now."""
    from shared.postgres import parked  # noqa: PLC0415  as above

    if not ask(
        dsn, _SCHEMA, _of_schema(schema, lambda session: parked.release(session, schema, row))
    ):
        _no_such_row(schema, row)
    notes.print("Released: the relay tries it at once. If Kafka refuses it again, it parks again.")


@app.command()
def drop(
    schema: Schema,
    row: RowId,
    dsn: Dsn,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="It is to be lost.")] = False,
) -> None:
    """Delete it for good; what waits behind it goes on. Says what is lost."""
    from shared.postgres import parked  # noqa: PLC0415  as above

    message = _message(dsn, schema, row)
    event = message.headers.get("ce_type", "message")
    notes.print(
        f"{event} of {message.topic}, key {message.key}, {len(message.value)} bytes: whoever reads"
        f" the topic never hears of it. `relevo outbox show {schema} {row}` prints it to keep.",
        markup=False, highlight=False,
    )  # fmt: skip
    if not yes:
        complain("Nothing has changed. Add --yes to drop it.")
        raise typer.Exit(_NOT_CONFIRMED)
    if not ask(dsn, _SCHEMA, _of_schema(schema, lambda session: parked.drop(session, schema, row))):
        _no_such_row(schema, row)
    notes.print("Dropped.")


def _message(dsn: str, schema: str, row: int) -> "Message":
    from shared.postgres import parked  # noqa: PLC0415  as above

    message = ask(
        dsn, _SCHEMA, _of_schema(schema, lambda session: parked.message_of(session, schema, row))
    )
    return message or _no_such_row(schema, row)


def _no_such_row(schema: str, row: int) -> NoReturn:
    complain(f"No row {row} is parked in the outbox of {schema}. `relevo outbox list` shows them.")
    raise typer.Exit(1)


def _of_schema(
    schema: str, work: "Callable[[asyncpg.Connection], Awaitable[T]]"
) -> "Callable[[asyncpg.Connection], Awaitable[T | None]]":
    """The work, where that schema has an outbox; its name goes into SQL."""
    from shared.postgres import parked  # noqa: PLC0415  as above

    async def checked(session: "asyncpg.Connection") -> T | None:
        return await work(session) if schema in await parked.schemas(session) else None

    return checked


def _table(rows: "list[Parked]") -> Table:
    table = Table("service", "id", "topic", "key", "bytes", "parked at", "behind", "reason")
    for row in rows:
        table.add_row(
            row.schema, str(row.id), row.topic, row.key, str(row.bytes),
            row.parked_at.isoformat(timespec="seconds"), str(row.behind), row.reason,
        )  # fmt: skip
    return table
