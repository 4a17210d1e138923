"""What is kept of brands and login links: one function per named query, each given a session."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg

from services.connections.brands.models import Brand, BrandProfile, LoginLink
from shared.contracts.connections_changed import ConnectionState
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


def _brand(row: asyncpg.Record) -> Brand:
    return row_as(Brand, row, profile=row_as(BrandProfile, row))


async def insert_brand_profile(session: Session, profile: BrandProfile) -> None:
    """Keep the form."""
    await _queries.insert_brand_profile.run(session, **asdict(profile))


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
    return row_as(BrandProfile, row) if row else None


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
