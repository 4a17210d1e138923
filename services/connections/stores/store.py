"""What is kept of stores: one function per named query, each given a session."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from services.connections.stores.models import ListedCredential, Store, StoreAccess
from shared.contracts.stores_changed import PaymentRules, StoreCredential
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def insert_store(session: Session, brand_id: UUID, platform: str, domain: str) -> Store:
    """The new store; the caller holds the account and found none."""
    (row,) = await _queries.insert_store.all(
        session, id=uuid7(), brand_id=brand_id, platform=platform, domain=domain
    )
    return row_as(Store, row)


async def get_store_of_brand(
    session: Session, brand_id: UUID, platform: str, domain: str
) -> Store | None:
    """The brand's store at this domain."""
    row = await _queries.get_store_of_brand.one(
        session, brand_id=brand_id, platform=platform, domain=domain
    )
    return row_as(Store, row) if row else None


async def list_stores(
    session: Session, brand_id: UUID, after: UUID | None, limit: int
) -> list[Store]:
    """The stores of a brand, newest first."""
    rows = await _queries.list_stores.all(session, brand_id=brand_id, after=after, limit=limit)
    return [row_as(Store, row) for row in rows]


async def get_store(session: Session, store_id: UUID) -> Store:
    """The store.

    Raises:
        LookupError: there is none.
    """
    row = await _queries.get_store.one(session, id=store_id)
    if row is None:
        raise LookupError(f"there is no store {store_id}")
    return row_as(Store, row)


async def list_aliases(session: Session, store_id: UUID) -> list[UUID]:
    """Other ids that orders of the store may come under."""
    return [row["id"] for row in await _queries.list_aliases.all(session, store_id=store_id)]


async def move_store(
    session: Session, store_id: UUID, brand_id: UUID, alias_of: UUID | None
) -> None:
    """The claim's store becomes the brand's, or an alias of one that it has."""
    await _queries.move_store.run(session, id=store_id, brand_id=brand_id, alias_of=alias_of)


async def get_store_access(
    session: Session, store_id: UUID, account_id: UUID
) -> StoreAccess | None:
    """The store as the account may see it; None for strangers."""
    row = await _queries.get_store_access.one(session, store_id=store_id, account_id=account_id)
    return row_as(StoreAccess, row, store=row_as(Store, row)) if row else None


async def lock_store(session: Session, store_id: UUID) -> None:
    """Lock the store to the end of the transaction: its changes happen one by one."""
    await _queries.lock_store.value(session, id=store_id)


async def lock_shop(session: Session, platform: str, domain: str) -> None:
    """Lock the shop, whoever has it, to the end of the transaction."""
    await _queries.lock_shop.value(session, platform=platform, domain=domain)


async def is_proven_elsewhere(session: Session, brand_id: UUID, platform: str, domain: str) -> bool:
    """Whether another account than this one has proven the shop."""
    return bool(
        await _queries.is_proven_elsewhere.value(
            session, brand_id=brand_id, platform=platform, domain=domain
        )
    )


async def touch_store(session: Session, store_id: UUID) -> Store:
    """The store with its next version.

    Raises:
        LookupError: there is none.
    """
    row = await _queries.touch_store.one(session, id=store_id)
    if row is None:
        raise LookupError(f"there is no store {store_id}")
    return row_as(Store, row)


async def update_payment_rules(session: Session, store_id: UUID, rules: PaymentRules) -> None:
    """Keep what the store says about unpaid orders."""
    await _queries.update_payment_rules.run(
        session,
        id=store_id,
        hold_unpaid=rules.hold_unpaid,
        ship_unpaid_methods=list(rules.ship_unpaid_methods),
    )


async def insert_credential(
    session: Session, store_id: UUID, credential: StoreCredential, created_by: UUID
) -> None:
    """Keep a new credential."""
    await _queries.insert_credential.run(
        session, store_id=store_id, created_by=created_by, **credential.model_dump()
    )


def _listed(row: asyncpg.Record) -> ListedCredential:
    credential = StoreCredential.model_validate(dict(row))
    return ListedCredential(row["store_id"], credential, row["created_at"])


async def list_credentials(session: Session, store_id: UUID) -> list[ListedCredential]:
    """Those valid now for this id, oldest first; whoever asks has been shown the store."""
    rows = await _queries.list_credentials.all(session, store_id=store_id)
    return [_listed(row) for row in rows]


async def list_all_credentials(session: Session, store_id: UUID) -> list[ListedCredential]:
    """Those valid now for the store and its aliases; whoever asks has been shown the store."""
    rows = await _queries.list_all_credentials.all(session, store_id=store_id)
    return [_listed(row) for row in rows]


async def revoke_credential(
    session: Session, store_id: UUID, credential_id: UUID, revoked_by: UUID
) -> UUID | None:
    """The store id, this one or an alias, that it was good for until now."""
    of_store: UUID | None = await _queries.revoke_credential.value(
        session, store_id=store_id, id=credential_id, revoked_by=revoked_by
    )
    return of_store


async def settle_claimed_credentials(
    session: Session, store_id: UUID, brand_id: UUID, adopted: Sequence[UUID]
) -> set[UUID]:
    """Those that a 3PL made and that were valid until now: the brand's, if adopted, or revoked."""
    rows = await _queries.settle_claimed_credentials.all(
        session, store_id=store_id, brand_id=brand_id, adopted=adopted
    )
    return {row["id"] for row in rows}


async def revoke_credentials_of(
    session: Session, store_id: UUID, created_by: UUID, revoked_by: UUID
) -> int:
    """How many valid ones of one account were revoked."""
    return await _queries.revoke_credentials_of.run(
        session, store_id=store_id, created_by=created_by, revoked_by=revoked_by
    )


async def is_valid(session: Session, credential_id: UUID) -> bool:
    """Whether a credential was not revoked."""
    return bool(await _queries.is_valid_credential.value(session, id=credential_id))
