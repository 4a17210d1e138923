"""Commands about shipments, one or many: locked, decided on one by one, written at once."""

from collections.abc import Callable, Mapping
from uuid import UUID

from services.fulfilment.shipments import applying, store
from services.fulfilment.shipments.applying import Change
from services.fulfilment.shipments.following import Shipments
from services.fulfilment.shipments.locked_order import LockedOrder
from services.fulfilment.shipments.shipment import Shipment
from shared.failures import Refused
from shared.postgres.database import Session

# What is done with one shipment: its order, all shipments of that, and this one; gives all of them.
Command = Callable[[LockedOrder, Shipments, Shipment], Shipments]


async def change(
    session: Session, account: UUID, asked: Mapping[UUID, Command]
) -> dict[UUID, Shipment | Refused]:
    """Each shipment as its command leaves it, or why that was refused; by shipment id.

    As many statements for one as for many. A refusal of one does not touch the others.

    Args:
        session: in a transaction.
        account: who asks; what it is no party of is not there.
        asked: by shipment id.
    """
    order_of = await store.orders_of(session, asked)
    order_ids = sorted(set(order_of.values()))
    orders = await store.lock_orders(session, order_ids)
    before = await store.lock_shipments(session, order_ids)
    after = dict(before)
    results: dict[UUID, Shipment | Refused] = {}
    for shipment_id, command in asked.items():
        order = orders.get(order_of.get(shipment_id, shipment_id))
        shipments = after.get(order.id, ()) if order else ()
        shipment = _found(shipments, shipment_id)
        if order is None or shipment is None or not is_party(shipment, account):
            results[shipment_id] = Refused("not_found", what="shipment")
            continue
        try:
            after[order.id] = command(order, shipments, shipment)
        except Refused as refused:
            results[shipment_id] = refused
        else:
            results[shipment_id] = _found(after[order.id], shipment_id) or shipment
    await applying.write(
        session,
        [
            Change(order.id, before.get(order.id, ()), after[order.id], order.shipments_version)
            for order in orders.values()
            if order.id in after
        ],
    )
    return results


def is_party(shipment: Shipment, account: UUID) -> bool:
    """Whether the account sees it: its brand always, a 3PL if it works it."""
    works_it = shipment.connection_id is not None and account == shipment.three_pl_id
    return account == shipment.brand_id or works_it


def _found(shipments: Shipments, shipment_id: UUID) -> Shipment | None:
    return next((one for one in shipments if one.id == shipment_id), None)
