"""What is kept of order rules: one function per named query, each given a session."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.connections.order_rules.models import NONE, RulesVersion
from shared.contracts.connections_changed import OrderRulesVersion
from shared.postgres.database import Session, load_queries, row_as
from shared.rules.order_rules import Action

_queries = load_queries(Path(__file__).parent / "queries.sql")


def _version(row: asyncpg.Record) -> RulesVersion:
    return row_as(RulesVersion, row, rules=orjson.loads(row["rules"]))


async def insert_version(
    session: Session,
    connection_id: UUID,
    version: int,
    rules: Sequence[Mapping[str, Any]],
    default_action: Action,
    set_by: UUID,
) -> None:
    """Keep a version, which counts from now on."""
    await _queries.insert_version.run(
        session,
        connection_id=connection_id,
        version=version,
        rules=orjson.dumps(rules).decode(),
        default_action=default_action,
        set_by=set_by,
    )


async def get_newest(session: Session, connection_id: UUID, account_id: UUID) -> RulesVersion:
    """The version of a connection that counts, for a party of it; `NONE`: every order is sent."""
    row = await _queries.get_newest.one(session, connection_id=connection_id, account_id=account_id)
    return _version(row) if row else NONE


async def list_versions(
    session: Session, connection_id: UUID, account_id: UUID, after: int | None, limit: int
) -> list[RulesVersion]:
    """Those of a connection that the account is a party of, newest first."""
    rows = await _queries.list_versions.all(
        session, connection_id=connection_id, account_id=account_id, after=after, limit=limit
    )
    return [_version(row) for row in rows]


async def list_effective(
    session: Session, connection_id: UUID, period: timedelta
) -> list[OrderRulesVersion]:
    """The versions that counted at any time within the last `period`, oldest first."""
    rows = await _queries.list_effective.all(session, connection_id=connection_id, period=period)
    return [
        OrderRulesVersion(
            version=row["version"],
            effective_at=row["effective_at"],
            rules=orjson.loads(row["rules"]),
            default=row["default_action"],
        )
        for row in rows
    ]


async def erase(session: Session, brand_id: UUID) -> list[UUID]:
    """Empty all rules of a brand; the connections that had any."""
    rows = await _queries.erase.all(session, brand_id=brand_id)
    return [row["connection_id"] for row in rows]
