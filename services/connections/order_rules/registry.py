"""Which order rules there are: what other slices ask of them."""

from collections.abc import Sequence
from uuid import UUID

from services.connections.order_rules import store
from shared.contracts.connections_changed import SETTINGS_HISTORY, OrderRulesVersion
from shared.postgres.database import Session


async def told_of(session: Session, connection_id: UUID) -> Sequence[OrderRulesVersion]:
    """What a message of the connection has: the versions that any order may still be sent by."""
    return await store.list_effective(session, connection_id, SETTINGS_HISTORY)


async def erase(session: Session, brand_id: UUID) -> Sequence[UUID]:
    """Empty all rules of a brand; the connections that had any, for the caller to announce."""
    return await store.erase(session, brand_id)
