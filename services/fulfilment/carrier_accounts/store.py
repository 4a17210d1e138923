"""Carrier accounts: one function per named query, each given a session."""

from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

import asyncpg

from services.fulfilment.carrier_accounts.account import CarrierAccount
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


def _account(row: asyncpg.Record) -> CarrierAccount:
    return row_as(CarrierAccount, row)


async def list_accounts(session: Session, account: UUID) -> list[CarrierAccount]:
    """All that the account has."""
    return [_account(row) for row in await _queries.list_accounts.all(session, account=account)]


async def get(session: Session, account: UUID, id_: UUID) -> CarrierAccount | None:
    """One of the account's."""
    row = await _queries.get_account.one(session, account=account, id=id_)
    return _account(row) if row else None


async def lock(session: Session, account: UUID, id_: UUID) -> CarrierAccount | None:
    """One of the account's, locked."""
    row = await _queries.lock_account.one(session, account=account, id=id_)
    return _account(row) if row else None


async def by_id(session: Session, ids: Iterable[UUID]) -> dict[UUID, CarrierAccount]:
    """Those of the accounts that there are, deleted ones too."""
    rows = await _queries.accounts_by_id.all(session, ids=list(ids))
    return {row["id"]: _account(row) for row in rows}


async def of_carriers(
    session: Session, wanted: Iterable[tuple[UUID, str]]
) -> dict[tuple[UUID, str], CarrierAccount]:
    """The account with each carrier, by (account, carrier)."""
    pairs = list(wanted)
    rows = await _queries.accounts_of_carriers.all(
        session,
        accounts=[account for account, _ in pairs],
        carriers=[carrier for _, carrier in pairs],
    )
    return {(row["account_id"], row["carrier"]): _account(row) for row in rows}


async def add(session: Session, one: CarrierAccount) -> bool:
    """Add it; False: the account has one with that carrier."""
    added: int = await _queries.add_account.run(session, **_columns(one), carrier=one.carrier)
    return added > 0


async def change(session: Session, one: CarrierAccount) -> None:
    """Write it as it is now, a version more."""
    await _queries.change_account.run(session, **_columns(one))


async def delete(session: Session, account: UUID, id_: UUID) -> bool:
    """Delete it with its credentials; False: labels of it are under way."""
    deleted: int = await _queries.delete_account.run(session, account=account, id=id_)
    return deleted > 0


def _columns(one: CarrierAccount) -> dict[str, object]:
    return {
        "id": one.id,
        "account": one.account_id,
        "kind": one.kind,
        "name": one.name,
        "url": one.url,
        "sender_address_id": one.sender_address_id,
        "sealed_keys": one.sealed_keys,
    }
