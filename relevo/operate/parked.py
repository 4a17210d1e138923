"""`relevo parked`: orders that routing could not decide on, and what to do about them.

Exit codes: 0 done, or nothing is parked; 1 not done (no such row, Postgres is away, a replay failed
again); 2 the command was not understood, or `drop` without `--yes`; 3 (`list`) something is parked.
"""

import asyncio
import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, NoReturn
from uuid import UUID

import typer
from rich.table import Table

from relevo.operate.database import Dsn, ask
from relevo.terminal import AsJson, complain, console, notes

if TYPE_CHECKING:
    import asyncpg

    from services.routing.parking.store import ParkedRow, ParkedSummary

app = typer.Typer(
    help="Records of orders that failed: list, show, replay, drop.", no_args_is_help=True
)
_NOT_CONFIRMED = 2
_SOMETHING_IS_PARKED = 3
_SCHEMA = "routing"
_POLL_SECONDS = 0.2
_REASON_CHARACTERS = 120

RowId = Annotated[int, typer.Argument(metavar="ID", help="As `relevo parked list` shows it.")]


@app.command(name="list")
def list_parked(
    dsn: Dsn,
    store: Annotated[UUID | None, typer.Option(help="Of this store alone.")] = None,
    after: Annotated[int, typer.Option(help="Of ids above this one.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    *,
    as_json: AsJson = False,
) -> None:
    """What is parked, in the order of the log; exit code 3 when something is."""
    from services.routing.parking import store as parking  # noqa: PLC0415  loads when needed

    rows = ask(dsn, _SCHEMA, lambda session: parking.list_parked(session, store, after, limit))
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=2, default=str))
    elif rows:
        console.print(_table(rows))
    else:
        notes.print("Nothing is parked.")
    raise typer.Exit(_SOMETHING_IS_PARKED if rows else 0)


@app.command()
def show(row: RowId, dsn: Dsn, *, as_json: AsJson = False) -> None:
    """One parked record, whole, and why it failed."""
    found = _found(dsn, row)
    shown = {
        "topic": found.topic,
        "partition": found.partition,
        "offset": found.record_offset,
        "key": f"{found.store_id}:{found.external_id}",
        "reason": found.reason,
        "headers": json.loads(found.headers),
        "value": found.value.decode(errors="replace"),
    }
    if as_json:
        print(json.dumps(shown, indent=2))
        return
    for name, value in shown.items():
        print(f"{name}: {value}")


@app.command()
def replay(
    dsn: Dsn,
    rows: Annotated[list[int] | None, typer.Argument(metavar="ID…")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that is parked.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for routing.")] = 30.0,
) -> None:
    """Have routing try the orders of these records again, each from its first record on."""
    from services.routing.parking import store as parking  # noqa: PLC0415  as above

    if bool(rows) == everything:
        complain("Name the records, or --all.")
        raise typer.Exit(_NOT_CONFIRMED)
    ids = None if everything else rows
    asked = ask(dsn, _SCHEMA, lambda session: parking.request_replay(session, ids))
    if not asked:
        complain("No such record is parked. `relevo parked list` shows them.")
        raise typer.Exit(1)
    left = ask(dsn, _SCHEMA, lambda session: _wait_for_replay(session, wait))
    if left:
        complain(
            f"{left} records still wait for routing; does it run? They are tried once it does."
        )
        raise typer.Exit(1)
    still = ask(dsn, _SCHEMA, lambda session: parking.list_parked(session, None, 0, 10_000))
    failed = [row for row in still if row.replays and (ids is None or row.id in ids)]
    if failed:
        console.print(_table(failed))
        complain(f"{len(failed)} records failed again; they stay parked.")
        raise typer.Exit(1)
    notes.print(f"Replayed {asked} records.")


@app.command()
def drop(
    row: RowId,
    dsn: Dsn,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="It is to be lost.")] = False,
) -> None:
    """Delete a record for good; those behind it go on with the next replay."""
    from services.routing.parking import store as parking  # noqa: PLC0415  as above

    found = _found(dsn, row)
    notes.print(
        f"What the store {found.store_id} said about its order {found.external_id} "
        f"({len(found.value)} bytes) is lost; `relevo parked show {row}` prints it to keep.",
        markup=False,
        highlight=False,
    )
    if not yes:
        complain("Nothing has changed. Add --yes to drop it.")
        raise typer.Exit(_NOT_CONFIRMED)
    if not ask(dsn, _SCHEMA, lambda session: parking.drop_parked(session, row)):
        _no_such_row(row)
    notes.print("Dropped. `relevo parked replay` tries what was behind it.")


async def _wait_for_replay(session: "asyncpg.Connection", seconds: float) -> int:
    from services.routing.parking import store as parking  # noqa: PLC0415  as above

    until = time.monotonic() + seconds
    while left := await parking.count_requested(session):
        if time.monotonic() > until:
            break
        await asyncio.sleep(_POLL_SECONDS)
    return left


def _found(dsn: str, row: int) -> "ParkedRow":
    from services.routing.parking import store as parking  # noqa: PLC0415  as above

    found = ask(dsn, _SCHEMA, lambda session: parking.get_parked(session, row))
    return found or _no_such_row(row)


def _no_such_row(row: int) -> NoReturn:
    complain(f"No record {row} is parked. `relevo parked list` shows them.")
    raise typer.Exit(1)


def _table(rows: "list[ParkedSummary]") -> Table:
    table = Table("id", "store", "order", "parked", "bytes", "failed replays", "why")
    for row in rows:
        table.add_row(
            str(row.id),
            str(row.store_id),
            row.external_id,
            f"{row.parked_at:%Y-%m-%d %H:%M:%S}",
            str(row.bytes),
            str(row.replays),
            row.reason[:_REASON_CHARACTERS],
        )
    return table
