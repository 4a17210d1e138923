"""What is kept of connections: one function per named query, each given a session."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from uuid_utils.compat import uuid7

from services.connections.callers import Caller
from services.connections.connection.models import (
    AuditEntry,
    Change,
    Connection,
    Owners,
    SettingsVersion,
)
from shared.contracts.connections_changed import (
    ConnectionEndpoint,
    ConnectionState,
    EffectiveSettings,
)
from shared.egress.sealed_url import SealedUrl
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


def _connection(row: asyncpg.Record) -> Connection:
    return row_as(Connection, row, state=ConnectionState(row["state"]))


async def insert_connection(
    session: Session, store_id: UUID, brand_id: UUID, three_pl_id: UUID
) -> UUID:
    """The id of a new pending connection to a store that has just been made."""
    connection_id: UUID = uuid7()
    await _queries.insert_connection.run(
        session, id=connection_id, store_id=store_id, brand_id=brand_id, three_pl_id=three_pl_id
    )
    return connection_id


async def get_live_connection_of_shop(
    session: Session, three_pl_id: UUID, platform: str, domain: str
) -> UUID | None:
    """A connection of the 3PL, not over, to a store or claim of this shop."""
    connection_id: UUID | None = await _queries.get_live_connection_of_shop.value(
        session, three_pl_id=three_pl_id, platform=platform, domain=domain
    )
    return connection_id


async def move_connection(
    session: Session, connection: Connection, store_id: UUID, brand_id: UUID
) -> bool:
    """Whether it moved: not when the 3PL has a live connection to that store."""
    changed = await _queries.move_connection.run(
        session,
        id=connection.id,
        three_pl_id=connection.three_pl_id,
        store_id=store_id,
        brand_id=brand_id,
    )
    return changed == 1


async def get_connection(
    session: Session, connection_id: UUID, account_id: UUID
) -> Connection | None:
    """The connection; None for an account that is no party of it."""
    row = await _queries.get_connection.one(session, id=connection_id, account_id=account_id)
    return _connection(row) if row else None


async def get_live_connection_id(
    session: Session, three_pl_id: UUID, store_id: UUID
) -> UUID | None:
    """The one connection of the 3PL to the store that is not over."""
    connection_id: UUID | None = await _queries.get_live_connection_id.value(
        session, three_pl_id=three_pl_id, store_id=store_id
    )
    return connection_id


async def get_newest_pending(
    session: Session, three_pl_id: UUID, brand_id: UUID, store_id: UUID | None
) -> Connection | None:
    """The newest pending connection of a 3PL with a brand, of one store when it is named."""
    row = await _queries.get_newest_pending.one(
        session, three_pl_id=three_pl_id, brand_id=brand_id, store_id=store_id
    )
    return _connection(row) if row else None


async def list_connections(session: Session, **wanted: object) -> list[Connection]:
    """Those of a party, in the order that is asked for; `finding.find` names what is wanted."""
    rows = await _queries.list_connections.all(session, **wanted)
    return [_connection(row) for row in rows]


async def words_of(session: Session, text: str) -> list[str]:
    """The words of a text as they are kept: small letters, no accents."""
    found: list[str] = await _queries.words_of.value(session, text=text)
    return found


async def find_word(session: Session, account_id: UUID, term: str) -> list[UUID]:
    """Connections of a party that have a word beginning so, in no order."""
    rows = await _queries.find_word.all(session, account_id=account_id, term=term)
    return [row["connection_id"] for row in rows]


async def count_word(session: Session, account_id: UUID, term: str, most: int) -> int:
    """How many words of a party's connections begin so, counted up to a bound."""
    return int(
        await _queries.count_word.value(session, account_id=account_id, term=term, most=most)
    )


async def refresh_words(session: Session, connections: Sequence[UUID]) -> None:
    """What the connections are found by, from the names that their parties have now."""
    await _queries.delete_words.run(session, connections=connections)
    await _queries.insert_words.run(session, connections=connections)


async def list_accepted_priorities(session: Session, connection: Connection) -> list[int]:
    """The priorities of the other connections of its store that its brand accepted."""
    rows = await _queries.list_accepted_priorities.all(
        session, store_id=connection.store_id, id=connection.id
    )
    return [row["priority"] for row in rows]


async def list_taken_priorities(session: Session, connection: Connection) -> list[int]:
    """The priorities of the other active connections of its store."""
    rows = await _queries.list_taken_priorities.all(
        session, store_id=connection.store_id, id=connection.id
    )
    return [row["priority"] for row in rows]


async def update_connection(session: Session, current: Connection, change: Change) -> bool:
    """Compare-and-set on the version; whether it still was the one in `current`."""
    changed = await _queries.update_connection.run(
        session,
        id=current.id,
        version=current.version,
        state=change.state,
        epoch=change.epoch,
        priority=change.priority,
        settings_version=change.settings_version,
        delegation=change.delegation,
        locked_settings=change.locked_settings,
    )
    return changed == 1


async def insert_settings_version(
    session: Session,
    connection_id: UUID,
    version: int,
    *,
    owners: Owners,
    endpoint_id: UUID | None,
    created_by: UUID,
) -> None:
    """Keep a settings version."""
    await _queries.insert_settings_version.run(
        session,
        connection_id=connection_id,
        version=version,
        endpoint_id=endpoint_id,
        created_by=created_by,
        **asdict(owners),
    )


async def list_settings_versions(
    session: Session, connection_id: UUID, account_id: UUID, after: int | None, limit: int
) -> list[SettingsVersion]:
    """Those of a connection that the account is a party of, newest first."""
    rows = await _queries.list_settings_versions.all(
        session, connection_id=connection_id, account_id=account_id, after=after, limit=limit
    )
    return [row_as(SettingsVersion, row) for row in rows]


async def get_settings_versions(
    session: Session, connection_id: UUID, account_id: UUID, versions: Collection[int]
) -> dict[int, SettingsVersion]:
    """Those of these numbers that there are, if the account is a party of the connection."""
    rows = await _queries.get_settings_versions.all(
        session, connection_id=connection_id, account_id=account_id, versions=list(versions)
    )
    return {row["version"]: row_as(SettingsVersion, row) for row in rows}


async def list_effective_settings(
    session: Session, connection_id: UUID, period: timedelta
) -> list[EffectiveSettings]:
    """The versions that counted at any time within the last `period`, oldest first."""
    rows = await _queries.list_effective_settings.all(
        session, connection_id=connection_id, period=period
    )
    return [EffectiveSettings.model_validate(dict(row)) for row in rows]


async def insert_endpoint(
    session: Session, connection_id: UUID, endpoint: ConnectionEndpoint, url_digest: str
) -> None:
    """Keep a new endpoint; `url_digest` is the same for the same URL."""
    await _queries.insert_endpoint.run(
        session,
        connection_id=connection_id,
        id=endpoint.id,
        sealed_url=endpoint.sealed_url,
        masked_url=endpoint.masked_url,
        url_digest=url_digest,
        sealed_secrets=list(endpoint.sealed_secrets),
    )


async def set_endpoint_secrets(
    session: Session, endpoint_id: UUID, sealed_secrets: Sequence[str]
) -> None:
    """The secrets that sign from now on, newest first."""
    await _queries.set_endpoint_secrets.run(
        session, id=endpoint_id, sealed_secrets=list(sealed_secrets)
    )


async def repoint_endpoints(session: Session, connection_id: UUID, endpoint_id: UUID) -> list[UUID]:
    """Every other endpoint of the connection sends to this one; those that did not before."""
    rows = await _queries.repoint_endpoints.all(
        session, connection_id=connection_id, endpoint_id=endpoint_id
    )
    return [row["id"] for row in rows]


@dataclass(frozen=True, slots=True)
class PlainUrl:
    """The URL of an endpoint, of before it was sealed."""

    id: UUID
    connection_id: UUID
    three_pl_id: UUID
    url: str = field(repr=False)


async def lock_plain_urls(session: Session, limit: int) -> list[PlainUrl]:
    """Some of those that stand in plain, kept from others until the transaction ends."""
    return [
        row_as(PlainUrl, row) for row in await _queries.lock_plain_urls.all(session, limit=limit)
    ]


async def seal_urls(
    session: Session, urls: Mapping[UUID, SealedUrl], digests: Sequence[str]
) -> None:
    """Keep them sealed instead of plain."""
    await _queries.seal_urls.run(
        session,
        ids=list(urls),
        sealed_urls=[url.sealed for url in urls.values()],
        masked_urls=[url.masked for url in urls.values()],
        url_digests=digests,
    )


async def list_endpoints(session: Session, connection_id: UUID) -> list[ConnectionEndpoint]:
    """Every endpoint that the connection ever had, oldest first."""
    rows = await _queries.list_endpoints.all(session, connection_id=connection_id)
    return [ConnectionEndpoint.model_validate(dict(row)) for row in rows]


async def insert_audit_entry(
    session: Session,
    connection_id: UUID,
    caller: Caller,
    action: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """Write into the audit log; `before` and `after` hold what changed."""
    await _queries.insert_audit_entry.run(
        session,
        id=uuid7(),
        connection_id=connection_id,
        account_id=caller.account_id,
        actor_id=caller.actor_id,
        action=action,
        before=orjson.dumps(before, default=str).decode(),
        after=orjson.dumps(after, default=str).decode(),
    )


async def list_audit_entries(
    session: Session, connection_id: UUID, account_id: UUID, after: UUID | None, limit: int
) -> list[AuditEntry]:
    """Those of a connection that the account is a party of, newest first."""
    rows = await _queries.list_audit_entries.all(
        session, connection_id=connection_id, account_id=account_id, after=after, limit=limit
    )
    return [
        row_as(
            AuditEntry,
            row,
            before=orjson.loads(row["before"]),
            after=orjson.loads(row["after"]),
        )
        for row in rows
    ]
