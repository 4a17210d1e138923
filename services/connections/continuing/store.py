"""What going on above the log asks Postgres: functions over named queries, each given a session."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from services.connections.continuing.differences import id_of, order_rules_of, settings_of
from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.stores_changed import StoreChanged
from shared.kafka.topics import ACCOUNTS_CHANGED, CONNECTIONS_CHANGED, STORES_CHANGED
from shared.postgres.database import Session, load_queries

_queries = load_queries(Path(__file__).parent / "queries.sql")
Changes = Sequence[AccountChanged] | Sequence[StoreChanged] | Sequence[ConnectionChanged]


async def versions_of_accounts(
    session: Session, ids: Collection[UUID]
) -> tuple[dict[UUID, int], set[UUID]]:
    """Of the accounts that are known the versions, and which were erased."""
    rows = await _queries.versions_of_accounts.all(session, ids=list(ids))
    versions = {row["id"]: row["version"] for row in rows}
    return versions, {row["id"] for row in rows if row["is_erased"]}


async def versions_of_stores(session: Session, ids: Collection[UUID]) -> dict[UUID, int]:
    """Of the stores that are known."""
    rows = await _queries.versions_of_stores.all(session, ids=list(ids))
    return {row["id"]: row["version"] for row in rows}


async def versions_of_connections(session: Session, ids: Collection[UUID]) -> dict[UUID, int]:
    """Of the connections that are known."""
    rows = await _queries.versions_of_connections.all(session, ids=list(ids))
    return {row["id"]: row["version"] for row in rows}


async def take_turn(session: Session) -> None:
    """Wait for another process that takes over, and hold it off to the end of the transaction."""
    await _queries.take_turn.value(session)


async def take_accounts(session: Session, told: Mapping[UUID, AccountChanged]) -> int:
    """Versions, plans, members and clients of those that are still behind; how many."""
    rows = await _queries.lock_accounts.all(session, ids=list(told))
    changes = [told[row["id"]] for row in rows if row["version"] < told[row["id"]].version]
    live = [one for one in changes if not one.erased]
    ids = [one.account_id for one in live]
    await _queries.take_accounts.run(session, changes=_json(changes))
    await _queries.take_members.run(session, changes=_json(live), accounts=ids)
    await _queries.take_clients.run(session, changes=_json(live), accounts=ids)
    await _queries.end_sessions.run(session, accounts=ids)
    await _drop_messages(session, ACCOUNTS_CHANGED.name, changes)
    return len(changes)


async def take_stores(session: Session, told: Mapping[UUID, StoreChanged]) -> list[StoreChanged]:
    """Those that were still behind, but for their credentials."""
    rows = await _queries.lock_stores.all(session, ids=list(told))
    changes = [told[row["id"]] for row in rows if row["version"] < told[row["id"]].version]
    await _queries.take_stores.run(session, changes=_json(changes))
    await _drop_messages(session, STORES_CHANGED.name, changes)
    return changes


async def take_credentials(session: Session, changes: Sequence[StoreChanged]) -> None:
    """What the stores prove themselves by; their connections stand as the log says already."""
    ids = [one.store_id for one in changes]
    await _queries.take_credentials.run(session, changes=_json(changes), stores=ids)


async def take_connections(
    session: Session, told: Mapping[UUID, ConnectionChanged], digests: Mapping[UUID, str]
) -> list[UUID]:
    """Those that were still behind, which now stand as the log says.

    Args:
        session: in a transaction.
        told: by id.
        digests: of the URLs of their endpoints.
    """
    rows = await _queries.lock_connections.all(session, ids=list(told))
    behind = [row for row in rows if row["version"] < told[row["id"]].version]
    changes = [told[row["id"]] for row in behind]
    ids = [one.connection_id for one in changes]
    endpoints = [
        {
            **endpoint.model_dump(mode="json"),
            "connection_id": str(one.connection_id),
            "url_digest": digests[endpoint.id],
        }
        for one in changes
        for endpoint in one.endpoints
    ]
    settings = [version for one in changes for version in settings_of(one)]
    rules = [version for one in changes for version in order_rules_of(one)]
    current = [
        {**one.model_dump(mode="json"), "settings_version": one.settings.version} for one in changes
    ]
    entries = [
        {
            "id": str(uuid7()),
            "connection_id": str(row["id"]),
            "before": {name: row[name] for name in _AUDITED},
            "after": {name: told[name] for name in _AUDITED},
        }
        for row, told in zip(behind, current, strict=True)
    ]
    await _queries.clear_places.run(session, ids=ids)
    await _queries.take_endpoints.run(session, endpoints=_text(endpoints))
    await _queries.take_settings.run(session, settings=_text(settings))
    await _queries.take_order_rules.run(session, rules=_text(rules))
    await _queries.take_connections.run(session, changes=_text(current))
    await _queries.insert_audit_entries.run(session, entries=_text(entries))
    await _drop_messages(session, CONNECTIONS_CHANGED.name, changes)
    return ids


_AUDITED = ("version", "state", "epoch", "settings_version")


async def _drop_messages(session: Session, topic: str, changes: Changes) -> None:
    """What waits to be said of them is older than what the log has."""
    keys = [str(id_of(one)) for one in changes]
    await _queries.drop_messages.run(session, topics=[topic] * len(keys), keys=keys)


async def list_missing_people(
    session: Session, accounts: Sequence[AccountChanged]
) -> list[tuple[UUID, UUID]]:
    """Accounts with people who work there as the log says, and not as the database does."""
    pairs = [(one.account_id, who.person_id) for one in accounts for who in one.people]
    rows = await _queries.list_missing_people.all(
        session, accounts=[pair[0] for pair in pairs], people=[pair[1] for pair in pairs]
    )
    return [(row["account_id"], row["person_id"]) for row in rows]


async def list_missing_clients(
    session: Session, accounts: Sequence[AccountChanged]
) -> list[tuple[UUID, UUID]]:
    """The same of API clients."""
    pairs = [(one.account_id, who.client_id) for one in accounts for who in one.clients]
    rows = await _queries.list_missing_clients.all(
        session, accounts=[pair[0] for pair in pairs], clients=[pair[1] for pair in pairs]
    )
    return [(row["account_id"], row["client_id"]) for row in rows]


async def list_other_parties(session: Session, told: Sequence[ConnectionChanged]) -> set[UUID]:
    """Connections at the log's version, and not with its store or brand: these are not known."""
    rows = await _queries.list_other_parties.all(
        session,
        ids=[one.connection_id for one in told],
        versions=[one.version for one in told],
        stores=[one.store_id for one in told],
        brands=[one.brand_id for one in told],
    )
    return {row["id"] for row in rows}


async def knows_accounts(session: Session) -> bool:
    """Whether there is any."""
    return bool(await _queries.knows_accounts.value(session))


async def note_end(session: Session, change: ConnectionChanged) -> None:
    """A line for a connection that has no row and was ended, where its store has one."""
    await _queries.note_end.run(session, id=uuid7(), store_id=change.store_id)


def _json(changes: Changes) -> str:
    return _text([one.model_dump(mode="json") for one in changes])


def _text(rows: Sequence[Mapping[str, Any]]) -> str:
    return orjson.dumps(rows).decode()
