"""Price lists and their versions: one function per named query, each given a session."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg

from services.fulfilment.price_lists.prices import Prices
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a list's prices."""

    version: int
    valid_from: datetime
    prices: Prices
    set_by: UUID | None
    set_at: datetime


@dataclass(frozen=True, slots=True)
class PriceList(Version):
    """A list with its newest version."""

    id: UUID
    account_id: UUID
    charged_account: UUID | None
    name: str
    currency: str
    created_at: datetime


async def shown(
    session: Session,
    account: UUID,
    operator: UUID,
    *,
    list_id: UUID | None = None,
    before: UUID | None = None,
    limit: int = 1,
) -> list[PriceList]:
    """The account's own lists and those that it is charged by, the newest first."""
    rows = await _queries.shown_lists.all(
        session, account=account, operator=operator, list_id=list_id, before=before, limit=limit
    )
    return [row_as(PriceList, row, prices=_prices(row)) for row in rows]


async def add(
    session: Session, list_id: UUID, account: UUID, charged: UUID | None, name: str, currency: str
) -> bool:
    """Add a list, without prices yet; False when there is one for who is charged."""
    return bool(
        await _queries.add_list.run(
            session, id=list_id, account=account, charged=charged, name=name, currency=currency
        )
    )


async def rename(session: Session, account: UUID, list_id: UUID, name: str) -> None:
    """Call a list otherwise."""
    await _queries.rename_list.run(session, account=account, list_id=list_id, name=name)


async def add_version(
    session: Session,
    list_id: UUID,
    version: int,
    prices: Prices,
    valid_from: datetime | None,
    set_by: UUID,
) -> Version | None:
    """Add a version, valid at once unless it is said; None when somebody else was faster."""
    row = await _queries.add_version.one(
        session,
        list_id=list_id,
        version=version,
        valid_from=valid_from,
        prices=prices.model_dump_json(exclude_none=True),
        set_by=set_by,
    )
    if row is None:
        return None
    return Version(version, row["valid_from"], prices, set_by, row["set_at"])


async def versions(
    session: Session, list_id: UUID, before: int | None, limit: int
) -> list[Version]:
    """Versions older than `before`, the newest first."""
    rows = await _queries.list_versions.all(session, list_id=list_id, before=before, limit=limit)
    return [row_as(Version, row, prices=_prices(row)) for row in rows]


async def newest_charges(
    session: Session, account: UUID, list_id: UUID, limit: int
) -> list[asyncpg.Record]:
    """What the list has charged in the last 90 days, the newest first."""
    return await _queries.newest_charges.all(session, account=account, list_id=list_id, limit=limit)


def _prices(row: asyncpg.Record) -> Prices:
    return Prices.model_validate_json(row["prices"])
