"""Labels of what will not leave go back to their carriers."""

from collections.abc import Sequence
from uuid import UUID

from services.fulfilment.labels import store
from shared.postgres.database import Session


async def give_back(session: Session, shipments: Sequence[UUID]) -> None:
    """Have it done, once this transaction is; what is still being bought is given back then.

    Args:
        session: in a transaction that holds the shipments.
        shipments: that were cancelled.
    """
    await store.give_back(session, shipments)
