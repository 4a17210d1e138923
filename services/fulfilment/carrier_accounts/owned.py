"""The carrier accounts that shipments go by, for whoever buys their labels."""

from collections.abc import Collection
from uuid import UUID

from services.fulfilment.carrier_accounts import store
from services.fulfilment.carrier_accounts.account import CarrierAccount
from shared.postgres.database import Session


async def accounts_for(
    session: Session, wanted: Collection[tuple[UUID, str]]
) -> dict[tuple[UUID, str], CarrierAccount]:
    """Of each (account, carrier) the account with that carrier, if there is one."""
    return await store.of_carriers(session, wanted) if wanted else {}


async def account_by_id(session: Session, id_: UUID) -> CarrierAccount | None:
    """One, whoever has it; a deleted one has no credentials."""
    return (await store.by_id(session, [id_])).get(id_)
