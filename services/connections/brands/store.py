"""What is kept of brands and login links: one function per named query, each given a session."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.connections.brands.models import Brand, BrandProfile, LoginLink, Warehouse
from shared.contracts.connections_changed import ConnectionState
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


def _profile(row: asyncpg.Record) -> BrandProfile:
    warehouse = None
    if row["warehouse"] is not None:
        kept = orjson.loads(row["warehouse"])
        warehouse = Warehouse(**{field.name: kept.get(field.name) for field in fields(Warehouse)})
    return row_as(BrandProfile, row, warehouse=warehouse)


def _brand(row: asyncpg.Record) -> Brand:
    return row_as(Brand, row, profile=_profile(row))


def _columns(profile: BrandProfile) -> Mapping[str, Any]:
    warehouse = profile.warehouse and orjson.dumps(profile.warehouse).decode()
    return {**asdict(profile), "warehouse": warehouse, "priorities": list(profile.priorities)}


async def insert_brand_profile(session: Session, profile: BrandProfile) -> None:
    """Keep the form."""
    await _queries.insert_brand_profile.run(session, **_columns(profile))


async def update_brand_profile(session: Session, profile: BrandProfile) -> None:
    """Keep the changed form, at its version; the caller has locked it."""
    await _queries.update_brand_profile.run(session, **_columns(profile))


async def lock_brand(session: Session, three_pl_id: UUID, brand_id: UUID) -> Brand | None:
    """The same as `get_brand`, held until the transaction ends."""
    row = await _queries.lock_brand.one(session, three_pl_id=three_pl_id, id=brand_id)
    return _brand(row) if row else None


async def lock_profile_of_account(
    session: Session, three_pl_id: UUID, account_id: UUID
) -> BrandProfile | None:
    """The same as `get_profile_of_account`; it stays so until the transaction ends."""
    row = await _queries.lock_profile_of_account.one(
        session, three_pl_id=three_pl_id, account_id=account_id
    )
    return _profile(row) if row else None


async def lock_mailed_links(session: Session, three_pl_id: UUID, account_id: UUID) -> None:
    """Wait for whoever accepts by a mail that this 3PL caused, and hold them off."""
    await _queries.lock_mailed_links.all(session, three_pl_id=three_pl_id, account_id=account_id)


async def drop_mailed_links(session: Session, three_pl_id: UUID, account_id: UUID) -> None:
    """Nobody accepts any more by the mails that went out."""
    await _queries.drop_mailed_links.run(session, three_pl_id=three_pl_id, account_id=account_id)


async def list_connections(session: Session, three_pl_id: UUID, account_id: UUID) -> list[UUID]:
    """The connections of a 3PL with an account."""
    rows = await _queries.list_connections.all(
        session, three_pl_id=three_pl_id, account_id=account_id
    )
    return [row["id"] for row in rows]


async def list_brands(
    session: Session, three_pl_id: UUID, after: UUID | None, limit: int
) -> list[Brand]:
    """The brands of a 3PL, newest first."""
    rows = await _queries.list_brands.all(
        session, three_pl_id=three_pl_id, after=after, limit=limit
    )
    return [_brand(row) for row in rows]


async def get_brand(session: Session, three_pl_id: UUID, brand_id: UUID) -> Brand | None:
    """One brand of a 3PL."""
    row = await _queries.get_brand.one(session, three_pl_id=three_pl_id, id=brand_id)
    return _brand(row) if row else None


async def get_profile_of_account(
    session: Session, three_pl_id: UUID, account_id: UUID
) -> BrandProfile | None:
    """The form by which a 3PL knows an account."""
    row = await _queries.get_profile_of_account.one(
        session, three_pl_id=three_pl_id, account_id=account_id
    )
    return _profile(row) if row else None


async def move_brand_profile(
    session: Session, three_pl_id: UUID, claim_id: UUID, account_id: UUID
) -> None:
    """The 3PL knows the account that accepted by what it knew the claim by."""
    await _queries.move_brand_profile.run(
        session, three_pl_id=three_pl_id, claim_id=claim_id, account_id=account_id
    )


async def insert_login_link(
    session: Session, connection_id: UUID, token_digest: str, expires_at: datetime
) -> None:
    """A new link to the connection; those issued before die."""
    await _queries.replace_login_links.run(session, connection_id=connection_id)
    await _queries.insert_login_link.run(
        session, digest=token_digest, connection_id=connection_id, expires_at=expires_at
    )


async def get_login_link(session: Session, token_digest: str) -> LoginLink | None:
    """The link of a token."""
    row = await _queries.get_login_link.one(session, digest=token_digest)
    return row_as(LoginLink, row, state=ConnectionState(row["state"])) if row else None
