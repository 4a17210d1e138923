"""What the log of `connections` has and its database lacks, and how far the services have read."""

from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from relevo.operate.own_topics import Log
from services import catalog
from services.connections import messages
from services.connections.continuing import store
from services.connections.continuing.differences import Differences, ended, id_of
from shared.contracts.connections_changed import ConnectionChanged, ConnectionState
from shared.postgres import outbox

_POSITIONS = """
SELECT topic, partition, next_offset FROM {schema}.positions WHERE partition >= 0
"""
_TAKEN_OVER_AT_START = "start `connections`: it takes it over"
_END = "`relevo verify restore --end-unknown` ends it"
_TO_DO = {
    ConnectionState.ACTIVE: f"orders go on to its 3PL and nobody can switch it off: {_END}",
    ConnectionState.INACTIVE: f"nobody sees it: {_END}; both connect anew",
    ConnectionState.PENDING: f"nobody can accept it: {_END}; its 3PL adds the brand anew",
}


@dataclass(frozen=True, slots=True)
class Lost:
    """One thing that is on the log and not, or not so, in the database."""

    kind: str
    id: str
    since: datetime
    what_to_do: str


@dataclass(frozen=True, slots=True)
class Unread:
    """What a service has still to read of a topic; fewer than 0: the log is another one."""

    service: str
    topic: str
    records: int


async def lost(session: asyncpg.Connection, log: Log) -> list[Lost]:
    """What the database lacks: the dangerous first."""
    found = await _differences(session, log)
    rows = [
        Lost("connection", str(one.connection_id), _since(one), _TO_DO[one.state])
        for one in sorted(found.lost_connections(), key=lambda one: one.state)
    ]
    rows += [
        Lost("store", str(one.store_id), one.changed_at, "its brand adds it, and keys, anew")
        for one in found.lost_stores()
    ]
    rows += [
        Lost("account", str(one.account_id), one.changed_at, f"the {one.kind} signs up anew")
        for one in found.lost_accounts()
    ]
    rows += [
        Lost(f"{kind}, behind", str(id_of(one)), one.changed_at, _TAKEN_OVER_AT_START)
        for kind, behind in (
            ("account", found.accounts.behind),
            ("store", found.stores.behind),
            ("connection", found.connections.behind),
        )
        for one in behind.values()
    ]
    rows += [
        Lost("account, not erased", str(one.account_id), one.changed_at, _TAKEN_OVER_AT_START)
        for one in log.accounts
        if one.account_id in found.erased and one.account_id not in found.accounts.behind
    ]
    return rows + await _lost_within(session, log, found)


async def _lost_within(session: asyncpg.Connection, log: Log, found: Differences) -> list[Lost]:
    """What is missing of accounts and connections that are known."""
    others = found.accounts.unknown.keys() | found.accounts.behind.keys()
    known = {one.account_id: one for one in log.accounts if one.account_id not in others}
    live = [one for one in known.values() if not one.erased]
    rows = [
        Lost(
            "person", str(person), known[account].changed_at,
            f"an owner of account {account} asks them in again",
        )
        for account, person in await store.list_missing_people(session, live)
    ]  # fmt: skip
    rows += [
        Lost(
            "API client", str(client), known[account].changed_at,
            f"account {account} makes another one",
        )
        for account, client in await store.list_missing_clients(session, live)
    ]  # fmt: skip
    told = {one.connection_id: one for one in log.connections}
    moved = await store.list_other_parties(session, log.connections)
    return rows + [
        Lost(
            "brand of connection", str(one), _since(told[one]),
            "its brand is not known here: its 3PL ends it, and adds the brand anew",
        )
        for one in sorted(moved)
    ]  # fmt: skip


async def unread(session: asyncpg.Connection, log: Log) -> list[Unread]:
    """How much each service has to read of what it reads by positions."""
    rows: dict[tuple[str, str], int] = {}
    for schema in catalog.NAMES:
        if await session.fetchval("SELECT to_regclass($1) IS NULL", f"{schema}.positions"):
            continue
        for row in await session.fetch(_POSITIONS.format(schema=schema)):
            end = log.ends.get((row["topic"], row["partition"]), 0)
            key = (schema, row["topic"])
            rows[key] = rows.get(key, 0) + end - row["next_offset"]
    return [Unread(schema, topic, left) for (schema, topic), left in sorted(rows.items())]


async def end_unknown(session: asyncpg.Connection, log: Log) -> list[str]:
    """Say of each connection that nobody here knows that it is over; their ids.

    It goes to the outbox of connections, with a line in the audit log of its store, where that has
    a row.

    Raises:
        ValueError: the database is an empty one.
    """
    if not await store.knows_accounts(session):
        raise ValueError("the database knows no account at all, so it is not the one to go by")
    now = datetime.now(UTC)
    found = await _differences(session, log)
    over = [ended(one, now) for one in found.lost_connections()]
    async with session.transaction():
        for one in over:
            await store.note_end(session, one)
        await outbox.write(session, [messages.connection_ended(one) for one in over])
    return [str(one.connection_id) for one in over]


async def _differences(session: asyncpg.Connection, log: Log) -> Differences:
    found = Differences()
    known, erased = await store.versions_of_accounts(
        session, [one.account_id for one in log.accounts]
    )
    found.accounts.add(log.accounts, known)
    found.erased = {
        one.account_id
        for one in log.accounts
        if one.erased and one.account_id in known.keys() - erased
    }
    stores = [one.store_id for one in log.stores]
    found.stores.add(log.stores, await store.versions_of_stores(session, stores))
    ids = [one.connection_id for one in log.connections]
    found.connections.add(log.connections, await store.versions_of_connections(session, ids))
    return found


def _since(change: ConnectionChanged) -> datetime:
    return change.state_since or change.changed_at
