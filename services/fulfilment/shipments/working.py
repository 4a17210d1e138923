"""Shipments locked with their order, for whoever changes them besides people."""

from uuid import UUID

from services.fulfilment.shipments import store
from services.fulfilment.shipments.following import Shipments
from services.fulfilment.shipments.locked_order import LockedOrder
from shared.postgres.database import Session


async def lock_with_order(session: Session, order_id: UUID) -> tuple[LockedOrder, Shipments] | None:
    """An order and all its shipments, locked in that order; None where it is not known."""
    order = (await store.lock_orders(session, [order_id])).get(order_id)
    if order is None:
        return None
    return order, (await store.lock_shipments(session, [order_id])).get(order_id, ())
