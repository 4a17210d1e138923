"""`relevo verify`: whether the database has what the log says, and whether the ledger holds.

Exit codes: 0 nothing is lost or wrong; 1 something is, or it cannot be said (Kafka or Postgres is
away); 2 the command was not understood.
"""

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from relevo.operate.database import Dsn, ask
from relevo.terminal import AsJson, complain, console, notes

if TYPE_CHECKING:
    import asyncpg

    from relevo.operate.ledger_check import Checked
    from relevo.operate.lost import Lost, Unread
    from relevo.operate.own_topics import Log

app = typer.Typer(help="Whether the database is as it has to be.", no_args_is_help=True)
Kafka = Annotated[str, typer.Option(envvar="RELEVO_KAFKA", help="Bootstrap servers.")]
Prefix = Annotated[str, typer.Option(envvar="RELEVO_TOPIC_PREFIX")]


@app.callback()
def verify() -> None:
    """A group: more than one thing can be verified."""


@app.command()
def restore(
    dsn: Dsn,
    kafka: Kafka,
    prefix: Prefix = "",
    *,
    end_unknown: Annotated[
        bool,
        typer.Option(
            "--end-unknown",
            help="End every connection that the log has and the database does not: orders go on to"
            " its 3PL, and nobody can switch it off. Its Orders tab goes back to the brand. It"
            " cannot be undone; both connect anew. The audit log of a connection needs its row:"
            " only that of its store can have a line.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What a restored database has lost that connections said on the log; exit code 1 if anything.

    As the owner of the database, after the services have started: what they can take over they
    have taken over then. What is left to read need not be 0 while orders come in.
    """
    log = _read(kafka, prefix)
    ended: list[str] = []
    if end_unknown:
        try:
            ended = ask(dsn, "connections", lambda session: _end(session, log))
        except ValueError as error:
            complain(f"{error}. Nothing has changed.")
            raise typer.Exit(1) from error
    lost, unread = ask(dsn, "connections", lambda session: _look(session, log))
    if as_json:
        answer = {
            "lost": [asdict(one) for one in lost if one.id not in ended],
            "ended": ended,
            "unread": [asdict(one) for one in unread],
            "unreadable": log.unreadable,
        }
        print(json.dumps(answer, indent=2, default=str))
    else:
        _show([one for one in lost if one.id not in ended], ended, unread, log)
    raise typer.Exit(1 if lost or log.unreadable else 0)


@app.command()
def ledger(dsn: Dsn, as_json: AsJson = False) -> None:  # noqa: FBT002  typer's option
    """Whether the ledger of fees holds; exit code 1 if anything is wrong with it.

    Each charge ends once, an order's fee is charged once, no more is given back than was posted,
    balances sum to zero, ids are what they name.
    """
    checked = ask(dsn, "fulfilment", _check_ledger)
    if as_json:
        print(json.dumps(asdict(checked), indent=2))
    else:
        for flaw in checked.flaws:
            complain(f"{flaw.what}: {flaw.count:,}, such as {', '.join(flaw.entries)}.")
        if not checked.flaws:
            notes.print(f"The ledger holds: {checked.entries:,} entries.")
    raise typer.Exit(1 if checked.flaws else 0)


async def _check_ledger(session: "asyncpg.Connection") -> "Checked":
    from relevo.operate import ledger_check  # noqa: PLC0415  as below

    return await ledger_check.check(session)


def _read(kafka: str, prefix: str) -> "Log":
    from aiokafka.errors import KafkaError  # noqa: PLC0415  as below

    from relevo.operate.own_topics import read_log  # noqa: PLC0415  aiokafka takes its time to load

    try:
        return asyncio.run(read_log(kafka, prefix))
    except (OSError, KafkaError) as error:
        complain(f"Kafka: {error}. Nothing has changed.")
        raise typer.Exit(1) from error


async def _end(session: "asyncpg.Connection", log: "Log") -> list[str]:
    from relevo.operate import lost  # noqa: PLC0415  as above

    return await lost.end_unknown(session, log)


async def _look(session: "asyncpg.Connection", log: "Log") -> "tuple[list[Lost], list[Unread]]":
    from relevo.operate import lost  # noqa: PLC0415  as above

    return await lost.lost(session, log), await lost.unread(session, log)


def _show(lost: "list[Lost]", ended: list[str], unread: "list[Unread]", log: "Log") -> None:
    if lost:
        # The id is what is asked about, however narrow the terminal.
        table = Table("lost", Column("id", min_width=36), "since (UTC)", "what to do")
        for one in lost:
            since = one.since.isoformat(sep=" ")[:19]
            table.add_row(one.kind, one.id, since, one.what_to_do)
        console.print(table)
    if unread:
        table = Table("service", "topic", "records to read")
        for left in unread:
            table.add_row(left.service, left.topic, f"{left.records:,}")
        console.print(table)
    for connection in ended:
        notes.print(
            f"Connection {connection} ends: connections says so at once.",
            markup=False, highlight=False,
        )  # fmt: skip
    for place in log.unreadable:
        complain(f"{place} cannot be read.")
    if not lost and not ended and not log.unreadable:
        notes.print("Nothing is lost.")
