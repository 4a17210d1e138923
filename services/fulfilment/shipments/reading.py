"""Shipments as other rooms look at them."""

from collections.abc import Iterable
from uuid import UUID

from services.fulfilment.shipments import store
from services.fulfilment.shipments.shipment import Shipment
from shared.postgres.database import Session


async def carriers_of(session: Session, ids: Iterable[UUID]) -> dict[UUID, tuple[UUID, str]]:
    """Of each shipment that has a carrier: whose rules chose it, and which it is."""
    return {
        one.id: (one.rules_of, one.shipping.carrier)
        for one, _ in (await store.with_numbers(session, list(ids))).values()
        if one.shipping is not None
    }


async def shipment_and_number(session: Session, shipment_id: UUID) -> tuple[Shipment, str] | None:
    """A shipment, and what its store calls the order."""
    return (await store.with_numbers(session, [shipment_id])).get(shipment_id)
