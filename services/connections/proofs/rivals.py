"""Telling the accounts that have one shop of each other, in the transaction of what they learn.

Accounts without people are claims: they are not told and do not count, or an invented brand could
send mails.
"""

from collections.abc import Collection
from uuid import UUID

from services.connections.connection.models import Connection
from services.connections.mail.outgoing import Outgoing
from services.connections.proofs import store, telling
from services.connections.stores.models import Store
from shared.postgres.database import Session


async def tell_unproven(session: Session, outgoing: Outgoing, connection: Connection) -> None:
    """A connection was accepted or switched on; the caller holds the shop."""
    claimants = await store.list_claimants(
        session, connection.store_id, connection.platform, connection.domain
    )
    mails = telling.unproven(claimants, connection.store_id, connection.domain)
    if mails:
        await outgoing.queue(session, *mails)


async def tell_proven(
    session: Session, outgoing: Outgoing, of_store: Store, lost: Collection[UUID]
) -> None:
    """A store was proven, and `lost` are proven no longer; the caller holds the shop."""
    claimants = await store.list_claimants(session, of_store.id, of_store.platform, of_store.domain)
    mails = telling.proven(claimants, of_store.id, lost, of_store.domain)
    if mails:
        await outgoing.queue(session, *mails)
